#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bootstrap.py: tools/bootstrap.sh with a world of stand-ins: what it installs, what it leaves alone, how it gives up.

A temporary folder is the whole PATH: the few programs that the script itself uses, a stand-in for each tool that it
looks for, and an apt-get that writes down how it was called. Nothing real is installed, no network is touched.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from common import Tap

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "bootstrap.sh")
OWN = ("sh", "env", "mktemp", "rm", "grep", "tail", "cut", "cp")
BUILD_TOOLS = ("gcc", "meson", "ninja", "pkg-config", "python3", "scdoc")
# For each package: the program that appears when it is installed; a package that isn't listed can't be had.
APT_GET = """#!/bin/sh
echo "$*" >>{calls}
[ "$1" = install ] || exit 0
shift 3
for package in "$@"; do
    case $package in
        {unknown}) echo "E: Unable to locate package $package"; exit 100 ;;
        ninja-build) program=ninja ;;
        *) program=$package ;;
    esac
    cp {stand_in} {folder}/$program
done
"""


class World:
    def __init__(self, tools, apt_get=True, root=True, unknown="nothing"):
        self.folder = tempfile.mkdtemp()
        self.calls = os.path.join(self.folder, "calls")
        for program in OWN:
            os.symlink(shutil.which(program), os.path.join(self.folder, program))
        self.write("stand-in", "#!/bin/sh\nexit 0\n")
        self.write("id", f"#!/bin/sh\necho {0 if root else 1000}\n")
        for tool in tools:
            self.write(tool, "#!/bin/sh\nexit 0\n")
        if apt_get:
            self.write("apt-get", APT_GET.format(calls=self.calls, unknown=unknown, folder=self.folder,
                                                 stand_in=os.path.join(self.folder, "stand-in")))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o755)

    def run(self, command):
        """(status, what it said, how apt-get was called)."""
        out = subprocess.run([SCRIPT, command], env={"PATH": self.folder}, stdin=subprocess.DEVNULL, text=True,
                             check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        calls = ""
        if os.path.exists(self.calls):
            with open(self.calls, encoding="utf-8") as f:
                calls = f.read()
        shutil.rmtree(self.folder)
        return out.returncode, out.stdout, calls


def without(*names):
    return [t for t in BUILD_TOOLS if t not in names]


# (title, world, status, what is said contains, apt-get's calls contain; None: it isn't called)
CASES = [
    ("nothing missing: silent, and no network", World(BUILD_TOOLS), 0, "", None),
    ("what is missing is installed by its package's name", World(without("ninja")), 0, "installing ninja-build",
     "install -y --no-install-recommends ninja-build"),
    ("a required package that can't be had is one line and a failure", World(without("meson"), unknown="meson"), 1,
     "apt-get cannot install meson: E: Unable to locate package meson", "install"),
    ("an optional package that can't be had is a line", World(without("scdoc"), unknown="scdoc"), 0,
     "no scdoc, going on without", "install"),
    ("an optional one doesn't keep a required one away", World(without("scdoc", "meson"), unknown="scdoc"), 0,
     "no scdoc, going on without", "install -y --no-install-recommends meson\n"),
    ("without root and sudo it says so", World(without("meson"), root=False), 1,
     "cannot install meson: not root", None),
    ("elsewhere than on Debian it says so", World(without("meson"), apt_get=False), 1,
     "cannot install meson: this isn't Debian", None),
    ("without root an optional one is only named", World(without("scdoc"), root=False), 0,
     "scdoc is missing (optional)", None),
    ("an unknown command is refused", World(BUILD_TOOLS), 1, "usage", None),
]


def main():
    tap = Tap()
    for title, world, wanted, says, installs in CASES:
        status, said, calls = world.run("dance" if says == "usage" else "build")
        good = status == wanted and says in said and (said == "" or says != "")
        good = good and (calls == "" if installs is None else installs in calls)
        notes = [f"status {status}", *said.splitlines(), f"apt-get: {calls!r}"]
        tap.result(good, f"bootstrap: {title}", [] if good else notes)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
