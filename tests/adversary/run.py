#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py PROGRAM TABLE [--update] [--only PREFIX]: every attack whole, and what its packets cost, against table.txt.

The program judges each attack by itself. This adds two things: the instructions of one packet, counted by callgrind
over the first 2,000, and the comparison with the table in git. What is on the table and what was measured may differ by
TOLERANCE; --update writes the table anew, and the diff is what a change has done. The instructions are those of one
compiler (the table names it); with another they aren't compared.
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

TOLERANCE = 0.10
INSTRUCTIONS_MAX = 10000 # of one packet with all that answers it, whatever the table says
DRAWS = {"segment/mss": 1400} # packets that one honestly draws: an ACK opens a window of the smallest segments
JOBS = len(os.sched_getaffinity(0))
COLUMNS = ("attack", "packets", "s", "before", "peak", "limit", "out/in", "bytes", "instr", "opened", "echoed")
HEAD = """# What attacks cost: tests/adversary/run.py PROGRAM TABLE --update writes this file.
# Packets of the attacker and virtual seconds; KB of the victim's memory before, at most, and as allowed; what left for
# what came, in packets and in bytes, to everybody but the honest clients; instructions a packet, with all that answers
# it; what became of honest work: connections opened of those tried, and KB that came back of those sent.
# compiler: {}
"""


def play(program, name):
    """(result line and what belongs to it, row) of one attack."""
    run = subprocess.run([program, "--whole", "--rows", "--only", name], text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = run.stdout.splitlines()
    # A prefix of a name may be another attack's name: only the first is wanted.
    row = next((line[6:].split("|") for line in lines if line.startswith(f"# row {name}|")), None)
    at = next((i for i, line in enumerate(lines) if f" - {name}: " in line), None)
    if row is None or at is None:
        return False, [f"not ok - {name}: it ended without a result ({run.returncode})"] + lines[-5:], None
    notes = []
    for line in lines[at + 1:]:
        if not line.startswith("# ") or line.startswith("# row"):
            break
        notes.append(line)
    return lines[at].startswith("ok"), notes, row


def count(program, name):
    """Instructions per packet of the attack."""
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          "--toggle-collect=measure_attack", program, "--count", "--rows", "--only", name], text=True,
                         check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    collected = re.search(r"Collected : (\d+)", run.stderr)
    calls = sum(int(line.split("|")[0]) for line in re.findall(r"^# measured (\d+)", run.stdout, re.M))
    return round(int(collected.group(1)) / calls) if collected and calls else None


def measure(program, name, counting):
    good, notes, row = play(program, name)
    if row is not None:
        instructions = count(program, name) if counting else None
        if instructions is not None and instructions > INSTRUCTIONS_MAX * DRAWS.get(name, 1):
            notes.append(f"# {instructions} instructions a packet are too many")
            good = False
        row = [row[0]] + row[2:9] + ["-" if instructions is None else str(instructions)] + row[9:]
    return name, good, notes, row


def read_table(path):
    rows, made_by = {}, ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.startswith("# compiler:"):
                    made_by = line.split(":", 1)[1].strip()
                elif line.strip() and not line.startswith(("#", "attack ")):
                    rows[line.split()[0]] = line.split()
    return made_by, rows


def write_table(path, made_by, rows):
    cells = [COLUMNS] + list(rows.values())
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]

    def line(row):
        return (row[0].ljust(widths[0]) + "".join("  " + c.rjust(w) for c, w in zip(row[1:], widths[1:]))) + "\n"

    with open(path, "w", encoding="utf-8") as f:
        f.write(HEAD.format(made_by))
        f.write(line(COLUMNS))
        f.writelines(line(row) for row in rows.values())


def differences(due, row, instructions):
    if due is None:
        return ["the table has no such attack: --update"]
    out = []
    for name, was, now in zip(COLUMNS[1:], due[1:], row[1:]):
        if name == "instr" and not instructions:
            continue
        try:
            same = abs(float(was) - float(now)) <= max(TOLERANCE * abs(float(was)), 0.01)
        except ValueError:
            same = was == now
        if not same:
            out.append(f"{name}: {now}, where the table says {was}")
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("table")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    made_by, table = read_table(args.table)
    here = compiler(args.program)
    counting = shutil.which("valgrind") is not None
    names = subprocess.run([args.program, "--list"], text=True, check=True, stdout=subprocess.PIPE).stdout.split()
    wanted = [name for name in names if name.startswith(args.only)]
    with ThreadPoolExecutor(JOBS) as pool:
        done = list(pool.map(lambda name: measure(args.program, name, counting), wanted))
    if args.update:
        table.update({name: row for name, _, _, row in done if row is not None})
        write_table(args.table, here, {name: table[name] for name in names if name in table})
    failed = False
    print(f"1..{len(done)}")
    for number, (name, good, notes, row) in enumerate(done, 1):
        if row is not None and not args.update:
            notes = notes + ["# " + d for d in differences(table.get(name), row, counting and here == made_by)]
            good = good and len(notes) == 0
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            print("\n".join(notes))
            print(f"# repeat: python3 tests/adversary/run.py {args.program} {args.table} --only {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
