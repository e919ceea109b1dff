#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rfc.py: what the RFCs ask of TCP is tied to the code that does it and to the test that would notice.

docs/rfc/rfcN.txt has one entry per requirement of RFC N:

    ID LEVEL [SECTION] what is asked, in words of our own
        code    FILE.c:FUNCTION, ...
        test    SUBJECT/NAME.pkt, FILE_test.c:TEST, ...
        except  why it isn't kept, or not wholly

IDs are the RFC's own where it numbers (MUST-12; then the section is said), else SECTION-n. Lines that begin with '='
are headings, with '#' comments. An entry has code and tests, or says why not; what it names exists; RFC 9293's numbers
are all there, and a comment that cites one is in a file that its entry names. docs/rfc9293-appendix-b.md is made from
the table (`--write`). The counts are printed.
"""
import os
import re
import sys
from collections import Counter, namedtuple

from common import Finding, Tree, line_of, main

Entry = namedtuple("Entry", "path line group id level section text code test reason")

LEVELS = ("MUST", "MUST-NOT", "SHOULD", "SHOULD-NOT", "MAY", "STEP")
NUMBERED = re.compile(r"(MUST|SHLD|MAY|REC)-(\d+)$")
NUMBERS = {"9293": {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1}}  # each from 1 on, without gaps
KINDS = {"MUST": ("MUST", "MUST-NOT"), "SHLD": ("SHOULD", "SHOULD-NOT"), "MAY": ("MAY",), "REC": ("SHOULD",)}
APPENDIX = "docs/rfc9293-appendix-b.md"
TABLE_9293 = "docs/rfc/rfc9293.txt"


def tables(tree):
    return [p for p in tree.files if re.fullmatch(r"docs/rfc/rfc\d+\.txt", p)]


def rfc_of(path):
    return re.search(r"rfc(\d+)", os.path.basename(path)).group(1)


def parse(tree, path):
    """(entries, findings). A line that goes deeper than its keyword goes on with it."""
    entries, findings, group, entry, key = [], [], "", None, None
    for number, line in enumerate(tree.lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("="):
            group = line.strip("= ")
            continue
        if not line.startswith(" "):
            words = line.split()
            numbered = bool(NUMBERED.match(words[0]))
            least = 4 if numbered else 3
            if len(words) < least or words[1] not in LEVELS:
                findings.append(Finding(path, number, "not 'ID LEVEL [SECTION] text'"))
                entry = None
                continue
            section = words[2] if numbered else words[0].rsplit("-", 1)[0]
            text = " ".join(words[least - 1:])
            entry = {"code": [], "test": [], "except": []}
            entries.append((number, group, words[0], words[1], section, text, entry))
            key = None
            continue
        found = re.match(r"    (code|test|except) +(\S.*)", line)
        if entry is None or not (found or key):
            findings.append(Finding(path, number, "belongs to no entry"))
            continue
        if found:
            key = found.group(1)
        entry[key].append(found.group(2) if found else line.strip())
    made = [Entry(path, number, group, id_, level, section, text, names(parts["code"]), names(parts["test"]),
                  " ".join(parts["except"]))
            for number, group, id_, level, section, text, parts in entries]
    return made, findings


def names(lines):
    return [n.strip() for n in ",".join(lines).split(",") if n.strip()]


def entries(tree):
    if not hasattr(tree, "rfc_entries"):
        tree.rfc_entries = [e for path in tables(tree) for e in parse(tree, path)[0]]
    return tree.rfc_entries


def form(tree):
    for path in tables(tree):
        yield from parse(tree, path)[1]
    for e in entries(tree):
        if not e.reason and not (e.code and e.test):
            yield Finding(e.path, e.line, f"{e.id} has neither code and tests nor a reason")
        numbered = NUMBERED.match(e.id)
        if numbered and e.level not in KINDS[numbered.group(1)]:
            yield Finding(e.path, e.line, f"{e.id} isn't a {e.level}")


def numbers(tree):
    for path in tables(tree):
        ids = Counter(e.id for e in entries(tree) if e.path == path)
        for id_, count in ids.items():
            if count > 1:
                yield Finding(path, 0, f"{id_} is there {count} times")
        for kind, last in NUMBERS.get(rfc_of(path), {}).items():
            there = {int(i.rsplit("-", 1)[1]) for i in ids if i.startswith(kind + "-") and NUMBERED.match(i)}
            for n in sorted(set(range(1, last + 1)) ^ there):
                yield Finding(path, 0, f"{kind}-{n} is {'no number of this RFC' if n in there else 'missing'}")


def named(tree, name):
    return [p for p in tree.files if p == name or p.endswith("/" + name)]


def defines(tree, path, function):
    """Functions and tables begin at the left margin, and are no mere declarations but in public headers; constants are
    set."""
    name = re.escape(function)
    text = tree.bare(path)
    return (re.search(r"^(?!\s|typedef\b)[^\n;]*\b%s(?:\(|\[| =)[^;]*?\{" % name, text, re.M)
            or re.search(r"^#\s*define %s\b|^\s+%s = " % (name, name), text, re.M)
            or path.startswith("include/") and re.search(r"\b%s\(" % name, text))


def code_places(tree):
    for e in entries(tree):
        for place in e.code:
            file, _, function = place.partition(":")
            found = named(tree, file)
            if len(found) != 1 or "_test.c" in file:
                yield Finding(e.path, e.line, f"{e.id}: there is {'no' if not found else 'more than one'} {file}")
            elif not function or not defines(tree, found[0], function):
                yield Finding(e.path, e.line, f"{e.id}: {file} defines no {function}")


def is_test(tree, test):
    if test.endswith(".pkt"):
        return "tests/script/" + test in tree.files
    file, _, name = test.partition(":")
    found = named(tree, file)
    if len(found) == 1 and file.endswith("_test.c"):
        text = tree.bare(found[0])
        pattern = r"\b%s\b" % re.escape(name)
        return re.search(r"^static void %s\(void \*\*" % re.escape(name), text, re.M) and \
            len(re.findall(pattern, text)) > 1
    return len(found) == 1 and file.startswith("tests/") and not name


def tests(tree):
    for e in entries(tree):
        for test in e.test:
            if not is_test(tree, test):
                yield Finding(e.path, e.line, f"{e.id}: there is no test {test}")


def citations(tree):
    """A number in a comment beside 'RFC 9293' stands in a file that its entry names."""
    homes = {}
    for e in entries(tree):
        if e.path == TABLE_9293:
            places = {p.partition(":")[0] for p in e.code + e.test if not p.endswith(".pkt")}
            homes[e.id] = {f for p in places for f in named(tree, p)} | {"tests/script/" + t for t in e.test}
    for path in tree.files:
        if not homes or not path.endswith((".c", ".h", ".pkt", ".inc")):
            continue
        text = tree.text(path)
        for m in re.finditer(r"\b(?:MUST|SHLD|MAY|REC)-\d+\b", text):
            if path not in homes.get(m.group(0), ()):
                yield Finding(path, line_of(text, m.start()), f"the entry {m.group(0)} doesn't name this file")


def verdict(e):
    if not e.reason:
        return "yes"
    return "partly" if e.code and e.test else "no"


def cell(items):
    return "<br>".join(f"`{i}`" for i in items)


def appendix(tree):
    """RFC 9293's Appendix B, filled in; its order is the table's."""
    lines = ["# RFC 9293, Appendix B", "",
             "The requirements of RFC 9293 in the order of its Appendix B: what is kept here, by what, and which",
             "test would notice. Made from `docs/rfc/rfc9293.txt` by `python3 tests/check/rfc.py --write`. Tests that",
             "end in `.pkt` are below `tests/script/`. A requirement that the appendix lists for IPv4 and IPv6 apart,",
             "or under two headings, is one row.", ""]
    group = None
    for e in entries(tree):
        if e.path != TABLE_9293:
            continue
        if e.group != group:
            group = e.group
            lines += [f"## {group}", "", "| Number | Section | Asked | Level | Kept | Code | Test | |",
                      "|---|---|---|---|---|---|---|---|"]
        elif lines[-1] == "":
            lines.pop()
        row = (e.id, e.section, e.text, e.level.replace("-", " "), verdict(e), cell(e.code), cell(e.test), e.reason)
        lines += ["| " + " | ".join(row) + " |", ""]
    return "\n".join(lines)


def up_to_date(tree):
    if TABLE_9293 in tree.files and (APPENDIX not in tree.files or tree.text(APPENDIX) != appendix(tree)):
        yield Finding(APPENDIX, 0, "is out of date: python3 tests/check/rfc.py --write")


RULES = [
    ("every requirement has code and tests, or a reason", form),
    ("every requirement is there, once", numbers),
    ("the code that requirements name exists", code_places),
    ("the tests that requirements name exist", tests),
    ("a comment that cites RFC 9293's numbers is where the table says", citations),
    ("docs/rfc9293-appendix-b.md is the table's", up_to_date),
]

_C = "int foo(void)\n{\n    return bar();\n}\nint bar(void);\n"
_T = "static void works(void **state)\n{\n}\nstatic void foo(void **state)\n{\n}\n" \
     "const struct CMUnitTest t[] = {cmocka_unit_test(works)};\n"
_OK = {"src/a.c": _C, "src/a_test.c": _T, "tests/script/s/x.pkt": "// x\n"}


def _sample(table):
    return {**_OK, "docs/rfc/rfc7000.txt": table}


_DO = "3.2-1 MUST do it\n"
SAMPLES = [
    ("a table that is right", _sample("= Things\n" + _DO + "    code  a.c:foo\n    test  a_test.c:works,\n"
                                      "          s/x.pkt\n3.2-2 MAY do that\n    except  nobody wants it\n"), None),
    ("nothing keeps it", _sample(_DO + "    code  a.c:foo\n"), RULES[0][0]),
    ("a level that there isn't", _sample("3.2-1 MIGHT do it\n    except  no\n"), RULES[0][0]),
    ("a number of another level", _sample("SHLD-1 MUST 3.1 do it\n    except  no\n"), RULES[0][0]),
    ("a line of nobody", _sample("    code  a.c:foo\n"), RULES[0][0]),
    ("twice the same", _sample(2 * (_DO + "    except  no\n")), RULES[1][0]),
    ("a function that is elsewhere", _sample(_DO + "    code  a.c:bar\n    test  s/x.pkt\n"), RULES[2][0]),
    ("a file that isn't there", _sample(_DO + "    code  b.c:foo\n    test  s/x.pkt\n"), RULES[2][0]),
    ("a script that isn't there", _sample(_DO + "    code  a.c:foo\n    test  s/y.pkt\n"), RULES[3][0]),
    ("a test that isn't run", _sample(_DO + "    code  a.c:foo\n    test  a_test.c:foo\n"), RULES[3][0]),
]


def write(root):
    tree = Tree(root)
    with open(os.path.join(root, APPENDIX), "w", encoding="utf-8") as f:
        f.write(appendix(tree))


def report(root):
    tree = Tree(root)
    for path in tables(tree):
        rows = [e for e in entries(tree) if e.path == path]
        print(f"# RFC {rfc_of(path)}: {len(rows)} requirements, {sum(bool(e.code) for e in rows)} cited, "
              f"{sum(bool(e.test) for e in rows)} tested, {sum(bool(e.reason) for e in rows)} excepted "
              f"({sum(verdict(e) == 'partly' for e in rows)} of them in part)")


if __name__ == "__main__":
    HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    if "--write" in sys.argv[1:]:
        write(HERE)
        sys.exit(0)
    if "--self-test" not in sys.argv[1:]:
        report(HERE)
    sys.exit(main(RULES, SAMPLES))
