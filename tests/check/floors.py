#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""floors.py: who may include whom. Includes go only downwards.

Each room under src/ has a rank; a file may include its own room and rooms of lower rank. network/ and transport/ share
a rank, so they never see each other; src/protocols_all.c alone stands above both. Inside TCP, the organs (everything
not named tcp*) never see the hands.
"""
import os
import re
import sys

from common import Finding, includes, is_core, main

RANK = {
    "base": 0,
    "header": 10, "buffer": 11, "link": 12,
    "waiter": 20, "ports": 21, "stack": 22,
    "network": 30, "transport": 30,
    "protocols_all.c": 35,
    "platform": 40,
    "socket": 50, "preload": 51,
}
OUTSIDE = ("tools", "tests", "examples", "bench", "fuzz")
CORE_LIBC = {"stdint.h", "stddef.h", "stdbool.h", "string.h", "stdalign.h", "limits.h"}
# The vectorised checksum needs the compiler's intrinsics, in its own files only.
INTRINSICS = {"immintrin.h", "arm_neon.h"}
TCP = "src/transport/tcp/"


def room(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and (len(parts) > 2 or path.endswith((".c", ".h"))) else None


def resolve(tree, path, name):
    """The tree's file that #include "name" in `path` means, or None."""
    for base in (os.path.dirname(path), "src", "tests/lib", "include"):
        full = os.path.normpath(os.path.join(base, name))
        if full in tree.file_set:
            return full
    return None


def edges(tree):
    """(from, line, to) for each include of a file of the tree."""
    if not hasattr(tree, "edges"):
        tree.file_set = set(tree.files)
        tree.edges = [(path, line, resolve(tree, path, name), name, kind)
                      for path in tree.c_files() for line, kind, name in includes(tree, path)]
    return tree.edges


def downwards(tree):
    for path, line, target, name, _ in edges(tree):
        here = room(path)
        if here is None or path.endswith("_test.c"):
            continue
        if here not in RANK:
            yield Finding(path, line, f"src/{here} has no floor: give it a rank in floors.py")
            continue
        if target is None:
            continue
        if target.split("/")[0] in OUTSIDE:
            yield Finding(path, line, f"the library includes {target}")
        there = room(target)
        if there and there != here and RANK.get(there, 99) >= RANK[here]:
            yield Finding(path, line, f"src/{here} includes {target}, which isn't below it")


def libc(tree):
    for path, line, target, name, kind in edges(tree):
        if target or not (is_core(path) or path.startswith("include/")) or path.endswith("_test.c"):
            continue
        if path.startswith("include/tcpip/") and os.path.basename(path) in ("socket.h", "loop.h"):
            continue # above the core: the names of POSIX are their subject
        if name in CORE_LIBC or (name in INTRINSICS and os.path.basename(path).startswith("checksum")):
            continue
        ours = kind == '"' or name.startswith("tcpip/")
        why = "no such file in the tree" if ours else "not a header of the core's libc"
        yield Finding(path, line, f"{name}: {why}")


def public(tree):
    for path, line, target, name, kind in edges(tree):
        outward = path.startswith("include/") or path.startswith("examples/")
        if not outward or target is None:
            continue
        own = path.startswith("examples/") and target.startswith("examples/")
        if not own and (kind == '"' or not target.startswith("include/tcpip/")):
            yield Finding(path, line, f"includes {name}: what a user sees includes only <tcpip/...>")


def organs(tree):
    for path, line, target, name, _ in edges(tree):
        if not path.startswith(TCP) or target is None or not target.startswith(TCP):
            continue
        base = os.path.basename(path)
        is_hand = os.path.dirname(path) + "/" == TCP and re.match(r"tcp(_|\.h$|_test\.c$)", base)
        if not is_hand and re.match(r"tcp(_.*)?\.h$", os.path.basename(target)):
            yield Finding(path, line, f"the organ {base} includes {name}: organs never see the endpoint")


def cycles(tree):
    graph = {}
    for path, line, target, _, _ in edges(tree):
        if target:
            graph.setdefault(path, []).append((target, line))
    done = set()
    for start in sorted(graph):
        stack, trail = [(start, iter(graph.get(start, ())))], [start]
        while stack:
            for target, line in stack[-1][1]:
                if target in trail:
                    circle = trail[trail.index(target):] + [target]
                    yield Finding(trail[-1], line, "include cycle: " + " -> ".join(circle))
                elif target not in done:
                    stack.append((target, iter(graph.get(target, ()))))
                    trail.append(target)
                    break
            else:
                done.add(trail.pop())
                stack.pop()


