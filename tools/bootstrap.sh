#!/bin/sh
# bootstrap.sh build|check|demo: which programs does that command need? Install the missing ones, from Debian.
#
# Nothing missing: says nothing, and no network is touched. A required package that can't be had ends in one line that
# says so; an optional one costs a line, and what needs it is skipped, loudly, where it would have run.
set -u

have() { command -v "$1" >/dev/null 2>&1; }

have_cmocka() { have pkg-config && pkg-config --exists cmocka; }

have_sanitizers() {
    have clang || return 1
    dir=$(clang -print-runtime-dir 2>/dev/null)
    found=
    for lib in "$dir"/libclang_rt.asan*.a; do [ -e "$lib" ] && found=yes; done
    [ -n "$found" ]
}

sanitizer_package() {
    if have clang; then
        echo "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
    else
        echo libclang-rt-dev
    fi
}

llvm_package() {
    if have clang; then
        echo "llvm-$(clang -dumpversion | cut -d. -f1)"
    else
        echo llvm
    fi
}

have_llvm_cov() { have llvm-cov || have "$(llvm_package | sed 's/^llvm/llvm-cov/')"; }

have_clang_format() {
    have clang-format-14 || { have clang-format && clang-format --version | grep -q 'version 14\.'; }
}

have_universal_ctags() { have ctags && ctags --version 2>/dev/null | grep -q Universal; }

required=""
optional=""

# need KIND TEST PACKAGE WHY: KIND is required or optional.
need() {
    # shellcheck disable=SC2086 # TEST may be a command with an argument
    $2 && return 0
    echo "bootstrap: $3 is missing ($1): $4"
    case $1 in
        required) required="$required $3" ;;
        optional) optional="$optional $3" ;;
    esac
}

for_build() {
    need required "have gcc" gcc "the compiler"
    need required "have meson" meson "the build"
    need required "have ninja" ninja-build "the build"
    need required "have pkg-config" pkg-config "finds libraries"
    need required "have python3" python3 "runs meson and the scripts"
    need optional "have scdoc" scdoc "manual pages"
}

for_check() {
    for_build
    need required "have g++" g++ "public headers compile as C++"
    need required "have clang" clang "the second compiler, with sanitizers"
    need required have_sanitizers "$(sanitizer_package)" "AddressSanitizer, UBSan and libFuzzer"
    need required have_cmocka libcmocka-dev "unit tests"
    need optional have_universal_ctags universal-ctags "checks of function lengths and names"
    need optional have_clang_format clang-format-14 "the check of form"
    need optional "have cppcheck" cppcheck "a static analyser"
    need optional "have clang-tidy" clang-tidy "a static analyser, of make check-long"
    need optional "have afl-fuzz" afl++ "the second fuzzing engine, of make check-long"
    need optional have_llvm_cov "$(llvm_package)" "make coverage"
    need optional "have valgrind" valgrind "memcheck, of make check-long"
    need optional "have ip" iproute2 "interop tests"
    need optional "have ping" iputils-ping "interop tests"
    need optional "have curl" curl "interop tests"
    need optional "have tshark" tshark "interop tests: judges captures"
    need optional "pkg-config --exists libuv" libuv1-dev "the example of a stack in libuv's loop"
    need optional "pkg-config --exists libevent" libevent-dev "the example of a stack in libevent's loop"
}

for_demo() {
    for_build
    need required "have ip" iproute2 "makes the demo's network namespace"
    need required "have ping" iputils-ping "asks the stack for an echo"
    need required "have curl" curl "talks to the stack's server"
    need optional "have tshark" tshark "reads the demo's capture"
}

die() {
    echo "bootstrap: $*" >&2
    exit 1
}

case ${1-} in
    build | check | demo) "for_$1" ;;
    *) die "usage: tools/bootstrap.sh build|check|demo" ;;
esac
[ -n "$required$optional" ] || exit 0

# Everything below needs a network and a privilege.
sudo=
if [ "$(id -u)" -ne 0 ]; then
    have sudo && sudo -n true 2>/dev/null && sudo="sudo -n"
fi
can_install=yes
have apt-get || can_install="this isn't Debian (no apt-get)"
[ "$(id -u)" -eq 0 ] || [ -n "$sudo" ] || can_install="not root, and sudo asks for a password"
if [ "$can_install" != yes ]; then
    [ -z "$required" ] || die "cannot install$required: $can_install"
    exit 0
fi

log=$(mktemp) || die "no room for a log"
trap 'rm -f "$log"' EXIT

install() {
    # shellcheck disable=SC2086 # lists of words
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 </dev/null
}

why() { grep -m1 '^E:' "$log" || tail -n1 "$log"; }

echo "bootstrap: installing$required$optional"
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1 </dev/null ||
    echo "bootstrap: apt-get update failed, trying with the lists there are"
if [ -n "$required" ]; then
    # shellcheck disable=SC2086
    install $required || die "apt-get cannot install$required: $(why)"
fi
for package in $optional; do
    install "$package" || echo "bootstrap: no $package, going on without: $(why)"
done
required=""
optional=""
"for_$1" >"$log"
[ -z "$required" ] || die "still missing after installing:$required"
