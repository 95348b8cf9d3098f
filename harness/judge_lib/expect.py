# SPDX-License-Identifier: GPL-2.0
"""
The lists a run is held against.

Expect file: one test a line, `#` comments. A test is named by its path, joined
by dots: suite.case, suite.case.parameter, program.test.
    suite.case              must be reported once and pass
    suite.case skip-ok      may be skipped, with a reason
    suite.case *            every test below suite.case, one at least
    suite.case *12          the same, exactly 12 of them (skip-ok may follow)

Allow file: a python regular expression and, after " # ", why it is allowed.
It has to match from within the line that is found fault with, and may go on
over the following lines of the report.
"""

import re
from pathlib import Path

GROUP = re.compile(r"^(\S.*?) \*(\d*)$")


class ListError(Exception):
    pass


class Entry:
    def __init__(self, text):
        self.skip_ok = text.endswith(" skip-ok")
        self.text = text.removesuffix(" skip-ok").rstrip()
        match = GROUP.match(self.text)
        self.group = bool(match)
        self.path = match[1] if match else self.text
        self.count = int(match[2]) if match and match[2] else None

    def covers(self, path):
        if self.group:
            return path.startswith(self.path + ".")
        return path == self.path


def read_expect(path):
    entries = [Entry(line) for line in useful_lines(path)]
    seen = set()
    for entry in entries:
        if entry.path in seen:
            raise ListError(f"{path}: '{entry.path}' stands there twice")
        seen.add(entry.path)
    if not entries:
        raise ListError(f"{path}: names no test")
    return entries


def find_entry(entries, path):
    """The entry for @path: an exact one, else the closest group."""
    found = [e for e in entries if e.covers(path)]
    return max(found, key=lambda e: (not e.group, len(e.path)), default=None)


def read_allow(path):
    allowed = []
    for line in useful_lines(path):
        text, mark, reason = line.rpartition(" # ")
        if not mark or not reason.strip():
            raise ListError(f"{path}: no reason after ' # ' in '{line}'")
        try:
            allowed.append(re.compile(text.strip()))
        except re.error as error:
            raise ListError(f"{path}: '{text.strip()}': {error}") from error
    return allowed


def useful_lines(path):
    lines = [line.strip() for line in Path(path).read_text("utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]
