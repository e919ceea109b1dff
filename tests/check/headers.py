#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""headers.py: every header compiles alone.

Public ones as C11 and as C++17, pedantically, with gcc and with clang: a user's compiler is not ours. Internal ones as
C17 with the build's own warnings. And the version that base.h states is the version that is built.
"""
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from common import Finding, Skip, main

PUBLIC_FLAGS = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-Wconversion", "-Wshadow"]
PUBLIC = [("c11", ("gcc", "clang"), ["-x", "c", "-std=c11", "-Wstrict-prototypes"]),
          ("c++17", ("g++", "clang++"), ["-x", "c++", "-std=c++17"])]
INTERNAL_FLAGS = ["-x", "c", "-std=c17", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-D_GNU_SOURCE",
                  "-Isrc", "-Itests/lib"]


def compile_all(tree, jobs):
    """jobs: (path, label, command, source text); yields a finding for each that doesn't compile."""
    def run(job):
        path, label, command, source = job
        out = subprocess.run(command + ["-Iinclude", "-fsyntax-only", "-"], cwd=tree.root, input=source, text=True,
                             check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if out.returncode == 0:
            return None
        errors = [line for line in out.stderr.splitlines() if "error" in line] or out.stderr.splitlines() or ["?"]
        return Finding(path, 0, f"{label}: {errors[0]}")

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return [f for f in pool.map(run, jobs) if f]


def twice(name):
    """A file that includes a header twice, for its guard, and isn't empty."""
    return f"#include {name}\n#include {name}\nextern int tcpip_header_check;\n"


def public_headers(tree):
    return [p for p in tree.files if p.startswith("include/tcpip/") and p.endswith(".h")]


def public_rule(compiler, label, flags):
    def rule(tree):
        if not shutil.which(compiler):
            raise Skip(f"{compiler} isn't installed")
        jobs = []
        for path in public_headers(tree):
            source = twice(f"<{path[len('include/'):]}>")
            jobs.append((path, f"{compiler} {label}", [compiler] + flags + PUBLIC_FLAGS, source))
        return compile_all(tree, jobs)

    return rule


def internal_rule(compiler):
    def rule(tree):
        if not shutil.which(compiler):
            raise Skip(f"{compiler} isn't installed")
        command = [compiler] + INTERNAL_FLAGS + ["-I."]
        paths = [p for p in tree.files if p.endswith(".h") and p.startswith(("src/", "tests/"))]
        return compile_all(tree, [(p, compiler, command, twice(f'"{p}"')) for p in paths])

    return rule


def version(tree):
    """The version is said in base.h (for programs) and in meson.build (for packagers); soversion is 0 until 1.0."""
    base, build = "include/tcpip/base.h", "meson.build"
    if base not in tree.files or build not in tree.files:
        return
    parts = ("MAJOR", "MINOR", "PATCH")
    stated = [re.search(rf"#define TCPIP_VERSION_{part} (\d+)", tree.text(base)) for part in parts]
    in_header = ".".join(m.group(1) if m else "?" for m in stated)
    match = re.search(r"version: '([^']+)'", tree.text(build))
    if not match or match.group(1) != in_header:
        yield Finding(base, 0, f"version {in_header}, but {build} says {match.group(1) if match else 'nothing'}")


RULES = [(f"headers: public ones alone as {label} with {compiler}", public_rule(compiler, label, flags))
         for label, compilers, flags in PUBLIC for compiler in compilers]
RULES += [(f"headers: internal ones alone with {compiler}", internal_rule(compiler)) for compiler in ("gcc", "clang")]
RULES += [("headers: one version", version)]

GUARD = "#ifndef A_H\n#define A_H\n%s#endif\n"


def planted(body, path="include/tcpip/a.h"):
    return {path: GUARD % body}


def only(name):
    return [r for r in RULES if r[0] == name]


VERSION = "#pragma once\n#define TCPIP_VERSION_MAJOR 1\n#define TCPIP_VERSION_MINOR 2\n#define TCPIP_VERSION_PATCH 3\n"
SAMPLES = [("good headers pass", {
    **planted("#include <stdint.h>\nuint32_t tcpip_a(void);\n"), **planted("int tcpip__a(void);\n", "src/a.h"),
    "include/tcpip/base.h": VERSION, "meson.build": "version: '1.2.3'\n"}, None)]


def self_test():
    from common import Tap, run_samples
    tap = Tap()
    run_samples(RULES, SAMPLES, tap)
    needs = planted("uint32_t tcpip_a(void);\n")
    cxx = planted("struct tcpip_a {\n    int class;\n};\n")
    for label, compilers, _ in PUBLIC:
        for compiler in compilers:
            name = f"headers: public ones alone as {label} with {compiler}"
            run_samples(only(name), [(f"a public header that needs another is seen by {compiler}", needs, name)], tap)
            if label == "c++17":
                run_samples(only(name), [(f"a word of C++ is seen by {compiler}", cxx, name)], tap)
    for compiler in ("gcc", "clang"):
        name = f"headers: internal ones alone with {compiler}"
        run_samples(only(name), [(f"an internal header that needs another is seen by {compiler}",
                                  planted("uint32_t tcpip__a(void);\n", "src/a.h"), name)], tap)
    name = "headers: one version"
    run_samples(only(name), [("two versions are seen", {"include/tcpip/base.h": "#define TCPIP_VERSION_MAJOR 9\n",
                                                        "meson.build": "version: '1.2.3'\n"}, name)], tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(self_test() if "--self-test" in sys.argv else main(RULES, SAMPLES))
