# SPDX-License-Identifier: GPL-2.0
"""
Reads KTAP (Documentation/dev-tools/ktap.rst) as KUnit, kselftest and our guest
init write it, and collects what is wrong with its form.

A block is a version line and what follows at its indentation. A deeper block
belongs to the result line that comes after it, and so do the notes ("# ...")
since the last one. Lines of another shape are noise and change nothing, because
the kernel logs between them.
"""

import re

VERSION = re.compile(r"^( *)K?TAP version \d+\s*$")
PLAN = re.compile(r"^( *)1\.\.(\d+)(?:\s*#\s*(.*))?\s*$")
RESULT = re.compile(r"^( *)(ok|not ok)\s+(\d+)(?:\s+(?:- )?(.*?))?\s*$")
BROKEN = re.compile(r"^ *(ok|not ok)(\s|$)")
SUBTEST = re.compile(r"^ *# Subtest: (\S.*?)\s*$")
STATS = re.compile(r"^ *# (\S.*): pass:(\d+) fail:(\d+) skip:(\d+) total:(\d+)\s*$")
BAIL = re.compile(r"^ *Bail out!(.*)$")
# What a test says of itself, and how KUnit goes on after its first line.
NOTE = re.compile(r"^(?: *# +(?!RUN |OK |FAIL )| {4,}(?=Expected |.* == ))(\S.*?)\s*$")
DIRECTIVES = ("SKIP", "XFAIL", "XPASS", "TODO", "TIMEOUT", "ERROR")


class Test:
    """One result line; a leaf is a test, a parent sums up its block."""

    def __init__(self, name, passed, directive, why):
        self.name = name
        self.passed = passed
        self.directive = directive
        self.why = why
        self.children = []
        self.notes = []

    def leaves(self, prefix=""):
        path = f"{prefix}{self.name}"
        if not self.children:
            yield path, self
        for child in self.children:
            yield from child.leaves(path + ".")


class Block:
    def __init__(self, indent, line):
        self.indent = indent
        self.line = line
        self.plan = None
        self.plan_why = ""
        self.name = None
        self.stats = None
        self.tests = []


class Ktap:
    """tests: what was reported; errors: why the form cannot be trusted."""

    def __init__(self, lines):
        self.tests = []
        self.errors = []
        self.complete = False
        self.stack = []
        self.root = None
        self.notes = []
        for number, line in enumerate(lines, 1):
            self._line(number, line)
        self._end()

    def _error(self, number, why):
        self.errors.append(f"line {number}: {why}")

    def _line(self, number, line):
        if match := VERSION.match(line):
            self._version(number, len(match[1]))
        elif not self.stack:
            return
        elif match := PLAN.match(line):
            self._plan(number, len(match[1]), int(match[2]), match[3] or "")
        elif match := RESULT.match(line):
            self._result(number, match)
        elif match := SUBTEST.match(line):
            self._subtest(number, match[1])
        elif match := STATS.match(line):
            if self.stack[-1].name == match[1]:
                self.stack[-1].stats = [int(n) for n in match.groups()[1:]]
        elif match := BAIL.match(line):
            self._error(number, f"bail out:{match[1]}")
        elif BROKEN.match(line):
            self._error(number, f"broken result line '{line.strip()}'")
        elif match := NOTE.match(line):
            self.notes.append(match[1])

    def _version(self, number, indent):
        if not self.root:
            self.root = Block(indent, number)
            self.stack = [self.root]
        elif indent <= self.root.indent:
            self._error(number, "a second version line: started twice?")
        else:
            while self.stack[-1].indent >= indent:
                self._abandon()
            self.stack.append(Block(indent, number))

    def _plan(self, number, indent, count, why):
        block = self.stack[-1]
        if indent != block.indent:
            self._error(number, "plan at the indentation of no open block")
        elif block.plan is not None:
            self._error(number, "a second plan")
        elif block.tests:
            self._error(number, "plan after the first result")
        else:
            block.plan = count
            block.plan_why = why

    def _subtest(self, number, name):
        block = self.stack[-1]
        if block.name is None and not block.tests:
            block.name = name
        else:
            self._error(number, f"'# Subtest: {name}' without a version line")

    def _result(self, number, match):
        indent = len(match[1])
        while len(self.stack) > 2 and self.stack[-2].indent > indent:
            self._abandon()
        inner = None
        if len(self.stack) > 1 and self.stack[-1].indent > indent:
            inner = self.stack[-1]
        block = self.stack[-2] if inner else self.stack[-1]
        if block.indent != indent:
            self._error(number, "result at the indentation of no open block")
            return
        test = parse_result(match[2], match[4] or "")
        test.notes, self.notes = self.notes, []
        if not test.name:
            self._error(number, "result without a name")
        if int(match[3]) != len(block.tests) + 1:
            self._error(number, f"'{test.name}' has number {match[3]}, "
                                f"expected {len(block.tests) + 1}")
        if inner:
            self.stack.pop()
            self._close(number, inner, test)
        block.tests.append(test)

    def _close(self, number, inner, test):
        """@inner has ended and @test is the sum of it."""
        where = f"block of '{test.name}'"
        if inner.name not in (None, test.name):
            self._error(number, f"{where} calls itself '{inner.name}'")
        self._check_plan(inner, where)
        test.children = inner.tests
        failed = [t.name for t in inner.tests if not t.passed]
        if test.passed and failed:
            self._error(number, f"'{test.name}' is ok, its '{failed[0]}' is not")
        if not test.passed and inner.tests and not failed:
            self._error(number, f"'{test.name}' is not ok, its tests are")
        if test.directive == "SKIP" and any(t.directive != "SKIP" for t in inner.tests):
            self._error(number, f"'{test.name}' is skipped, not all its tests are")

    def _check_plan(self, block, where):
        count = len(block.tests)
        if block.plan == 0 and block.plan_why.startswith("SKIP"):
            return
        if block.plan == 0:
            self._error(block.line, f"{where}: empty plan 1..0")
        elif block.plan is not None and block.plan != count:
            self._error(block.line, f"{where}: {block.plan} planned, {count} reported")
        # KUnit plans no parametrised case with a generator. It tells the sum
        # of such a case afterwards, if there is more than one parameter.
        elif block.plan is None and not block.stats and not (block.name and count == 1):
            self._error(block.line, f"{where}: no plan")
        if block.stats and block.stats[3] != count:
            self._error(block.line, f"{where}: {block.stats[3]} counted, "
                                    f"{count} reported")

    def _abandon(self):
        """
        Leaves the innermost block without a result line of its parent. What
        it reported counts, if it said its name.
        """
        block = self.stack.pop()
        self._error(block.line, f"block of '{block.name or '?'}' has no result")
        if block.name and block.tests:
            test = Test(block.name, False, "", "did not end")
            test.children = block.tests
            self.stack[-1].tests.append(test)

    def _end(self):
        if not self.root:
            self.errors.append("no KTAP version line")
            return
        unfinished = len(self.stack) > 1
        while len(self.stack) > 1:
            self._abandon()
        self._check_plan(self.root, "top level")
        self.tests = self.root.tests
        self.complete = (not unfinished and bool(self.tests)
                         and self.root.plan == len(self.tests))


def parse_result(word, rest):
    name, _, extra = (" " + rest).partition(" #")
    extra = extra.strip()
    directive, _, why = extra.partition(" ")
    if directive.upper() not in DIRECTIVES:
        directive, why = "", extra
    directive = directive.upper()
    # "not ok 1 name # SKIP why" is a skip as well
    passed = word == "ok" or directive == "SKIP"
    return Test(name.strip(), passed, directive, why.strip())
