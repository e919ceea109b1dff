# The commands. meson and ninja do the work; `make help` lists what there is.
BUILD := build
PREFIX ?=
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 1800
ROUNDS ?= 5
SECONDS ?= 0.5
CHECK_BUILDS := build-gcc build-clang build-tsan build-msan build-fuzz build-afl build-cov build-bench

.PHONY: all bench check check-long coverage demo external soak install format clean help
.NOTPARALLEL:

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null && command -v ninja >/dev/null || \
	    { echo "meson or ninja is missing: tools/bootstrap.sh build installs what a build needs" >&2; exit 1; }
	@meson setup $(BUILD) $(if $(PREFIX),--prefix=$(PREFIX))

check:
	@tools/bootstrap.sh check || { echo '0 passed, 1 failed'; exit 1; }
	@python3 tools/check.py

check-long:
	@tools/bootstrap.sh check || { echo '0 passed, 1 failed'; exit 1; }
	@python3 tools/check.py --long --fuzz-seconds $(FUZZ_SECONDS)

coverage:
	@tools/bootstrap.sh check
	@python3 tools/coverage.py --update

demo:
	@tools/bootstrap.sh demo
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet tcpip
	@ninja -C $(BUILD) --quiet tests/interop/interop-compare >/dev/null 2>&1 || true # where tests are built
	@BUILD=$(BUILD) tools/demo.sh

# Beside lwIP and the kernel: bench/compare says what and how. ROUNDS and SECONDS of each measurement may be given.
bench:
	@tools/bootstrap.sh build
	@bench/compare --rounds $(ROUNDS) --seconds $(SECONDS)

# Scripts of others, against the library under the packetdrill program: see HACKING.md.
external: all
	@test -n "$(PACKETDRILL)" -a -n "$(GTESTS)$(SCRIPTS)" || \
	    { echo "usage: make external PACKETDRILL=program GTESTS=folder|SCRIPTS=folder [LIST=file]" >&2; exit 1; }
	@tests/packetdrill/run --packetdrill $(PACKETDRILL) --object $(BUILD)/libtcpip-packetdrill.so \
	    $(if $(GTESTS),--gtests $(GTESTS),--scripts $(SCRIPTS)) $(if $(LIST),--list $(LIST))

soak: all
	@tests/interop/soak --build $(BUILD) --seconds $(SOAK_SECONDS)

install: all
	@$(if $(PREFIX),meson configure $(BUILD) -Dprefix=$(PREFIX))
	@meson install -C $(BUILD)

format:
	@python3 tests/check/format.py --fix

clean:
	rm -rf $(BUILD) $(CHECK_BUILDS)

help:
	@echo 'make             build the library and the tools into build/'
	@echo 'make check       everything that must hold, in minutes; ends with "N passed, N failed"'
	@echo 'make check-long  the same with slow tests, more seeds, and FUZZ_SECONDS=60 for each fuzzer'
	@echo 'make coverage    which lines and branches the tests reach: docs/coverage.md anew'
	@echo 'make demo        see it work'
	@echo 'make bench       figures beside those of lwIP and the kernel, in one run: ROUNDS=5 SECONDS=0.5'
	@echo 'make external    packetdrill scripts of others against this library: HACKING.md'
	@echo 'make soak        mixed traffic with the kernel for SOAK_SECONDS=1800 (needs root): nothing may pile up'
	@echo 'make install     into PREFIX (default /usr/local), under DESTDIR if set'
	@echo 'make format      clang-format over all C files'
	@echo 'make clean       remove build/ and the builds of make check and make bench'
	@echo
	@echo 'What a command needs from Debian is installed by tools/bootstrap.sh; HACKING.md has the rest.'