RULES = [
    ("floors: includes go only downwards", downwards),
    ("floors: core and public headers include only the six libc headers", libc),
    ("floors: public headers and examples include only <tcpip/...>", public),
    ("floors: TCP's organs never include its hands", organs),
    ("floors: no include cycles", cycles),
]
DOWN, LIBC, PUBLIC, ORGANS, CYCLES = (name for name, _ in RULES)

SAMPLES = [
    ("a good tree passes", {
        "include/tcpip/base.h": "#include <stdint.h>\n", "src/base/list.h": "#include <tcpip/base.h>\n",
        "src/stack/nic.c": '#include "base/list.h"\n#include <string.h>\n',
        "examples/a.c": "#include <tcpip/base.h>\n#include <stdio.h>\n",
        "src/transport/tcp/rack.c": '#include "rack.h"\n', "src/transport/tcp/rack.h": "",
        "src/transport/tcp/tcp_input.c": '#include "tcp.h"\n#include "rack.h"\n', "src/transport/tcp/tcp.h": "",
        "src/stack/nic_test.c": '#include <stdio.h>\n#include "transport/tcp/tcp.h"\n'}, None),
    ("an include upwards is seen", {"src/base/list.c": '#include "stack/nic.h"\n', "src/stack/nic.h": ""}, DOWN),
    ("network including transport is seen",
     {"src/network/ip.c": '#include "transport/udp.h"\n', "src/transport/udp.h": ""}, DOWN),
    ("transport including network is seen",
     {"src/transport/udp.c": '#include "../network/ip.h"\n', "src/network/ip.h": ""}, DOWN),
    ("buffer including link is seen", {"src/buffer/p.c": '#include "link/l.h"\n', "src/link/l.h": ""}, DOWN),
    ("the library including its tests is seen",
     {"src/base/a.c": '#include "../../tests/lib/t.h"\n', "tests/lib/t.h": ""}, DOWN),
    ("the list of all protocols may name both sides",
     {"src/protocols_all.c": '#include "network/ip.h"\n#include "transport/udp.h"\n', "src/network/ip.h": "",
      "src/transport/udp.h": ""}, None),
    ("a second file that stands in no room is seen",
     {"src/some.c": '#include "network/ip.h"\n', "src/network/ip.h": ""}, DOWN),
    ("nothing below may include the list", {"src/transport/udp.c": '#include "../protocols_all.c"\n',
                                            "src/protocols_all.c": ""}, DOWN),
    ("a room without a floor is seen", {"src/attic/a.c": '#include "base/b.h"\n', "src/base/b.h": ""}, DOWN),
    ("stdio in the core is seen", {"src/base/list.c": "#include <stdio.h>\n"}, LIBC),
    ("stdio in a public header is seen", {"include/tcpip/a.h": "#include <stdio.h>\n"}, LIBC),
    ("a header that isn't there is seen", {"src/base/list.c": '#include "base/gone.h"\n'}, LIBC),
    ("a public header that shows an internal one is seen",
     {"include/tcpip/a.h": '#include "base/b.h"\n', "src/base/b.h": ""}, PUBLIC),
    ("an example that opens src/ is seen",
     {"examples/a.c": '#include "../src/base/b.h"\n', "src/base/b.h": ""}, PUBLIC),
    ("an organ that sees the endpoint is seen",
     {"src/transport/tcp/rack.c": '#include "tcp.h"\n', "src/transport/tcp/tcp.h": ""}, ORGANS),
    ("a controller that sees a hand is seen", {"src/transport/tcp/congestion/reno.c": '#include "../tcp_ack.h"\n',
                                               "src/transport/tcp/tcp_ack.h": ""}, ORGANS),
    ("a cycle is seen", {"src/base/a.h": '#include "b.h"\n', "src/base/b.h": '#include "a.h"\n'}, CYCLES),
    ("a commented include is not one", {"src/base/a.c": '// #include <stdio.h>\n/*\n#include <time.h>\n*/\n'}, None),
]

if __name__ == "__main__":
    sys.exit(main(RULES, SAMPLES))
