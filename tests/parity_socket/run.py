#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py NATIVE OURS [--only PREFIX]... [--times N]: the same scenarios on the kernel's sockets and on ours.

A result for each scenario: what both said must be equal, line by line, but for what differences.txt explains; and what
it explains must be so. --times plays ours N times, for what only sometimes differs.
"""
import argparse
import difflib
import fnmatch
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

FOLDER = os.path.dirname(os.path.abspath(__file__))
LINES_MAX = 60
SKIP = 77


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("native")
    parser.add_argument("ours")
    parser.add_argument("--only", action="append", default=[], metavar="PREFIX")
    parser.add_argument("--not", action="append", default=[], metavar="PREFIX", dest="without")
    parser.add_argument("--times", type=int, default=1)
    return parser.parse_args()


def play(program, names):
    """What the program said: {scenario: [line]}; None: it can't run here, and why."""
    done = subprocess.run([program, *names], stdout=subprocess.PIPE, text=True, errors="backslashreplace", check=False)
    if done.returncode == SKIP:
        return None, done.stdout.strip()
    said = {}
    for line in done.stdout.splitlines():
        if line.startswith("== "):
            said[line[3:]] = lines = []
        elif said:
            lines.append(line)
    return said, f"{program}: status {done.returncode}" if done.returncode else None


def scenarios(program, options):
    listed = subprocess.run([program, "--list", *options.only], stdout=subprocess.PIPE, text=True, check=True)
    return [n for n in listed.stdout.split() if not any(n.startswith(p) for p in options.without)]


class Known:
    """differences.txt."""

    def __init__(self):
        self.entries = []
        names = native = None
        path = os.path.join(FOLDER, "differences.txt")
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                word, _, rest = line.strip().partition(": ")
                if not word or word.startswith("#"):
                    continue
                if not line.startswith(" "):
                    names, native = line.strip(), None
                elif word == "kernel" and names and native is None:
                    native = rest
                elif word == "ours" and native is not None:
                    self.entries.append([number, names, native, rest, False])
                    native = None
                else:
                    sys.exit(f"{path}:{number}: neither a scenario nor a pair of lines")

    def explains(self, scenario, native, ours):
        for entry in self.entries:
            _, names, entry_native, entry_ours, _ = entry
            if fnmatch.fnmatchcase(scenario, names) and (native, ours) == (entry_native, entry_ours):
                entry[4] = True
                return True
        return False

    def stale(self, played):
        for number, names, native, ours, used in self.entries:
            if not used and any(fnmatch.fnmatchcase(s, names) for s in played):
                yield f"differences.txt:{number}: not so any more: {names}: {native}; {ours}"


def bare(line):
    return re.sub(r"^(\s*\|?\s*)\d+: ", r"\1", line).strip()


def compare(scenario, native, ours, known):
    """Lines that say what isn't explained."""
    wrong = []
    matcher = difflib.SequenceMatcher(None, native, ours, autojunk=False)
    for kind, a, a_end, b, b_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        for i in range(max(a_end - a, b_end - b)):
            left = native[a + i] if a + i < a_end else "-"
            right = ours[b + i] if b + i < b_end else "-"
            if left == right or known.explains(scenario, bare(left), bare(right)):
                continue
            wrong += [f"kernel: {left}", f"  ours: {right}"]
    return wrong


def main():
    options = arguments()
    known = Known()
    names = scenarios(options.ours, options)
    print(f"1..{len(names) + 1}")
    with ThreadPoolExecutor(options.times + 1) as pool:
        expected = pool.submit(play, options.native, names)
        played = [pool.submit(play, options.ours, names) for _ in range(options.times)]
        native, why = expected.result()
        played = [p.result() for p in played]
    if native is None:
        for number, name in enumerate([*names, "the list of differences"], 1):
            print(f"ok {number} - {name} # SKIP {why}")
        return 0
    failed = 0
    for number, name in enumerate(names, 1):
        every = [compare(name, native.get(name, []), said.get(name, []), known) for said, _ in played]
        wrong = max(every, key=len)
        failed += bool(wrong)
        print(f"{'not ' if wrong else ''}ok {number} - {name}")
        for line in wrong[:LINES_MAX]:
            print(f"#   {line}")
        if len(wrong) > LINES_MAX:
            print(f"#   ... {len(wrong) - LINES_MAX} lines more")
        if wrong:
            print(f"# repeat: python3 {os.path.relpath(__file__)} {options.native} {options.ours} --only {name}")
    stale = list(known.stale(names))
    stale += [why for _, why in played if why]
    print(f"{'not ' if stale else ''}ok {len(names) + 1} - the list of differences")
    for line in stale:
        print(f"# {line}")
    return 1 if failed or stale else 0


if __name__ == "__main__":
    sys.exit(main())
