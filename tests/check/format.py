#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""format.py: the C files are as clang-format (version 14, .clang-format) writes them. `make format` mends all.

Versions of clang-format differ in small ways, so only 14 judges; without it the rule is skipped.
"""
import os
import re
import shutil
import subprocess
import sys

from common import Finding, Skip, main

VERSION = 14
CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".clang-format")


def program():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        found = shutil.which(name)
        if found:
            out = subprocess.run([found, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout
            if re.search(rf"version {VERSION}\.", out):
                return found
    raise Skip(f"clang-format {VERSION} isn't installed")


def formatted(tree):
    files = tree.c_files()
    if not files:
        return
    out = subprocess.run([program(), f"--style=file:{CONFIG}", "--dry-run"] + files, cwd=tree.root, text=True,
                         check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seen = {}
    for match in re.finditer(r"^(.+?):(\d+):\d+: (?:warning|error): ", out.stderr, re.M):
        seen.setdefault(match.group(1), []).append(int(match.group(2)))
    for path, lines in sorted(seen.items()):
        yield Finding(path, lines[0], f"{len(lines)} places differ (make format)")
    if out.returncode and not seen:
        yield Finding(CONFIG, 0, out.stderr.strip()[:200])


RULES = [("format: as clang-format writes it", formatted)]
SAMPLES = [
    ("good form passes", {"src/base/a.c": "int tcpip__a(int x)\n{\n    return x;\n}\n"}, None),
    ("bad form is seen", {"src/base/a.c": "int tcpip__a( int x ) { return x; }\n"}, RULES[0][0]),
]

if __name__ == "__main__":
    if "--fix" in sys.argv:
        from common import Tree
        top = Tree(os.path.dirname(CONFIG))
        sys.exit(subprocess.run([program(), "-i"] + top.c_files(), cwd=top.root, check=False).returncode)
    sys.exit(main(RULES, SAMPLES))
