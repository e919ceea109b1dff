#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""symbols.py ARCHIVE SHARED ROOT [--complete]: the names that the two libraries show to a linker.

The archive may only define tcpip_* (tcpip__* inside it), so that it can be linked into anything. The shared library
exports what the public headers declare with TCPIP_API: nothing else, and nothing less of what is defined. --complete
also demands that everything that is declared is defined.
"""
import os
import re
import subprocess
import sys
import tempfile

from common import Tap, Tree, line_of


# The preprocessor's lines, with their continuations; the declared name of a function, of an object; a bare prototype.
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M)
FUNCTION = re.compile(r"\b(tcpip_\w+)\s*\(")
OBJECT = re.compile(r"\b(tcpip_\w+)\s*(?:\[[^]]*\])*\s*$")
PROTOTYPE = re.compile(r"^(?!TCPIP_API|static|typedef)[a-zA-Z][\w \t*]*?\b(tcpip_\w+)\s*\([^;{]*\)\s*;", re.M)


def nm(*args):
    """(type, name) of each symbol."""
    out = subprocess.run(["nm", *args], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = [line.split() for line in out.splitlines() if line and not line.endswith(":")]
    return [(f[-2], f[-1].split("@")[0]) for f in found if len(f) >= 2]


def declared(tree):
    """{name: place} of what the public headers mark TCPIP_API, and the places of prototypes that they don't mark."""
    api, unmarked = {}, []
    for path in tree.files:
        if not (path.startswith("include/") and path.endswith(".h")):
            continue
        text = DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), tree.bare(path))
        for match in re.finditer(r"\bTCPIP_API\b([^;{]*)", text):
            name = FUNCTION.search(match.group(1)) or OBJECT.search(match.group(1))
            if name:
                api[name.group(1)] = f"{path}:{line_of(text, match.start())}"
        for match in PROTOTYPE.finditer(text):
            unmarked.append(f"{path}:{line_of(text, match.start())}: {match.group(1)} isn't marked TCPIP_API")
    return api, unmarked


def check(tap, archive, shared, tree, complete):
    api, unmarked = declared(tree)
    defined = {name for _, name in nm("-g", "--defined-only", archive)}
    exported = {name for _, name in nm("-D", "--defined-only", shared) if name not in ("_init", "_fini")}

    alien = sorted(n for n in defined if not n.startswith("tcpip_"))
    tap.result(not alien and bool(defined), "symbols: the archive defines only tcpip_*", alien[:20])
    inner = sorted(n for n in exported if not n.startswith("tcpip_") or n.startswith("tcpip__"))
    tap.result(not inner and bool(exported), "symbols: the shared library exports only tcpip_*, no tcpip__*",
               inner[:20])
    secret = sorted(exported - set(api))
    tap.result(not secret, "symbols: every export is declared TCPIP_API in include/", secret[:20])
    hidden = sorted((set(api) & defined) - exported)
    tap.result(not hidden, "symbols: what is declared and defined is exported", [f"{api[n]}: {n}" for n in hidden[:20]])
    tap.result(not unmarked, "symbols: every public prototype is marked TCPIP_API", unmarked[:20])
    missing = sorted(set(api) - defined)
    if complete:
        tap.result(not missing, "symbols: everything declared is defined", [f"{api[n]}: {n}" for n in missing[:40]])
    elif missing:
        print(f"# {len(missing)} of {len(api)} public functions are declared and not yet defined")


def build(folder, header, source):
    os.makedirs(os.path.join(folder, "include", "tcpip"))
    for path, text in (("include/tcpip/a.h", header), ("a.c", source)):
        with open(os.path.join(folder, path), "w", encoding="utf-8") as f:
            f.write(text)
    cc = os.environ.get("CC", "cc")
    api = '-DTCPIP_API=__attribute__((visibility("default")))'
    subprocess.run([cc, "-fPIC", "-fvisibility=hidden", "-Iinclude", api, "-c", "a.c"], cwd=folder, check=True)
    subprocess.run(["ar", "cr", "a.a", "a.o"], cwd=folder, check=True)
    subprocess.run([cc, "-shared", "-o", "a.so", "a.o"], cwd=folder, check=True)
    return os.path.join(folder, "a.a"), os.path.join(folder, "a.so")


class Recorder(Tap):
    """A Tap that remembers what failed instead of printing."""

    def __init__(self):
        super().__init__()
        self.names = []

    def result(self, ok, name, notes=()):
        if not ok:
            self.names.append(name)


HEAD, GOOD = "#include <tcpip/a.h>\n", "TCPIP_API int tcpip_a(void);\n"
BODY = "int tcpip_a(void)\n{\n    return 1;\n}\n"
SAMPLES = [
    ("good libraries pass", GOOD, HEAD + BODY + "int tcpip__b(void);\nint tcpip__b(void)\n{\n    return 2;\n}\n", []),
    ("an alien name is seen",
     GOOD, HEAD + BODY + "int helper(void)\n{\n    return 2;\n}\n", ["the archive defines only tcpip_*"]),
    ("an exported inner name is seen", GOOD, HEAD + BODY + "TCPIP_API int tcpip__b(void)\n{\n    return 2;\n}\n",
     ["the shared library exports only tcpip_*, no tcpip__*", "every export is declared TCPIP_API in include/"]),
    ("an export without declaration is seen", GOOD, HEAD + BODY + "TCPIP_API int tcpip_b(void)\n{\n    return 2;\n}\n",
     ["every export is declared TCPIP_API in include/"]),
    ("a prototype without TCPIP_API is seen",
     GOOD + "int tcpip_b(int x);\n", HEAD + BODY, ["every public prototype is marked TCPIP_API"]),
    ("a definition that never saw its declaration is seen", GOOD + "TCPIP_API int tcpip_b(void);\n",
     "TCPIP_API int tcpip_a(void);\n" + BODY + "int tcpip_b(void)\n{\n    return 2;\n}\n",
     ["what is declared and defined is exported"]),
    ("a declaration without definition is seen", GOOD + "TCPIP_API int tcpip_b(void);\n", HEAD + BODY,
     ["everything declared is defined"]),
]


def self_test():
    tap = Tap()
    for title, header, source, wanted in SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            archive, shared = build(folder, header, source)
            heard = Recorder()
            check(heard, archive, shared, Tree(folder), True)
            wanted = [f"symbols: {w}" for w in wanted]
            tap.result(heard.names == wanted, f"self-test: {title}",
                       [] if heard.names == wanted else [f"expected {wanted}, objected {heard.names}"])
    return tap.done()


def main():
    if "--self-test" in sys.argv:
        return self_test()
    args = [a for a in sys.argv[1:] if a != "--complete"]
    tap = Tap()
    check(tap, args[0], args[1], Tree(args[2]), "--complete" in sys.argv)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
