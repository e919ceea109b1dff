# SPDX-License-Identifier: MIT
"""Which compiler made a program: tables of instructions hold for one."""
import os
import re
import subprocess


def compiler(program):
    """As "gcc-12 x86_64", from what the compiler left in the program."""
    out = subprocess.run(["readelf", "-p", ".comment", program], text=True, check=False, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL).stdout
    found = re.search(r"(GCC|clang)[^\n]*?(\d+)\.\d+\.\d+", out)
    machine = os.uname().machine
    return f"{found.group(1).lower()}-{found.group(2)} {machine}" if found else f"unknown {machine}"
