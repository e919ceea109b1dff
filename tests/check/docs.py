#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs.py: what README.md, HACKING.md and docs/ say of the tree is so.

Every path, `file.c:function`, `tcpip_*` name and make target in them exists; code blocks that name their file
('```c examples/echo.c') are its text, '...' standing for what is left out; the README's map has every folder and every
public header; docs/stats.md has every counter, and says of TCP's which nobody counts yet; links lead somewhere;
every public function has a comment; docs/socket.md has every socket option that src/socket/ handles, in the row of its
level, and no other; and comments send nobody to a document that isn't there. A path below a folder
named build* is the build's, and not looked for; '*' stands for anything; words in capitals (NAME, DIR) stand for the
reader's own.
"""
import os
import re
import sys
from fnmatch import fnmatch

from common import Finding, line_of, main

ENDINGS = r"c|h|py|sh|md|build|txt|pkt|inc"
PATH = re.compile(r"(?<![\w./<-])((?:\.\./)*[\w.*-]+(?:/[\w.*-]*)*)")
PLACEHOLDER = re.compile(r"(^|/)[A-Z][A-Z_]*(/|\.|$)")
SYMBOL = re.compile(r"\b(?:tcpip_|TCPIP_)\w*")
SPAN = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.M | re.S)
LISTS = {"TCPIP_OPTION_": "TCPIP_OPTIONS", "TCPIP_DROP_": "TCPIP_DROPS", "TCPIP_EVENT_": "TCPIP_EVENTS",
         "TCPIP_ERR_": "TCPIP_ERRORS"}


def documents(tree):
    return [p for p in tree.files if p.endswith(".md") and (os.path.dirname(p) in ("", "docs"))]


def folders(tree):
    if not hasattr(tree, "folders"):
        tree.folders = set()
        for path in tree.files:
            while path := os.path.dirname(path):
                tree.folders.add(path)
    return tree.folders


def code_of(text):
    """(offset, code) of each inline code span and each line of a code block, indented or fenced."""
    fenced = False
    offset = 0
    for line in text.split("\n"):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield offset, line
        else:
            for m in SPAN.finditer(line):
                yield offset + m.start(1), m.group(1)
        offset += len(line) + 1


def path_exists(tree, word):
    word = word.rstrip("/")
    everything = list(tree.files) + list(folders(tree))
    if "*" in word:
        return any(fnmatch(p, word) or fnmatch(os.path.basename(p), word) for p in everything)
    return word in everything or any(p.endswith("/" + word) for p in everything)


def is_path(tree, word):
    tops = {f for f in folders(tree) if "/" not in f}
    first = word.split("/")[0]
    if first.startswith("build") or PLACEHOLDER.search(word) or word.startswith(("/", "..")):
        return False
    return "/" in word and first in tops or bool(re.fullmatch(r"[\w*-]+\.(%s)" % ENDINGS, word))


def paths(tree):
    for document in documents(tree):
        text = tree.text(document)
        for offset, code in code_of(text):
            for m in PATH.finditer(code):
                word = m.group(1).rstrip(".")
                if is_path(tree, word) and not path_exists(tree, word):
                    yield Finding(document, line_of(text, offset), f"there is no {word}")


def places(tree):
    """file.c:function, where the file is known by its path or by its name."""
    for document in documents(tree):
        text = tree.text(document)
        for offset, code in code_of(text):
            for m in re.finditer(r"([\w/]+\.[ch]):([a-z_]\w*)", code):
                found = [p for p in tree.files if p == m.group(1) or p.endswith("/" + m.group(1))]
                if not any(re.search(r"\b%s\b" % m.group(2), tree.bare(p)) for p in found):
                    yield Finding(document, line_of(text, offset), f"there is no {m.group(0)}")


def known_words(tree):
    if not hasattr(tree, "words"):
        tree.words = set()
        for path in tree.c_files():
            tree.words.update(SYMBOL.findall(tree.bare(path)))
        for path in tree.files:
            if path.endswith("meson.build") or path == "meson_options.txt":
                tree.words.update(SYMBOL.findall(tree.text(path)))
        headers = "\n".join(tree.bare(p) for p in tree.files if p.startswith("include/"))
        for prefix, name in LISTS.items():
            body = re.search(r"#define %s\(X\)((?:.*\\\n)*.*\n)" % name, headers)
            tree.words.update(prefix + w for w in re.findall(r"\bX\((\w+)", body.group(1) if body else ""))
    return tree.words


def symbols(tree):
    """A word that ends in '_' or '*' is a prefix of some name."""
    for document in documents(tree):
        text = tree.text(document)
        for m in SYMBOL.finditer(text):
            word = m.group(0)
            if word in known_words(tree):
                continue
            if word.endswith("_") and any(w.startswith(word) for w in known_words(tree)):
                continue
            yield Finding(document, line_of(text, m.start()), f"there is no {word}")


def targets(tree):
    makefile = tree.text("Makefile") if "Makefile" in tree.files else ""
    known = set(re.findall(r"^([\w-]+):(?!=)", makefile, re.M))
    for document in documents(tree):
        text = tree.text(document)
        for offset, code in code_of(text):
            for m in re.finditer(r"(?:^|\s|&& )make ([a-z][\w-]*)\b(?!\.)", code):
                if m.group(1) not in known:
                    yield Finding(document, line_of(text, offset), f"the Makefile has no target {m.group(1)}")


def links(tree):
    for document in documents(tree):
        text = tree.text(document)
        for m in re.finditer(r"\]\(([^)#\s]+)(#[^)]*)?\)", text):
            target = os.path.normpath(os.path.join(os.path.dirname(document), m.group(1)))
            if "://" not in m.group(1) and target not in tree.files and target not in folders(tree):
                yield Finding(document, line_of(text, m.start()), f"the link leads nowhere: {m.group(1)}")


def excerpts(tree):
    for document in documents(tree):
        text = tree.text(document)
        for m in FENCE.finditer(text):
            path = m.group(2)
            if path not in tree.files:
                yield Finding(document, line_of(text, m.start()), f"there is no {path}")
                continue
            source, at = tree.text(path), 0
            for piece in re.split(r"^ *\.\.\.\n", m.group(3), flags=re.M):
                found = source.find(piece, at)
                if found < 0:
                    first = piece.strip("\n").split("\n")[0].strip()
                    yield Finding(document, line_of(text, m.start()), f"not the text of {path}: from '{first}' on")
                    break
                at = found + len(piece)


def the_map(tree):
    section = re.search(r"^## The tree$.*?(?=^## |\Z)", tree.text("README.md"), re.M | re.S) \
        if "README.md" in tree.files else None
    if section is None:
        if "include/tcpip/tcpip.h" in tree.files:
            yield Finding("README.md", 0, "no section 'The tree'")
        return
    text = section.group(0)
    for path in tree.files:
        if re.match(r"include/tcpip/.*\.h$", path) and not re.search(
                r"(?<![\w/])(header/)?%s" % re.escape(os.path.basename(path)), text):
            yield Finding("README.md", 0, f"the map doesn't mention {path}")
    for folder in sorted(folders(tree)):
        top = folder.split("/")[0]
        if folder.count("/") > (1 if top in ("src", "tests") else 0) or top.startswith("."):
            continue
        if not re.search(r"(?<![\w/])%s/" % re.escape(folder), text):
            yield Finding("README.md", 0, f"the map doesn't mention {folder}/")


def counters(tree):
    stats, document = "include/tcpip/stats.h", "docs/stats.md"
    if stats not in tree.files:
        return
    text = tree.text(document) if document in tree.files else ""
    for group, body in re.findall(r"#define TCPIP_STATS_([A-Z]+)\(X\)((?:.*\\\n)*.*\n)", tree.text(stats)):
        section = re.search(r"^## [^\n]*`%s`.*?(?=^## |\Z)" % group.lower(), text, re.M | re.S)
        for name in re.findall(r"\bX\((\w+)\)", body):
            row = re.search(r"^\| `%s` \|(.*)$" % name, section.group(0) if section else "", re.M)
            if not row:
                yield Finding(document, 0, f"section `{group.lower()}` has no row for {name}")
            elif group == "TCP":
                files = [p for p in tree.c_files() if p.startswith("src/transport/tcp/") and not p.endswith("_test.c")]
                counted = any(re.search(r"\b%s(\+\+|--| \+?= )" % name, tree.bare(p)) for p in files)
                if counted == ("not counted yet" in row.group(1)):
                    yield Finding(document, line_of(text, section.start() + row.start()),
                                  f"{name} is {'counted' if counted else 'not counted yet'}")


def comments(tree):
    """A public function has a comment above it, beside it, or above the run of lines that it stands in."""
    for path in tree.files:
        if not re.match(r"include/tcpip/.*\.h$", path):
            continue
        lines = tree.lines(path)
        for i, line in enumerate(lines):
            if not line.startswith("TCPIP_API"):
                continue
            first = last = i
            while first > 0 and lines[first - 1] and "*/" not in "".join(lines[first - 1:i]):
                first -= 1
            while last + 1 < len(lines) and ";" not in lines[last]:
                last += 1
            if "*/" not in "".join(lines[max(first - 1, 0):last + 1]):
                yield Finding(path, i + 1, "no comment says what it does")


# Level, where its rows are, and the prefix that the table leaves out.
OPTION_LEVELS = [("SOL_SOCKET", "options_socket.c", "socket_rows", "SO_"),
                 ("IPPROTO_IP", "options_ip.c", "ip_rows", "IP_"),
                 ("IPPROTO_IPV6", "options_ipv6.c", "ipv6_rows", "IPV6_"),
                 ("IPPROTO_TCP", "options_tcp.c", "tcp_rows", "TCP_"),
                 ("IPPROTO_UDP", "options_tcp.c", "udp_rows", "UDP_")]
OPTION_ROW = re.compile(r"^    (?:\{?[A-Z][A-Z0-9_]*\(|\{.*\.name = )(?:OPTION_)?(\w+)", re.M)


def options(tree):
    for level, file, rows, prefix in OPTION_LEVELS:
        path = "src/socket/" + file
        if path not in tree.files:
            continue
        text = tree.text("docs/socket.md")
        found = re.search(rf"sockopt_row {rows}\[\] = \{{\n(.*?)^\}};", tree.text(path), re.M | re.S)
        told = re.search(rf"^\| `{level}` \|(.*)\|$", text, re.M)
        if found is None or told is None:
            yield Finding(path if found is None else "docs/socket.md", 1, f"no row of options for {level}")
            continue
        names = {n.removeprefix(prefix) for n in OPTION_ROW.findall(found[1])}
        words = re.findall(r"\b[A-Z0-9]{2,}[A-Z0-9_]*\b", re.sub(r"\([^)]*\)", "", told[1]))
        words = {w.removeprefix(prefix) for w in words}
        line = line_of(text, told.start())
        for name in sorted(names - words):
            yield Finding("docs/socket.md", line, f"{level}: nothing about {name}, which {path} handles")
        for word in sorted(words - names):
            yield Finding("docs/socket.md", line, f"{level}: {word} isn't in {path}")


def sent_to(tree):
    for path in tree.files:
        if path.startswith("tests/check/") or not path.endswith((".c", ".h", ".py", ".build", ".sh", "run")):
            continue
        text = tree.text(path)
        for m in re.finditer(r"\bdocs/[\w-]+\.md", text):
            if m.group(0) not in tree.files:
                yield Finding(path, line_of(text, m.start()), f"there is no {m.group(0)}")


RULES = [
    ("docs: paths exist", paths),
    ("docs: functions are where they are said to be", places),
    ("docs: names exist", symbols),
    ("docs: make targets exist", targets),
    ("docs: links lead somewhere", links),
    ("docs: code blocks are the text of their files", excerpts),
    ("docs: the README's map is complete", the_map),
    ("docs: docs/stats.md has every counter", counters),
    ("docs: every public function has its comment", comments),
    ("docs: docs/socket.md has every option", options),
    ("docs: comments name documents that exist", sent_to),
]

OPTION_ROWS = ("static const struct sockopt_row tcp_rows[] = {\n    {TCP(TCP_CORK), .rule = 1},\n"
               "    TCP_TELL(TCP_INFO, f),\n};\nstatic const struct sockopt_row udp_rows[] = {\n"
               "    {.has = 1, .name = OPTION_UDP_GRO},\n};\n")

STATS_H = "#define TCPIP_STATS_TCP(X) \\\n    X(retransmits) \\\n    X(losses)\n"
STATS_MD = "## TCP: `tcp`\n\n| `retransmits` | a |\n"
ECHO = {"examples/echo.c": "int a;\nint b;\nint c;\n"}
SAMPLES = [
    ("a path that isn't there", {"README.md": "see `docs/x.md`\n", "docs/y.md": ""}, "docs: paths exist"),
    ("a file known by its name", {"HACKING.md": "`tool.py`\n", "a/tool.py": ""}, None),
    ("a name that no file has", {"HACKING.md": "`tool.py`\n"}, "docs: paths exist"),
    ("a path in a command", {"HACKING.md": "    run a/gone.py\n", "a/b.py": ""}, "docs: paths exist"),
    ("what the build makes", {"HACKING.md": "    build/a/b_test\n"}, None),
    ("a pattern", {"HACKING.md": "`a/*_test.c`\n", "a/b_test.c": ""}, None),
    ("a pattern that nothing meets", {"HACKING.md": "`a/*_test.c`\n", "a/b.c": ""}, "docs: paths exist"),
    ("a placeholder", {"HACKING.md": "`fuzz/NAME.c`\n", "fuzz/x.c": ""}, None),
    ("a function that is there", {"docs/a.md": "`x.c:f_g`\n", "src/x.c": "void f_g(void);\n"}, None),
    ("a function that moved", {"docs/a.md": "`x.c:f_g`\n", "src/x.c": "/* f_g */\n"},
     "docs: functions are where they are said to be"),
    ("a name that is there", {"README.md": "`tcpip_f`, TCPIP_ERR_NO\n",
                              "src/x.c": "void tcpip_f(void);\n", "b.c": "int TCPIP_ERR_NO;\n"}, None),
    ("a name that is in a comment only", {"README.md": "`tcpip_f`\n", "src/x.c": "/* tcpip_f */\n"},
     "docs: names exist"),
    ("a name that is gone", {"docs/a.md": "tcpip_gone\n"}, "docs: names exist"),
    ("a prefix", {"docs/a.md": "`tcpip_a_*`\n", "src/x.c": "int tcpip_a_b;\n"}, None),
    ("a make target", {"README.md": "`make it`\n", "Makefile": "it: x\n"}, None),
    ("no make target", {"README.md": "`make it`\n", "Makefile": "if:\n"}, "docs: make targets exist"),
    ("a dead link", {"docs/a.md": "[x](b.md)\n"}, "docs: links lead somewhere"),
    ("a living link", {"docs/a.md": "[x](../b.md#c)\n", "b.md": ""}, None),
    ("a block of a file", {"HACKING.md": "```c examples/echo.c\nint a;\n...\nint c;\n```\n", **ECHO}, None),
    ("a block that differs", {"HACKING.md": "```c examples/echo.c\nint a;\nint x;\n```\n", **ECHO},
     "docs: code blocks are the text of their files"),
    ("a block in another order", {"HACKING.md": "```c examples/echo.c\nint c;\n...\nint a;\n```\n", **ECHO},
     "docs: code blocks are the text of their files"),
    ("a header that the map lacks", {"README.md": "## The tree\ninclude/\n", "include/tcpip/new.h": ""},
     "docs: the README's map is complete"),
    ("a folder that the map lacks", {"README.md": "## The tree\nsrc/ src/a/\n", "src/a/x.c": "", "src/b/x.c": ""},
     "docs: the README's map is complete"),
    ("a tree without a map", {"README.md": "## Use it\n", "include/tcpip/tcpip.h": ""},
     "docs: the README's map is complete"),
    ("a counter without a row", {"include/tcpip/stats.h": STATS_H, "docs/stats.md": STATS_MD,
                                 "src/transport/tcp/a.c": "void f(void)\n{\n    s->retransmits++;\n}\n"},
     "docs: docs/stats.md has every counter"),
    ("a counter that is counted after all",
     {"include/tcpip/stats.h": STATS_H,
      "src/transport/tcp/a.c": "void f(void)\n{\n    s->losses++;\n    s->retransmits += 2;\n}\n",
      "docs/stats.md": STATS_MD + "| `losses` | not counted yet |\n"}, "docs: docs/stats.md has every counter"),
    ("counters as they are",
     {"include/tcpip/stats.h": STATS_H,
      "src/transport/tcp/a.c": "void f(void)\n{\n    s->retransmits += 2;\n}\n",
      "docs/stats.md": STATS_MD + "| `losses` | not counted yet |\n"}, None),
    ("a public function without a comment",
     {"include/tcpip/a.h": "/* A. */\nTCPIP_API int a(void);\n\nTCPIP_API int b(\n    int);\n/* C. */\n"},
     "docs: every public function has its comment"),
    ("public functions with comments",
     {"include/tcpip/a.h": "/* A. */\nTCPIP_API int a(void);\nTCPIP_API int b(void);\n\nTCPIP_API int c(\n"
                           "    void); /* C. */\n"}, None),
    ("an option that the table lacks", {"src/socket/options_tcp.c": OPTION_ROWS,
                                        "docs/socket.md": "| `IPPROTO_TCP` | CORK |\n| `IPPROTO_UDP` | GRO |\n"},
     "docs: docs/socket.md has every option"),
    ("an option that is in the table alone",
     {"src/socket/options_tcp.c": OPTION_ROWS,
      "docs/socket.md": "| `IPPROTO_TCP` | TCP_CORK, INFO |\n| `IPPROTO_UDP` | GRO, SEGMENT |\n"},
     "docs: docs/socket.md has every option"),
    ("options as they are",
     {"src/socket/options_tcp.c": OPTION_ROWS,
      "docs/socket.md": "| `IPPROTO_TCP` | TCP_CORK (EPERM), INFO |\n| `IPPROTO_UDP` | GRO |\n"}, None),
    ("a comment that sends to nowhere", {"x.h": "/* docs/gone.md has it */\n"},
     "docs: comments name documents that exist"),
]


if __name__ == "__main__":
    sys.exit(main(RULES, SAMPLES))
