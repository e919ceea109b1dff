#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""counting.py: tools/check.py counts what programs say, and loses no failure: neither a crash nor a missing result."""
import os
import sys

from common import Tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import check # pylint: disable=wrong-import-position


class Quiet(check.Report):
    def __init__(self):
        super().__init__()
        self.said = []

    def say(self, line):
        self.said.append(line)


# (title, what the program printed, whether its status was good, (passed, failed, skipped), what is said contains)
CASES = [
    ("each result counts", "1..2\nok 1 - a\nok 2 - b\n", True, (2, 0, 0), ""),
    ("the plan may come last", "ok 1 - a\nok 2 - b\n1..2\n", True, (2, 0, 0), ""),
    ("a program that speaks no TAP counts as one", "all is well\n", True, (1, 0, 0), ""),
    ("such a program may fail", "oh no\n", False, (0, 1, 0), "    oh no"),
    ("a failure comes with its notes", "1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n", False, (1, 1, 0), "    1 != 2"),
    ("a failure names its result", "1..1\nnot ok 1 - b\n", False, (0, 1, 0), "p: b -- repeat: again b"),
    ("the status may be good all the same", "1..1\nnot ok 1 - b\n", True, (0, 1, 0), "p: b"),
    ("a result says how to repeat it", "1..1\nnot ok 1 - b\n# repeat: do b\n", False, (0, 1, 0), "repeat: do b"),
    ("a skip is no success", "1..2\nok 1 - a\nok 2 - b # SKIP no tun\n", True, (1, 0, 1), "p: b: no tun"),
    ("cmocka's skip is no failure", "1..1\nnot ok 1 # SKIP b\n", True, (0, 0, 1), "SKIPPED"),
    ("a death in the middle is a failure", "1..3\nok 1 - a\n", False, (1, 1, 0), "after 1 of 3 tests"),
    ("missing results are a failure, whatever the status", "1..3\nok 1 - a\n", True, (1, 1, 0), "after 1 of 3"),
    ("a plan that is missing is a failure", "ok 1 - a\n", True, (1, 1, 0), "after 1 of None"),
    ("a death after the last result is a failure", "1..1\nok 1 - a\n", False, (1, 1, 0), "p: broke"),
    ("what died says how to repeat it", "1..2\n# repeat: x\nok 1 - a\n# repeat: seed 7\n", False, (1, 1, 0),
     "repeat: seed 7"),
    ("a sanitizer's report is what is shown", "1..1\nx\n==1==ERROR: AddressSanitizer: bad\n#0\n" + "z\n" * 50, False,
     (0, 1, 0), "    ==1==ERROR: AddressSanitizer: bad"),
]


def main():
    tap = Tap()
    for title, out, status_ok, counts, says in CASES:
        report = Quiet()
        check.count_program(report, "p", status_ok, "broke", out, "", lambda name: f"again {name}")
        heard = (report.passed, report.failed, report.skipped)
        good = heard == counts and any(says in line for line in report.said or [""])
        tap.result(good, f"counting: {title}", [] if good else [f"counted {heard}, not {counts}", *report.said])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
