#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py PROGRAM TABLE [--update] [--only PATH]: instructions per packet, counted by callgrind, against a table in git.

Seconds drift with what else the machine does; instructions don't. A path that needs TOLERANCE more than the table says
has become slower and fails; so does one that needs as much less, because a table that promises too little would hide
the next loss: --update writes what was counted. The figures are those of one compiler (the table names it), so with
another the test says that it is skipped.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from built_by import compiler # pylint: disable=wrong-import-position

TOLERANCE = 0.04
JOBS = len(os.sched_getaffinity(0))


def count(program, path):
    """Instructions per operation inside the functions that are measured."""
    out = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          "--toggle-collect=measure_*", program, path], text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    collected = re.search(r"Collected : (\d+)", out.stderr)
    if out.returncode != 0 or collected is None:
        sys.exit(f"{program} {path}: {out.stderr[-400:]}")
    return round(int(collected.group(1)) / int(out.stdout))


def read_table(path):
    rows, made_by = {}, ""
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("# compiler:"):
                made_by = line.split(":", 1)[1].strip()
            elif line.strip() and not line.startswith("#"):
                name, value = line.split()
                rows[name] = int(value)
    return made_by, rows


def write_table(path, made_by, rows):
    with open(path, "w", encoding="utf-8") as f:
        f.write("# Instructions per operation: tests/instructions/run.py PROGRAM TABLE --update writes this file.\n"
                "# tx-segment, rx-data, read, rx-ack: per full segment; the others per round, both hosts.\n"
                f"# compiler: {made_by}\n")
        f.writelines(f"{name:<20}{value:>8}\n" for name, value in rows.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("table")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("1..0 # SKIP valgrind is not installed (apt-get install valgrind)")
        return 0
    made_by, table = read_table(args.table) if os.path.exists(args.table) else ("", {})
    here = compiler(args.program)
    if here != made_by and not args.update:
        print(f"1..0 # SKIP the table is of {made_by}, this build of {here}")
        return 0
    paths = subprocess.run([args.program], text=True, check=True, stdout=subprocess.PIPE).stdout.split()
    paths = [path for path in paths if args.only in (None, path)]
    with ThreadPoolExecutor(JOBS) as pool:
        counted = dict(zip(paths, pool.map(lambda path: count(args.program, path), paths)))
    if args.update:
        write_table(args.table, here, {**table, **counted})
        return 0
    failed = False
    print(f"1..{len(paths)}")
    for number, (path, value) in enumerate(counted.items(), 1):
        due = table.get(path, 0)
        ok = abs(value - due) <= max(due * TOLERANCE, 20)
        failed |= not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {path}: {value} instructions")
        if not ok:
            print(f"# the table says {due}: {'slower' if value > due else 'faster'}; if that is right, --update")
            print(f"# repeat: python3 tests/instructions/run.py {args.program} {args.table} --only {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
