#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coverage.py [--no-run] [--files] [--missed PATH] [--update]: which lines and branches of the library the tests reach.

Builds the tree with clang's source-based coverage in build-cov/, runs unit tests, packet scripts, corpora and the
simulation's seeds there, and says for each folder of src/ how many lines and branches were reached. Branches are
counted as clang does: each condition of && and || has two. What is never to happen isn't counted: an ASSERT's own
branches; nor are tests, though they lie beside the code. It is a build with debug checks, so that the checkers count.

    --no-run        what the last run said
    --files         each file, the worst first
    --missed PATH   the lines of a file that were not reached, and the branches that went one way only
    --update        the table of docs/coverage.md anew

The status is 1 if a test failed, or the core is below 95 % of lines or 85 % of branches.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build-cov")
RAW = os.path.join(BUILD, "raw")
PROFILE = os.path.join(BUILD, "merged.profdata")
TABLE = os.path.join(ROOT, "docs", "coverage.md")
LIBRARY = os.path.join(BUILD, "libtcpip.so")
SUITES = ("unit", "script", "corpus", "sim")
INSTRUMENT = "-fprofile-instr-generate -fcoverage-mapping"
NOT_CORE = ("src/platform", "src/socket")
LINES_GOAL, BRANCHES_GOAL = 95.0, 85.0
# Branches of these macros are a bug's, not the world's; a constant has one way only.
ASSERTING = re.compile(r"\b(?:ASSERT|ASSERT_ENV|DEBUG_ASSERT|STATIC_ASSERT)\s*\(|\bif \((?=DEBUG_BUILD\))")
NOT_COUNTED = ("src/base/assert.h", "src/base/assert.c")


def tool(name):
    """llvm-NAME, or Debian's name with clang's version."""
    version = subprocess.run(["clang", "-dumpversion"], capture_output=True, text=True, check=True).stdout.split(".")[0]
    for candidate in (f"llvm-{name}-{version}", f"llvm-{name}"):
        if shutil.which(candidate):
            return candidate
    sys.exit(f"coverage: no llvm-{name}: apt-get install llvm-{version}")


def run_tests():
    """True if all passed."""
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        subprocess.run(["meson", "setup", BUILD, "-Dtests=enabled", "-Dbuildtype=debug", "-Doptimization=1",
                        "-Ddebug_checks=true", "-Db_lundef=false", f"-Dc_args={INSTRUMENT}",
                        f"-Dc_link_args={INSTRUMENT}"], cwd=ROOT,
                       env={**os.environ, "CC": "clang"}, check=True, stdout=subprocess.DEVNULL)
    # What the build itself runs isn't a test.
    subprocess.run(["ninja", "-C", BUILD, "--quiet"], check=True, env={**os.environ, "LLVM_PROFILE_FILE": os.devnull})
    shutil.rmtree(RAW, ignore_errors=True)
    os.makedirs(RAW)
    command = ["meson", "test", "-C", BUILD, "--no-rebuild", "--quiet", "-t", "10"]
    for suite in SUITES:
        command += ["--suite", suite]
    status = subprocess.run(command, env={**os.environ, "LLVM_PROFILE_FILE": os.path.join(RAW, "%m.profraw")},
                            check=False).returncode
    subprocess.run([tool("profdata"), "merge", "-sparse", "-o", PROFILE, *glob.glob(os.path.join(RAW, "*.profraw"))],
                   check=True)
    return status == 0


def assert_lines(text):
    """The numbers of the lines on which an assertion stands, with those it goes on over."""
    lines = set()
    for match in ASSERTING.finditer(text):
        depth, at = 1, match.end()
        while depth > 0 and at < len(text):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        first = text.count("\n", 0, match.start()) + 1
        lines.update(range(first, first + text.count("\n", match.start(), at) + 1))
    return lines


def line_counts(segments):
    """{line: count} as llvm-cov shows it: the count of what wraps into the line, or the greatest that begins on it."""
    counts, by_line = {}, defaultdict(list)
    for segment in segments:
        by_line[segment[0]].append(segment)
    if not segments:
        return counts
    wrapped = None
    for line in range(segments[0][0], segments[-1][0] + 1):
        here = by_line.get(line, [])
        entries = [s for s in here if s[3] and s[4] and not (len(s) > 5 and s[5])]
        skipped = bool(here) and not here[0][3] and here[0][4]
        mapped = not skipped and ((wrapped is not None and wrapped[3]) or bool(entries))
        if mapped:
            count = wrapped[2] if wrapped is not None and wrapped[3] else 0
            counts[line] = max([count] + [s[2] for s in entries]) if entries else count
        if here:
            wrapped = here[-1]
    return counts


