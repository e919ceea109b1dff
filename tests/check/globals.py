#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""globals.py ARCHIVE: the core has no mutable static data: no .data, .bss, thread-locals or commons in its objects.

Everything hangs off a stack, so that a thousand of them live in one process and a run can be repeated byte for byte.
Constant tables with pointers (.data.rel.ro) are written by the loader only, and allowed. The build must not be
instrumented.
"""
import os
import re
import subprocess
import sys
import tempfile

from common import Tap

SECTION = re.compile(r"^\s*\[\s*\d+\]\s+(\S+)\s+(?:PROGBITS|NOBITS)\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s")
MUTABLE = re.compile(r"\.(t?data|t?bss)(\..*)?$")
CONSTANT = re.compile(r"\.data\.rel\.ro(\..*)?$")


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def mutable_data(archive):
    """(object, what) for each piece of mutable static data; and the number of objects looked at."""
    found, objects, member = [], 0, archive
    for line in run("readelf", "-SW", archive).splitlines():
        if line.startswith("File: "):
            member = line[6:]
        if line.startswith("Section Headers"):
            objects += 1
        match = SECTION.match(line)
        if match and MUTABLE.match(match.group(1)) and not CONSTANT.match(match.group(1)) and int(match.group(2), 16):
            found.append((member, f"{int(match.group(2), 16)} bytes in {match.group(1)}"))
    member = archive
    for line in run("nm", "-A", archive).splitlines():
        match = re.match(r"(.*):[0-9a-f]+ ([dDbBC]) (\S+)$", line)
        if not match:
            continue
        holder = os.path.basename(match.group(1).split(":")[-1])
        if match.group(2) == "C" or any(holder in m for m, _ in found):
            found.append((match.group(1), f"symbol {match.group(3)} ({match.group(2)})"))
    return found, objects


def compile_archive(folder, source):
    path = os.path.join(folder, "a.c")
    with open(path, "w", encoding="utf-8") as f:
        f.write(source)
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-fPIC", "-c", "a.c"], cwd=folder, check=True)
    subprocess.run(["ar", "cr", "a.a", "a.o"], cwd=folder, check=True)
    return os.path.join(folder, "a.a")


SAMPLES = [
    ("code and constant tables pass", False,
     "int tcpip_f(void); static const char *const table[] = {\"a\", \"b\"}; const int tcpip_c[4] = {1, 2};"
     "const char *tcpip_g(int i); const char *tcpip_g(int i) { return table[i]; }"
     "int tcpip_f(void) { return tcpip_c[1]; }"),
    ("an initialised static is seen", True, "int f(void); int f(void) { static int n = 7; return n++; }"),
    ("a zeroed static is seen", True, "int f(void); int f(void) { static int n; return n++; }"),
    ("a global is seen", True, "int counter;"),
    ("a common is seen", True, "__attribute__((common)) int counter;"),
    ("a thread-local is seen", True, "_Thread_local int counter;"),
    ("a table of pointers that isn't constant is seen", True, "extern int a; int *table[] = {&a, &a};"),
]


def main():
    tap = Tap()
    if "--self-test" in sys.argv:
        for title, bad, source in SAMPLES:
            with tempfile.TemporaryDirectory() as folder:
                found, objects = mutable_data(compile_archive(folder, source))
                good = objects == 1 and bool(found) == bad
                notes = [f"{m}: {w}" for m, w in found] or ["nothing found"]
                tap.result(good, f"self-test: {title}", [] if good else notes)
    else:
        found, objects = mutable_data(sys.argv[1])
        tap.result(not found and objects > 0, "globals: the core has no mutable static data",
                   [f"{m}: {w}" for m, w in found] or [f"{objects} objects"])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
