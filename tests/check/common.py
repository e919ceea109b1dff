# SPDX-License-Identifier: MIT
"""What the check scripts share: finding files, reading C without its comments, and saying results in TAP.

A check is a list of rules; a rule is a function that is given a Tree and yields Findings. Each rule is one TAP line.
`--self-test` plants a sample that breaks a rule in a temporary directory and expects exactly that rule to object: a
rule that cannot fail proves nothing.
"""
import os
import re
import subprocess
import sys
import tempfile
from collections import namedtuple

Finding = namedtuple("Finding", "path line text")

CORE_ROOMS = ("base", "buffer", "header", "link", "stack", "ports", "waiter", "network", "transport")
CORE_FILES = ("src/protocols_all.c",)  # above all rooms of the core, because it names their protocols
TEXT_ENDINGS = (".c", ".h", ".py", ".sh", ".md", ".build", ".txt", ".pkt", ".scd", ".yml", ".json", ".S", ".ld")
TEXT_NAMES = ("Makefile", "run", "README", "LICENSE", ".gitignore", ".clang-format")


class Tree:
    """A source tree: the files git would keep, or every file where there is no git (self-tests, tarballs)."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self._text = {}
        self._bare = {}
        self.files = sorted(self._list())

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            out = subprocess.run(["git", "-C", self.root, "ls-files", "-co", "--exclude-standard", "-z"],
                                 stdout=subprocess.PIPE, check=False)
            if out.returncode == 0:
                names = [n for n in out.stdout.decode().split("\0") if n]
                return [n for n in names if os.path.isfile(os.path.join(self.root, n))]
        names = []
        for folder, dirs, files in os.walk(self.root):
            dirs[:] = [d for d in dirs if not d.startswith(".") and not re.match(r"build(-|$)", d)]
            names += [os.path.relpath(os.path.join(folder, f), self.root) for f in files]
        return names

    def text(self, path):
        if path not in self._text:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                self._text[path] = f.read()
        return self._text[path]

    def lines(self, path):
        return self.text(path).splitlines()

    def bare(self, path):
        """The C text with comments, strings and character constants blanked; line numbers stay."""
        if path not in self._bare:
            self._bare[path] = strip_c(self.text(path))
        return self._bare[path]

    def c_files(self):
        return [p for p in self.files if p.endswith((".c", ".h"))]

    def text_files(self):
        return [p for p in self.files if p.endswith(TEXT_ENDINGS) or os.path.basename(p) in TEXT_NAMES]

    def core_files(self):
        """The sources of the core, without the tests that lie beside them."""
        return [p for p in self.c_files() if is_core(p) and not p.endswith("_test.c")]


def is_core(path):
    parts = path.split("/")
    return path in CORE_FILES or parts[0] == "src" and len(parts) > 2 and parts[1] in CORE_ROOMS


_C_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def strip_c(text):
    def blank(match):
        s = match.group(0)
        if s[0] in "\"'":
            return s[0] + " " * (len(s) - 2) + s[0]
        return re.sub(r"[^\n]", " ", s)

    return _C_TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def without_comments(text):
    return _C_TOKEN.sub(lambda m: m.group(0) if m.group(0)[0] in "\"'" else re.sub(r"[^\n]", " ", m.group(0)), text)


def includes(tree, path):
    """(line, '<' or '"', name) of each #include that isn't commented out."""
    text = without_comments(tree.text(path))
    return [(line_of(text, m.start(1)), m.group(1), m.group(2)) for m in _INCLUDE.finditer(text)]


class Tap:
    """Counts and prints; `done` prints the plan and gives the exit status."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, ok, name, notes=()):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}")
        for note in notes:
            print(f"# {note}")

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}")

    def done(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


class Skip(Exception):
    """Raised by a rule that cannot be judged on this machine; its text says why."""


def run_rules(rules, tree, tap, limit=20):
    """rules: (name, function) pairs."""
    for name, rule in rules:
        try:
            found = list(rule(tree))
        except Skip as why:
            tap.skip(name, why)
            continue
        notes = [f"{f.path}:{f.line}: {f.text}" if f.line else f"{f.path}: {f.text}" for f in found[:limit]]
        if len(found) > limit:
            notes.append(f"... and {len(found) - limit} more")
        tap.result(not found, name, notes)


def run_samples(rules, samples, tap):
    """samples: (title, {path: text}, name of the rule that must object, or None for none)."""
    for title, files, wanted in samples:
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as f:
                    f.write(text)
            tree = Tree(root)
            objected, skipped = [], []
            for name, rule in rules:
                try:
                    if list(rule(tree)):
                        objected.append(name)
                except Skip as why:
                    skipped.append(name)
                    reason = why
            if wanted in skipped:
                tap.skip(f"self-test: {title}", reason)
            else:
                expected = [wanted] if wanted else []
                tap.result(objected == expected, f"self-test: {title}",
                           [] if objected == expected else [f"expected {expected}, objected {objected}"])


def main(rules, samples):
    """The whole command line: CHECK [--self-test] [ROOT]."""
    args = [a for a in sys.argv[1:] if a != "--self-test"]
    tap = Tap()
    if "--self-test" in sys.argv[1:]:
        run_samples(rules, samples, tap)
    else:
        root = args[0] if args else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        run_rules(rules, Tree(root), tap)
    return tap.done()