class File:
    def __init__(self, path, data):
        with open(os.path.join(ROOT, path), encoding="utf-8") as source:
            asserted = assert_lines(source.read())
        self.path = path
        self.lines = line_counts(data["segments"])
        self.branches = defaultdict(lambda: [0, 0])
        found = [(branch[:4], branch) for branch in data["branches"]]
        for expansion in data["expansions"]: # of macros: they count where the macro is used
            found += [(expansion["source_region"][:4], branch) for branch in expansion.get("branches", [])]
        for place, branch in found:
            if place[0] not in asserted:
                both = self.branches[tuple(place) + tuple(branch[:4])]
                both[0] += branch[4]
                both[1] += branch[5]

    def counts(self):
        """Lines, lines reached, branches, branches reached."""
        return (len(self.lines), sum(1 for n in self.lines.values() if n > 0), 2 * len(self.branches),
                sum((yes > 0) + (no > 0) for yes, no in self.branches.values()))


def read_files():
    if not os.path.exists(PROFILE):
        sys.exit("coverage: nothing was measured yet; leave out --no-run")
    out = subprocess.run([tool("cov"), "export", "-format=text", f"-instr-profile={PROFILE}", LIBRARY],
                         capture_output=True, text=True, check=True).stdout
    files = []
    for data in json.loads(out)["data"][0]["files"]:
        path = os.path.relpath(os.path.realpath(os.path.join(BUILD, data["filename"])), ROOT)
        if path.startswith(("src/", "include/")) and path not in NOT_COUNTED:
            files.append(File(path, data))
    return files


def percent(part, whole):
    return 100.0 if whole == 0 else 100.0 * part / whole


def add(a, b):
    return tuple(x + y for x, y in zip(a, b))


def row(name, counts):
    lines, hit, branches, taken = counts
    return (f"| {name} | {lines} | {percent(hit, lines):.1f} % | {branches} | {percent(taken, branches):.1f} % |")


def modules(files):
    """[(folder, counts)], sorted; and the core's sum."""
    sums, core = {}, (0, 0, 0, 0)
    for file in files:
        folder = os.path.dirname(file.path)
        sums[folder] = add(sums.get(folder, (0, 0, 0, 0)), file.counts())
        if not folder.startswith(NOT_CORE):
            core = add(core, file.counts())
    return sorted(sums.items()), core


def table(files):
    rows, core = modules(files)
    return "\n".join(["| Folder | Lines | reached | Branches | reached |", "|---|---:|---:|---:|---:|"] +
                     [row(f"`{folder}/`", counts) for folder, counts in rows] + [row("**the core**", core)])


def update(files):
    with open(TABLE, encoding="utf-8") as file:
        text = file.read()
    changed = re.sub(r"(?m)^\| Folder \|.*\n(?:\|.*\n)*", table(files) + "\n", text, count=1)
    with open(TABLE, "w", encoding="utf-8") as file:
        file.write(changed)


def show_files(files):
    for file in sorted(files, key=lambda f: f.counts()[3] - f.counts()[2] + f.counts()[1] - f.counts()[0]):
        lines, hit, branches, taken = file.counts()
        print(f"{lines - hit:5} of {lines:5} lines  {branches - taken:5} of {branches:5} branches missed  {file.path}")


def show_missed(files, path):
    for file in files:
        if file.path != path:
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as source:
            text = source.read().split("\n")
        for line in sorted(set(file.lines) | {place[0] for place in file.branches}):
            ways = [f"{place[1]}-{place[3]} never {'at all' if yes == no == 0 else 'true' if yes == 0 else 'false'}"
                    for place, (yes, no) in sorted(file.branches.items()) if place[0] == line and 0 in (yes, no)]
            if file.lines.get(line, 1) == 0:
                print(f"{line:5} -  {text[line - 1]}")
            elif ways:
                print(f"{line:5} ?  {text[line - 1]}\n         {'; '.join(ways)}")


def main():
    parser = argparse.ArgumentParser(description="what the tests reach; see the head of this file")
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--missed", metavar="PATH")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    passed = args.no_run or run_tests()
    files = read_files()
    if args.missed:
        show_missed(files, args.missed)
        return 0
    if args.files:
        show_files(files)
        return 0
    print(table(files))
    if args.update:
        update(files)
    _, (lines, hit, branches, taken) = modules(files)
    good = percent(hit, lines) >= LINES_GOAL and percent(taken, branches) >= BRANCHES_GOAL
    if not passed:
        print("coverage: tests failed, see above", file=sys.stderr)
    if not good:
        print(f"coverage: the core's goal is {LINES_GOAL:.0f} % of lines and {BRANCHES_GOAL:.0f} % of branches",
              file=sys.stderr)
    return 0 if passed and good else 1


if __name__ == "__main__":
    sys.exit(main())
