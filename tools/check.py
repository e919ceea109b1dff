#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check.py [--long] [--fuzz-seconds N] [--only STAGE,...]: all that must hold, in stages; what `make check` runs.

    static   the sources: floors, tidy, headers, format, docs (tests/check), and that each rule can fail; our own tools
    analysis the sources once more: cppcheck and gcc's analyser; with --long clang-tidy as well
    gcc      a release build with gcc; unit tests, packet scripts, checks of the libraries
    clang    a build with clang, ASan, UBSan and debug checks; the same tests
    threads  what runs in several threads, built with ThreadSanitizer
    seeds    simulation from seeds, the fuzzers' corpora, tests whose allocations fail, in the sanitized build
    slow     --long only: the slow tests, in both builds
    memory   --long only: packet scripts and simulation, built with MemorySanitizer
    valgrind --long only: the unit tests of the gcc build once more, under memcheck
    fuzz     --long only: each fuzzer for --fuzz-seconds
    interop  tests/interop: run against the kernel, compare beside it, soak: twenty seconds of everything, with --long
             half an hour; needs root and /dev/net/tun

Test programs speak TAP, and each of their results counts; one that doesn't counts as one, and so does a build. A stage
of which nothing exists in the tree says so. Every failure is one line that ends in the command that repeats it alone,
then what was said. A program that knows better how to repeat a failure says so in a line '# repeat: COMMAND': after a
'not ok' for that result, or before it begins something that may end it.

