#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tidy.py: the rules of the house that a machine can keep.

Form (license line, head comment, lengths), what the core may not say (malloc, time, float, ...), #if only where it
belongs, one writer of the TCP state, names that stay distinct when all files are joined into one, and no file that
nobody builds.
"""
import os
import re
import shutil
import subprocess
import sys

from common import Finding, Skip, is_core, line_of, main

LINE_MAX = 120
FILE_MAX = 800
FUNCTION_MAX = 80

# Functions: banned as calls, not as members (env->free) or names of variables.
BANNED_CALLS = """malloc calloc realloc free aligned_alloc posix_memalign strdup alloca printf fprintf sprintf snprintf
    vsnprintf puts perror time clock clock_gettime gettimeofday rand srand random htons htonl ntohs ntohl strcpy strcat
    strtok gets atoi strtol strtoul abort exit assert setjmp longjmp sleep usleep""".split()
BANNED_WORDS = "errno float double _Atomic _Thread_local __thread".split()
_CALL = re.compile(r"(?<![\w.])(?<!->)(%s)[ \t]*\(" % "|".join(BANNED_CALLS))
_WORD = re.compile(r"\b(%s|pthread_\w+)\b" % "|".join(BANNED_WORDS))

# The preprocessor may choose between compilers and machines (names that begin with __), not between features; and:
IF_ALLOWED = re.compile(
    r"include/tcpip/base\.h$|src/base/(assert|compiler)\.h$|src/base/(pool|trace)\.[ch]$|src/header/checksum\w*\.[ch]$"
    r"|src/(platform|socket|preload)/|(tools|tests|bench|fuzz|examples)/")

# Built from halves, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
OUTSIDE_WORDS = re.compile(
    r"\.\./sha" r"red|/wo" r"rk/|/fa" r"rm/|\bsub" r"agent|\b[Ii]ss" r"ue #?[0-9]+|HELP" r"ER\.md")


def spdx(tree):
    for path in tree.c_files():
        lines = tree.lines(path)
        if not lines or lines[0] != "// SPDX-License-Identifier: MIT":
            yield Finding(path, 1, "the first line isn't '// SPDX-License-Identifier: MIT'")


def head_comment(tree):
    for path in tree.c_files():
        head = "\n".join(tree.lines(path)[1:3]).lstrip()
        if not re.match(r"(/\*|//)\s*(\w+/)*%s\b" % re.escape(os.path.basename(path)), head):
            yield Finding(path, 2, f"the head comment doesn't begin '/* {os.path.basename(path)}: what and why'")


def lengths(tree):
    for path in tree.text_files():
        if path.endswith((".md", ".json")) or "/corpus/" in path:
            continue
        lines = tree.lines(path)
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_MAX:
                yield Finding(path, number, f"{len(line)} columns, more than {LINE_MAX}")
        if path.endswith((".c", ".h", ".py", ".sh")) and len(lines) > FILE_MAX:
            yield Finding(path, 0, f"{len(lines)} lines, more than {FILE_MAX}: is it one idea?")


def whitespace(tree):
    for path in tree.text_files():
        if "/corpus/" in path:
            continue
        text = tree.text(path)
        if text and not text.endswith("\n"):
            yield Finding(path, 0, "no newline at the end")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield Finding(path, number, "blanks at the end of the line")
            if "\t" in line and not path.endswith(("Makefile", ".mk", ".scd", ".pkt")):
                yield Finding(path, number, "a tab")


def ctags(tree, paths):
    """One dict for each tag of `paths`: name, path, kind, line, end, file (True if local to its file)."""
    if not hasattr(tree, "tags"):
        program = shutil.which("ctags")
        version = [program, "--version"] if program else ["echo", "none"]
        if "Universal" not in subprocess.run(version, stdout=subprocess.PIPE, text=True, check=False).stdout:
            tree.tags = None
        else:
            out = subprocess.run([program, "--options=NONE", "-f", "-", "-L", "-", "--language-force=C",
                                  "--fields=+nefK", "--excmd=number"], cwd=tree.root, text=True, check=True,
                                 input="\n".join(tree.c_files()) + "\n", stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL).stdout
            tree.tags = [parse_tag(line) for line in out.splitlines() if not line.startswith("!")]
    if tree.tags is None:
        raise Skip("universal-ctags isn't installed")
    wanted = set(paths)
    return [t for t in tree.tags if t["path"] in wanted]


def parse_tag(line):
    name, path, _, *fields = line.split("\t")
    tag = {"name": name, "path": path, "kind": fields[0], "line": 0, "end": 0, "file": False}
    for field in fields[1:]:
        key, _, value = field.partition(":")
        if key in ("line", "end"):
            tag[key] = int(value)
        elif key == "file":
            tag["file"] = True
    return tag


def functions(tree):
    for tag in ctags(tree, tree.c_files()):
        size = tag["end"] - tag["line"] + 1
        if tag["kind"] == "function" and size > FUNCTION_MAX:
            yield Finding(tag["path"], tag["line"], f"{tag['name']} has {size} lines, more than {FUNCTION_MAX}")


def unique_names(tree):
    """Two files of src/ may not define the same name: the amalgamation joins them into one."""
    paths = [p for p in tree.c_files()
             if p.startswith("src/") and not p.startswith("src/preload/") and not p.endswith("_test.c")]
    space = {"function": "name", "variable": "name", "enumerator": "name", "macro": "name", "typedef": "name",
             "struct": "tag", "union": "tag", "enum": "tag"}
    undefined = {p: set(re.findall(r"^[ \t]*#[ \t]*undef[ \t]+(\w+)", tree.bare(p), re.M)) for p in paths}
    first = {}
    for tag in ctags(tree, paths):
        if tag["kind"] not in space or tag["name"].startswith("__anon"):
            continue
        if tag["kind"] == "macro" and tag["name"] in undefined[tag["path"]]:
            continue
        key = (space[tag["kind"]], tag["name"])
        other = first.setdefault(key, tag)
        if other["path"] != tag["path"]:
            yield Finding(tag["path"], tag["line"], f"{tag['name']} is also defined in {other['path']}:{other['line']}")


def banned(tree):
    for path in tree.core_files() + [p for p in tree.files if p.startswith("include/") and p.endswith(".h")]:
        public = path.startswith("include/")
        text = tree.bare(path)
        for match in list(_WORD.finditer(text)) + ([] if public else list(_CALL.finditer(text))):
            yield Finding(path, line_of(text, match.start()), f"'{match.group(1)}' doesn't exist in the core")


def conditionals(tree):
    for path in tree.c_files():
        if IF_ALLOWED.match(path):
            continue
        text = tree.bare(path)
        for match in re.finditer(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)\b[ \t]*([^\n]*)", text, re.M):
            rest = match.group(2).strip()
            machine = all(w == "defined" or w.startswith("__") for w in re.findall(r"\b[A-Za-z_]\w*", rest))
            guard = match.group(1) == "ifndef" and path.endswith(".h") and re.fullmatch(r"[A-Z0-9_]+_H", rest)
            if not guard and not (machine and re.search(r"__", rest)):
                yield Finding(path, line_of(text, match.start()),
                              f"#{match.group(1)} {rest}: features are linked, not switched")


def guards(tree):
    """A header's guard begins TCPIP_, ends with the file's name (list.h: ..._LIST_H), and is its alone."""
    first = {}
    for path in tree.c_files():
        if not path.endswith(".h"):
            continue
        ending = re.sub(r"[^A-Z0-9]", "_", os.path.basename(path).upper())
        match = re.match(r"\s*#ifndef (TCPIP_(?:\w+_)?%s)\n#define \1\n" % ending, tree.bare(path))
        if not match:
            yield Finding(path, 0, f"no include guard TCPIP_..._{ending}")
        elif first.setdefault(match.group(1), path) != path:
            yield Finding(path, 0, f"the guard {match.group(1)} is also that of {first[match.group(1)]}")


def one_state_writer(tree):
    for path in tree.core_files():
        if not re.match(r"src/transport/tcp/tcp\w*\.[ch]$", path) or path.endswith("/tcp_state.c"):
            continue
        text = tree.bare(path)
        for match in re.finditer(r"\bep[ \t]*(->|\.)state[ \t]*=(?!=)", text):
            yield Finding(path, line_of(text, match.start()), "the TCP state has one writer, tcp_state.c")


def unfinished(tree):
    for path in tree.text_files():
        for number, line in enumerate(tree.lines(path), 1):
            match = UNFINISHED.search(line)
            if match:
                yield Finding(path, number, f"'{match.group(0)}': finish it or leave it out")


def outside_words(tree):
    for path in tree.text_files():
        if os.path.basename(path) == ".gitignore":
            continue
        for number, line in enumerate(tree.lines(path), 1):
            match = OUTSIDE_WORDS.search(line)
            if match:
                yield Finding(path, number, f"'{match.group(0)}': the project speaks of itself alone")


def built(tree):
    """Each .c file is named by the meson.build of its folder or of one above."""
    for path in tree.files:
        if not path.endswith(".c"):
            continue
        folder = os.path.dirname(path)
        while True:
            build = os.path.join(folder, "meson.build")
            if build in tree.files and f"'{os.path.relpath(path, folder)}'" in tree.text(build):
                break
            if not folder:
                yield Finding(path, 0, "no meson.build lists it")
                break
            folder = os.path.dirname(folder)


RULES = [
    ("tidy: license line first", spdx),
    ("tidy: head comment", head_comment),
    ("tidy: length of lines and files", lengths),
    ("tidy: whitespace", whitespace),
    ("tidy: functions fit a screen", functions),
    ("tidy: names stay distinct when src/ is joined into one file", unique_names),
    ("tidy: words that the core doesn't know", banned),
    ("tidy: conditionals only for compilers and machines", conditionals),
    ("tidy: include guards", guards),
    ("tidy: the TCP state has one writer", one_state_writer),
    ("tidy: nothing unfinished", unfinished),
    ("tidy: nothing from outside the project", outside_words),
    ("tidy: every .c file is built", built),
]
SPDX, HEAD, LENGTH, SPACE, FUNCTION, UNIQUE, BANNED, IF, GUARD, STATE, UNFINISHED_RULE, OUTSIDE, BUILT = (
    name for name, _ in RULES)


def c(body, name="a.c"):
    return f"// SPDX-License-Identifier: MIT\n/* {name}: a sample. */\n{body}"


def h(body, guard, name="a.h"):
    return c(f"#ifndef {guard}\n#define {guard}\n{body}#endif\n", name)


def one(body, path="src/base/a.c"):
    return {path: c(body, os.path.basename(path)), "meson.build": f"'{path}'\n"}


def two(body):
    return {"src/base/a.c": c(body), "src/stack/b.c": c(body, "b.c"), "meson.build": "'src/base/a.c' 'src/stack/b.c'\n"}


LONG = "".join(f"    x += {i};\n" for i in range(90))
SAMPLES = [
    ("a good file passes",
     one("static int f(struct e *e)\n{\n    e->free(e); /* malloc(1), a double, #if 1 */\n    return e->time;\n}\n"),
     None),
    ("a good header passes", {"src/base/a.h": h("int tcpip__a(void);\n", "TCPIP_SRC_BASE_A_H"),
                              "include/tcpip/b.h": h("#ifdef __cplusplus\n#endif\n", "TCPIP_B_H", "b.h")}, None),
    ("a missing license is seen", {"src/base/a.c": "/* x */\n/* a.c: b */\n", "meson.build": "'src/base/a.c'\n"}, SPDX),
    ("a missing head comment is seen",
     {"src/base/a.c": "// SPDX-License-Identifier: MIT\nint x;\n", "meson.build": "'src/base/a.c'\n"}, HEAD),
    ("a long line is seen", one("/* " + "x" * 120 + " */\n"), LENGTH),
    ("a long file is seen", one("\n" * 800), LENGTH),
    ("a blank at the end is seen", one("int a; \n"), SPACE),
    ("a tab is seen", one("\tint a;\n"), SPACE),
    ("a missing last newline is seen", one("int a;"), SPACE),
    ("a long function is seen", one("int f(int x)\n{\n" + LONG + "    return x;\n}\n"), FUNCTION),
    ("a static name used twice is seen", two("static int f(void)\n{\n    return 1;\n}\n"), UNIQUE),
    ("a struct used twice is seen", two("struct s {\n    int a;\n};\n"), UNIQUE),
    ("a macro used twice is seen", two("#define M 1\n"), UNIQUE),
    ("a macro that ends with its file is fine", two("#define M 1\n#undef M\n"), None),
    ("a member used twice is fine",
     {**two(""), "src/base/a.c": c("struct s {\n    int x;\n};\n"),
      "src/stack/b.c": c("struct t {\n    int x;\n};\n", "b.c")}, None),
    ("malloc in the core is seen", one("void *f(void)\n{\n    return malloc(1);\n}\n"), BANNED),
    ("float in the core is seen", one("float x;\n"), BANNED),
    ("pthread in the core is seen", one("pthread_mutex_t m;\n"), BANNED),
    ("malloc in the platform is fine", one("void *f(void)\n{\n    return malloc(1);\n}\n", "src/platform/a.c"), None),
    ("a feature switch is seen", one("#if FEATURE\n#endif\n"), IF),
    ("a feature switch beside a machine's is seen", one("#if defined(__x86_64__) && FEATURE\n#endif\n"), IF),
    ("code that is switched off is seen", one("#if 0\n#endif\n"), IF),
    ("a machine's switch is fine", one("#if defined(__GNUC__) && !defined(__clang__)\n#endif\n"), None),
    ("a header without its guard is seen", {"src/base/a.h": h("", "WRONG_H")}, GUARD),
    ("a guard used twice is seen",
     {"include/tcpip/a.h": h("", "TCPIP_A_H"), "include/tcpip/b/a.h": h("", "TCPIP_A_H")}, GUARD),
    ("a second writer of the state is seen",
     one("void f(struct tcp *ep)\n{\n    ep->state = 1;\n}\n", "src/transport/tcp/tcp_input.c"), STATE),
    ("a reader of the state is fine",
     one("int f(struct tcp *ep)\n{\n    return ep->state == 1;\n}\n", "src/transport/tcp/tcp_input.c"), None),
    ("an unfinished mark is seen", one("/* TO" "DO: all */\n"), UNFINISHED_RULE),
    ("a path of one machine is seen", one("/* see /wo" "rk/main */\n"), OUTSIDE),
    ("a file that nobody builds is seen",
     {"src/base/a.c": c(""), "src/base/meson.build": "core_sources += files(\n)\n"}, BUILT),
]

if __name__ == "__main__":
    assert not is_core("src/platform/a.c")
    sys.exit(main(RULES, SAMPLES))
