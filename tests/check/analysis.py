#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""analysis.py [--only cppcheck,gcc,clang-tidy] [PATH...]: static analysers over every source that isn't a test.

Three analysers, because each sees what the others don't: cppcheck (across functions, in seconds), gcc's -fanalyzer and
clang-tidy with clang's analyser (paths through one file). A finding is fixed, or explained in analysis_known.txt, whose
lines are

    TOOL CHECK PATH | part of the line of code
        why it is wrong here

An entry there that explains nothing any more fails too. With --self-test a planted bug must be found by each.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

from common import Tap, Tree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KNOWN = "tests/check/analysis_known.txt"
FOLDERS = ("src/", "tools/", "bench/", "examples/")
JOBS = len(os.sched_getaffinity(0))
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Iinclude", "-Isrc", "-Itools", "-Ibench", "-Iexamples"]
FOUND = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?:warning|error|style|performance|portability): "
                   r"(?P<text>.*?) ?\[(?P<check>[^\s\]]+)\]$", re.M)

SAMPLE = """#include <stdlib.h>
int sample(int which);
int sample(int which)
{
    char *p = malloc(4);
    if (p == NULL)
        return 0;
    free(p);
    if (which > 3)
        free(p);
    return 0;
}
"""

Known = namedtuple("Known", "number tool check path code")


def sources(tree, wanted):
    return [p for p in tree.files if p.endswith(".c") and not p.endswith("_test.c") and p.startswith(FOLDERS)
            and (not wanted or p in wanted) and not re.search(r"libevent|libuv", p)]


def output(root, command):
    out = subprocess.run(command, cwd=root, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return out.stdout


def cppcheck(root, paths):
    return output(root, ["cppcheck", "--std=c17", "-Iinclude", "-Isrc", "--enable=warning,performance,portability",
                         "--max-configs=1", "--quiet", f"-j{JOBS}",
                         "--template={file}:{line}: warning: {message} [{id}]"] + paths)


def each(root, before, paths, after=()):
    with ThreadPoolExecutor(JOBS) as pool:
        return "".join(pool.map(lambda path: output(root, [*before, path, *after]), paths))


def gcc(root, paths):
    text = each(root, ["gcc", "-fanalyzer", "-O1", "-fno-diagnostics-show-caret", "-fdiagnostics-path-format=none",
                       "-c", "-o", os.devnull] + FLAGS, paths)
    return re.sub(r" \[CWE-\d+\]", "", text)


def clang_tidy(root, paths):
    config = os.path.join(ROOT, ".clang-tidy")
    return each(root, ["clang-tidy", "--quiet", f"--config-file={config}"], paths, ["--"] + FLAGS)


TOOLS = {"cppcheck": cppcheck, "gcc": gcc, "clang-tidy": clang_tidy}


def findings(root, text):
    """(check, path, line number, line of code, text), each once: a header is seen from many files."""
    seen = set()
    for m in FOUND.finditer(text):
        path = os.path.relpath(os.path.join(root, m["path"]), root)
        if path.startswith(".."):
            continue
        with open(os.path.join(root, path), encoding="utf-8") as f:
            code = f.read().splitlines()[int(m["line"]) - 1].strip()
        seen.add((m["check"], path, int(m["line"]), code, m["text"]))
    return sorted(seen)


def read_known(root):
    known = []
    with open(os.path.join(root, KNOWN), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.strip() and line[0] not in "# ":
                head, code = line.strip().split(" | ")
                known.append(Known(number, *head.split(), code))
    return known


def judge(tap, root, name, paths, known):
    if shutil.which(name) is None:
        tap.skip(name, f"{name} is not installed (apt-get install {name})")
        return
    used, notes = set(), []
    for check, path, number, code, text in findings(root, TOOLS[name](root, paths)):
        why = [k for k in known if (k.tool, k.check, k.path) == (name, check, path) and k.code in code]
        used.update(why)
        if not why:
            notes.append(f"{path}:{number}: {text} [{check}]")
    stale = [k for k in known if k.tool == name and k not in used]
    notes += [f"{KNOWN}:{k.number}: nothing is found there any more: take the line out" for k in stale]
    tap.result(not notes, f"{name} finds nothing unexplained in {len(paths)} files", notes)


def self_test(tap, names):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "src"))
        with open(os.path.join(root, "src/sample.c"), "w", encoding="utf-8") as f:
            f.write(SAMPLE)
        for name in names:
            if shutil.which(name) is None:
                tap.skip(name, f"{name} is not installed (apt-get install {name})")
                continue
            found = findings(root, TOOLS[name](root, ["src/sample.c"]))
            tap.result(bool(found), f"{name} finds memory freed twice")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(TOOLS), help="analysers, with commas between")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("paths", nargs="*")
    args = parser.parse_args()
    names = [name for name in args.only.split(",") if name]
    unknown = [name for name in names if name not in TOOLS]
    if unknown:
        parser.error(f"no analyser {unknown[0]}: choose from {', '.join(TOOLS)}")
    tap = Tap()
    if args.self_test:
        self_test(tap, names)
        return tap.done()
    paths = sources(Tree(ROOT), set(args.paths))
    known = read_known(ROOT)
    if args.paths:
        known = [k for k in known if k.path in args.paths]
    for name in names:
        judge(tap, ROOT, name, paths, known)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