The last line is 'N passed, N failed'; the status is 0 when nothing failed and something passed.
"""
import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = len(os.sched_getaffinity(0))
NOTES_MAX = 12
INTEROP_SECONDS = 1200
SOAK_SECONDS = 1800
SOURCE_CHECKS = ("floors", "tidy", "headers", "format", "docs", "rfc")
TOOL_CHECKS = ("bootstrap", "counting")
SEED_SUITES = ("sim", "corpus", "failing")

Build = namedtuple("Build", "folder compiler options")
GCC = Build("build-gcc", "gcc", ["-Dtests=enabled"])
CLANG = Build("build-clang", "clang", ["-Dtests=enabled", "-Db_sanitize=address,undefined", "-Ddebug_checks=true"])
FUZZ = Build("build-fuzz", "clang", ["-Dtests=disabled", "-Dfuzz=true", "-Db_sanitize=address,undefined",
                                     "-Ddebug_checks=true"])

AFL = Build("build-afl", "afl-clang-fast", ["-Dtests=disabled", "-Dfuzz=afl", "-Db_sanitize=address,undefined",
                                            "-Ddebug_checks=true"])
AFL_CANARY = "fuzz/fuzz_canary"
TSAN = Build("build-tsan", "clang", ["-Dtests=enabled", "-Db_sanitize=thread", "-Db_lundef=false"])
# Tests with threads, and their programs: the only ones that are built so.
THREADED = {"socket/lend": "socket_lend_test",
            "socket/outside": "socket_outside_test",
            "socket/stress": "tests/socket_stress/tcpip-socket-stress",
            "socket/threads": "socket_threads_test"}

MSAN = Build("build-msan", "clang", ["-Dtests=enabled", "-Db_sanitize=memory", "-Db_lundef=false",
                                     "-Ddebug_checks=true"])
# Programs that use nothing but the library and libc: what isn't built with MemorySanitizer would look uninitialised.
UNASSISTED = {"script": "tests/script/tcpip-script", "sim": "tests/sim/sim", "tcp/restore": "tcp_restore_test"}

# Tests that memcheck itself makes fail: why.
NOT_UNDER_VALGRIND = {
    ("socket/poll", "select_looks_at_no_more_than_there_can_be"):
        "valgrind's own descriptors lie above the program's, so that the kernel's table is larger",
    ("socket/threads", "signal_ends_a_call_unless_it_restarts"):
        "valgrind ends a futex by a signal, also where the kernel would restart it"}

Result = namedtuple("Result", "ok name skip notes repeat")


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.stage = ""
        self.excused = {} # (program, test): why it may fail

    def say(self, line):
        print(line, flush=True)

    def ok(self):
        self.passed += 1

    def skip(self, name, why):
        self.skipped += 1
        self.say(f"SKIPPED {self.stage}: {name}: {why}")

    def fail(self, name, notes, repeat):
        self.failed += 1
        self.say(f"FAILED {self.stage}: {name} -- repeat: {repeat}")
        for note in notes[:NOTES_MAX]:
            self.say(f"    {note}")

    def take(self, result, program, repeat):
        if result.skip is not None:
            self.skip(f"{program}: {result.name}", result.skip)
        elif result.ok:
            self.ok()
        elif (program, result.name) in self.excused:
            self.skip(f"{program}: {result.name}", self.excused[program, result.name])
        else:
            self.fail(f"{program}: {result.name}", result.notes, result.repeat or repeat)


def run(command, seconds=None, env=None, merge=False):
    """(status, stdout, stderr) of a command in the tree; status is None when it ran out of time."""
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                          errors="replace", start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=seconds)
            return process.returncode, out, err or ""
        except BaseException as why:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            if isinstance(why, subprocess.TimeoutExpired):
                return None, out, err or ""
            raise


TAP_LINE = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:-\s*)?([^#]*?)\s*(?:#\s*(SKIP\S*|TO" r"DO\S*)\s*(.*))?$", re.I)


def parse_tap(text):
    """(results, planned number or None, how to repeat what came after the last result, or None).

    The '# ...' lines after a result are its notes.
    """
    results, plan, pending = [], None, None
    for line in text.splitlines():
        planned = re.match(r"^1\.\.(\d+)", line)
        match = TAP_LINE.match(line)
        if planned:
            plan = int(planned.group(1))
        elif match:
            skip = (match.group(5) or "no reason given") if (match.group(4) or "").upper().startswith("SKIP") else None
            name = match.group(3) or (skip if skip is not None else None) or f"test {match.group(2)}"
            results.append(Result(not match.group(1), name, skip, [], None))
            pending = None
        elif line.startswith("# repeat: "):
            pending = line[len("# repeat: "):]
            if results and not results[-1].ok and not results[-1].repeat:
                results[-1] = results[-1]._replace(repeat=pending)
        elif line.startswith("#") and results:
            results[-1].notes.append(line[1:].strip())
    return results, plan, pending


def last_words(out, err):
    """What of a dying program's output says why: a sanitizer's report, or the last lines."""
    lines = [line for line in (out + "\n" + err).splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if re.search(r"ERROR: (\w+Sanitizer|libFuzzer)|runtime error:|Assertion .* failed", line):
            return lines[number:number + NOTES_MAX]
    return lines[-NOTES_MAX:]


def ending(status):
    if status is None:
        return "out of time"
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def count_program(report, name, status_ok, how_it_ended, out, err, repeat):
    """Counts one program that ran: each TAP result, or one if it speaks none. repeat(name or None) is a command."""
    results, plan, pending = parse_tap(out)
    if plan is None and not results:
        if status_ok:
            report.ok()
        else:
            report.fail(f"{name}: {how_it_ended}", last_words(out, err), repeat(None))
        return
    for result in results:
        report.take(result, name, repeat(result.name))
    explained = any(not r.ok and r.skip is None for r in results)
    if plan != len(results):
        report.fail(f"{name}: {how_it_ended} after {len(results)} of {plan} tests", last_words(out, err),
                    pending or repeat(None))
    elif not status_ok and not explained:
        report.fail(f"{name}: {how_it_ended}", last_words(out, err), repeat(None))


# Stages: each is given the report and the arguments, and returns False if nothing of it exists.


def stage_static(report, _args):
    commands = [[sys.executable, "-B", f"tests/check/{name}.py"] + extra
                for name in SOURCE_CHECKS for extra in ([], ["--self-test"])]
    commands += [[sys.executable, "-B", f"tests/check/{name}.py"] for name in TOOL_CHECKS]
    with ThreadPoolExecutor(JOBS) as pool:
        for command, (status, out, err) in zip(commands, pool.map(run, commands)):
            again = shlex.join(["python3"] + command[2:])
            count_program(report, command[2], status == 0, ending(status), out, err, lambda _, again=again: again)
    return True


def stage_analysis(report, args):
    names = "cppcheck,gcc,clang-tidy" if args.long else "cppcheck,gcc"
    for extra in (["--self-test"], []):
        command = [sys.executable, "-B", "tests/check/analysis.py", "--only", names] + extra
        status, out, err = run(command)
        again = shlex.join(["python3"] + command[2:])
        count_program(report, "analysis", status == 0, ending(status), out, err, lambda _, again=again: again)
    return True


def make_build(report, build, ready):
    """Configures and compiles, once; True if that worked."""
    if build.folder not in ready:
        ready[build.folder] = configure(report, build) and compile_build(report, build)
    return ready[build.folder]


def configure(report, build):
    command = ["meson", "setup", build.folder] + build.options
    configured = os.path.exists(os.path.join(ROOT, build.folder, "build.ninja"))
    env = {"CC": build.compiler}
    status, out, _ = run(command + (["--reconfigure"] if configured else []), env=env, merge=True)
    if status != 0 and configured: # made by another version of meson, or half made: start again
        shutil.rmtree(os.path.join(ROOT, build.folder))
        status, out, _ = run(command, env=env, merge=True)
    if status != 0:
        report.fail("meson setup", out.splitlines()[-NOTES_MAX:], f"CC={build.compiler} {shlex.join(command)}")
    return status == 0


def compile_build(report, build, targets=()):
    command = ["ninja", "-C", build.folder, "-k", "0", *targets]
    status, out, _ = run(command + ["-j", str(JOBS)], merge=True)
    if status != 0:
        wrong = [line for line in out.splitlines() if re.search(r"error:|undefined reference|FAILED:|Error ", line)]
        report.fail("the build; its tests aren't run", wrong or out.splitlines()[-NOTES_MAX:], shlex.join(command))
    else:
        report.ok()
    return status == 0


def meson_tests(build):
    """(name, set of suites) of each test of a build."""
    _, out, _ = run(["meson", "introspect", "--tests", build.folder])
    return [(t["name"], {s.split(":")[-1] for s in t["suite"]}) for t in json.loads(out)]


def run_meson_tests(report, build, wanted, env=None, patience=4, wrapper=(), only=None):
    """Runs the tests whose suites `wanted` accepts, or those named in `only`; returns False if there are none.

    `patience` multiplies their time limits, which are for a machine that does nothing else.
    """
    names = [name for name, suites in meson_tests(build) if (wanted(suites) if only is None else name in only)]
    if not names:
        return False
    suffix = "-" + wrapper[1].split()[0] if wrapper else "" # meson names the log by the wrapper
    log = os.path.join(ROOT, build.folder, "meson-logs", f"check{suffix}.json")
    if os.path.exists(log):
        os.remove(log)
    sanitizer = {"ASAN_OPTIONS": "allow_user_segv_handler=0:detect_stack_use_after_return=1",
                 "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    _, out, err = run(["meson", "test", "-C", build.folder, "--no-rebuild", "--logbase", "check", "-t", str(patience),
                       "--num-processes", str(JOBS), *wrapper] + names, env={**sanitizer, **(env or {})})
    if not os.path.exists(log):
        report.fail("meson test said nothing", last_words(out, err), f"meson test -C {build.folder}")
        return True
    with open(log, encoding="utf-8") as f:
        entries = [json.loads(line) for line in f]
    for entry in entries: # 'project:suite / name' when there is more than one suite
        entry["name"] = entry["name"].split(" / ")[-1]
    for entry in sorted(entries, key=lambda e: names.index(e["name"])):
        count_entry(report, build, entry)
    for name in sorted(set(names) - {e["name"] for e in entries}):
        report.fail(f"{name}: not run", [], f"meson test -C {build.folder} {name}")
    return True


def count_entry(report, build, entry):
    name = entry["name"]
    program = os.path.relpath(entry["command"][0], ROOT)

    def repeat(test):
        if test and program.startswith(build.folder) and program.endswith("_test"):
            return f"ninja -C {build.folder} && TEST_FILTER={shlex.quote(test)} {program}"
        return f"meson test -C {build.folder} -v {name}"

    good = entry["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
    how = "out of time" if entry["result"] == "TIMEOUT" else ending(entry["returncode"])
    if entry["result"] == "SKIP" and not parse_tap(entry.get("stdout", ""))[0]:
        report.skip(name, "the program says so")
    else:
        count_program(report, name, good, how, entry.get("stdout", ""), entry.get("stderr", ""), repeat)


READY = {}
APART = {"slow"} | set(SEED_SUITES)


def stage_gcc(report, _args):
    if make_build(report, GCC, READY):
        run_meson_tests(report, GCC, lambda suites: not suites & APART)
    return True


def stage_clang(report, _args):
    if make_build(report, CLANG, READY):
        run_meson_tests(report, CLANG, lambda suites: not suites & (APART | {"check", "count"}))
    return True


def stage_threads(report, _args):
    if configure(report, TSAN) and compile_build(report, TSAN, sorted(THREADED.values())):
        run_meson_tests(report, TSAN, None, {"TSAN_OPTIONS": "halt_on_error=1"}, only=THREADED)
    return True


def stage_seeds(report, args):
    if not make_build(report, CLANG, READY):
        report.say("not run: the clang build failed")
        return True
    env = {"CHECK_LONG": "1"} if args.long else {}
    patience = 20 if args.long else 4
    return run_meson_tests(report, CLANG, lambda suites: suites & set(SEED_SUITES), env, patience)


def stage_slow(report, _args):
    ran = False
    for build in (GCC, CLANG):
        if make_build(report, build, READY):
            ran |= run_meson_tests(report, build, lambda suites: "slow" in suites, {"CHECK_LONG": "1"})
    return ran


def stage_memory(report, _args):
    if configure(report, MSAN) and compile_build(report, MSAN, sorted(UNASSISTED.values())):
        run_meson_tests(report, MSAN, None, {"MSAN_OPTIONS": "halt_on_error=1"}, patience=20, only=UNASSISTED)
    return True


def stage_valgrind(report, _args):
    if shutil.which("valgrind") is None:
        report.skip("all of valgrind", "valgrind is not installed (apt-get install valgrind)")
        return True
    memcheck = ("valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite "
                f"--child-silent-after-fork=yes --suppressions={ROOT}/tests/check/valgrind.supp")
    report.excused = NOT_UNDER_VALGRIND
    ran = make_build(report, GCC, READY) and run_meson_tests(
        report, GCC, lambda suites: "unit" in suites, patience=30, wrapper=("--wrapper", memcheck))
    report.excused = {}
    return ran


def stage_fuzz(report, args):
    if not any(name.endswith(".c") and name != "replay.c" for name in os.listdir(os.path.join(ROOT, "fuzz"))):
        return False
    if not make_build(report, FUZZ, READY):
        return True
    folder = os.path.join(FUZZ.folder, "fuzz")
    names = sorted(n for n in os.listdir(os.path.join(ROOT, folder)) if re.fullmatch(r"fuzz_\w+", n))

    def fuzz(name):
        found = os.path.join(FUZZ.folder, "found", name)
        os.makedirs(os.path.join(ROOT, found), exist_ok=True)
        seeds = os.path.join("fuzz", "corpus", name[len("fuzz_"):])
        command = [os.path.join(folder, name), f"-max_total_time={args.fuzz_seconds}", f"-artifact_prefix={found}-",
                   "-timeout=10", found] + ([seeds] if os.path.isdir(os.path.join(ROOT, seeds)) else [])
        return run(command, seconds=args.fuzz_seconds + 300, merge=True)

    with ThreadPoolExecutor(JOBS) as pool:
        for name, (status, out, _) in zip(names, pool.map(fuzz, names)):
            crash = re.search(r"Test unit written to (\S+)", out)
            again = f"{folder}/{name}" + (f" {crash.group(1)}" if crash else "")
            if name == "fuzz_canary": # its bug must be found, or the others' silence means nothing
                status, out = (0, "") if crash else (1, "the planted bug wasn't found")
            count_program(report, name, status == 0, ending(status), "", out, lambda _, again=again: again)
    fuzz_afl_canary(report, args)
    return True


def fuzz_afl_canary(report, args):
    """The planted bug once more, under AFL++: HACKING.md has how to run the others so."""
    if shutil.which("afl-fuzz") is None:
        report.skip("the canary under AFL++", "afl-fuzz is not installed (apt-get install afl++)")
        return
    if not configure(report, AFL) or not compile_build(report, AFL, [AFL_CANARY]):
        return
    seeds, found = (os.path.join(ROOT, AFL.folder, name) for name in ("seeds", "found"))
    shutil.rmtree(found, ignore_errors=True)
    os.makedirs(seeds, exist_ok=True)
    with open(os.path.join(seeds, "any"), "w", encoding="ascii") as seed:
        seed.write("any input")
    env = {name: "1" for name in ("AFL_NO_UI", "AFL_SKIP_CPUFREQ", "AFL_NO_AFFINITY", "AFL_BENCH_UNTIL_CRASH",
                                  "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES")}
    command = ["afl-fuzz", "-V", str(args.fuzz_seconds), "-i", seeds, "-o", found, "--",
               os.path.join(AFL.folder, AFL_CANARY)]
    _, out, err = run(command, seconds=args.fuzz_seconds + 60, env=env)
    crashes = os.path.join(found, "default", "crashes")
    if os.path.isdir(crashes) and any(name.startswith("id:") for name in os.listdir(crashes)):
        report.ok()
    else:
        report.fail("the canary under AFL++: the planted bug wasn't found", last_words(out, err),
                    f"python3 tools/check.py --only fuzz --fuzz-seconds {args.fuzz_seconds}")


def stage_interop(report, args):
    scripts = [["tests/interop/run"], ["tests/interop/compare"] + (["--long"] if args.long else []),
               ["tests/interop/soak", "--seconds", str(SOAK_SECONDS if args.long else 20)]]
    if not os.path.exists(os.path.join(ROOT, "tests/interop")):
        return False
    why = None
    if os.geteuid() != 0:
        why = "needs root, for network namespaces"
    elif not os.path.exists("/dev/net/tun"):
        why = "needs /dev/net/tun"
    if why:
        report.skip("all of tests/interop", why)
    elif make_build(report, GCC, READY):
        for script in scripts:
            command = [*script, "--build", GCC.folder]
            status, out, err = run(command, seconds=INTEROP_SECONDS + (SOAK_SECONDS * 2 if args.long else 0))
            count_program(report, script[0], status == 0, ending(status), out, err, lambda _, c=command: shlex.join(c))
    else:
        report.say("not run: the gcc build failed")
    return True


STAGES = [
    ("static", "the sources", stage_static, False),
    ("analysis", "static analysers", stage_analysis, False),
    ("gcc", "gcc: build, tests, the libraries", stage_gcc, False),
    ("clang", "clang with ASan and UBSan: build, tests", stage_clang, False),
    ("threads", "threads under ThreadSanitizer", stage_threads, False),
    ("seeds", "simulation and corpora", stage_seeds, False),
    ("slow", "slow tests", stage_slow, True),
    ("memory", "scripts and simulation under MemorySanitizer", stage_memory, True),
    ("valgrind", "the unit tests under valgrind", stage_valgrind, True),
    ("fuzz", "fuzzers", stage_fuzz, True),
    ("interop", "the kernel and real programs", stage_interop, False),
]


def run_stage(report, args, stage):
    name, title, function, _ = stage
    report.stage = name
    report.say(f"== {name}: {title}")
    before, start = (report.passed, report.failed, report.skipped), time.monotonic()
    try:
        exists = function(report, args)
    except Exception as why: # a stage that breaks is a failure, not the end of the others
        report.fail(f"the stage broke: {type(why).__name__}: {why}", [], f"python3 tools/check.py --only {name}")
        exists = True
    passed, failed, skipped = (a - b for a, b in zip((report.passed, report.failed, report.skipped), before))
    counts = f"{passed} ok, {failed} failed" + (f", {skipped} skipped" if skipped else "")
    report.say(f"   {counts if exists else 'nothing of it in this tree'}, {time.monotonic() - start:.1f} s")


def main():
    try: # a closed stdin would let the next open file become descriptor 0
        os.fstat(0)
    except OSError:
        os.open(os.devnull, os.O_RDONLY)
    parser = argparse.ArgumentParser(description="all that must hold; see the head of this file")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--fuzz-seconds", type=int, default=60)
    parser.add_argument("--only", help="stages, separated by commas: " + ", ".join(s[0] for s in STAGES))
    args = parser.parse_args()
    only = args.only.split(",") if args.only else None
    if only and set(only) - {s[0] for s in STAGES}:
        parser.error(f"no such stage: {args.only}")
    report = Report()
    try:
        for stage in STAGES:
            if stage[0] in only if only else args.long or not stage[3]:
                run_stage(report, args, stage)
    except KeyboardInterrupt:
        report.fail("interrupted", [], "make check")
    if not report.passed and not report.failed:
        report.fail("nothing was checked", [], "make check")
    if report.skipped:
        print(f"{report.skipped} skipped, see above")
    print(f"{report.passed} passed, {report.failed} failed", flush=True)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
