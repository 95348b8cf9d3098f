# SPDX-License-Identifier: GPL-2.0
"""Compares what a run reported with what it had to report."""

from collections import Counter

from .console import find_trouble
from .expect import find_entry

# Enough to see what is wrong; the log has the rest.
SHOWN = 3
NOTES = 12


class Verdict:
    def __init__(self):
        self.lines = []
        self.count = Counter()

    def add(self, name, kind, why=""):
        """@kind is pass, fail or skip; one line of @why."""
        self.count[kind] += 1
        word = "not ok" if kind == "fail" else "ok"
        mark = " # SKIP " if kind == "skip" else " # "
        end = mark + why if why else ""
        self.lines.append(f"{word} {len(self.lines) + 1} {name}{end}")

    def note(self, notes):
        """What a test said, below its line."""
        for text in notes[-NOTES:]:
            self.lines[-1] += f"\n# {text}"

    def check(self, name, problems):
        """One line for a property of the whole run."""
        shown = "; ".join(problems[:SHOWN])
        if len(problems) > SHOWN:
            shown += f"; and {len(problems) - SHOWN} more"
        self.add(name, "fail" if problems else "pass", shown)

    def total(self):
        text = f"{self.count['pass']} passed, {self.count['fail']} failed"
        if self.count["skip"]:
            text += f", {self.count['skip']} skipped"
        return text


def judge_tests(verdict, ktap, entries):
    """One line for each test expected or reported; returns how many passed."""
    by_entry = {entry: [] for entry in entries}
    extra = []
    for test in ktap.tests:
        for path, leaf in test.leaves():
            entry = find_entry(entries, path)
            by_entry.get(entry, extra).append((path, leaf))
    before = verdict.count["pass"]
    for entry, found in by_entry.items():
        if not found:
            verdict.add(entry.text, "fail", "missing")
        elif not entry.group and len(found) > 1:
            verdict.add(entry.text, "fail", f"reported {len(found)} times")
        else:
            for path, test in found:
                judge_test(verdict, path, test, entry.skip_ok)
        if entry.count not in (None, len(found)) and found:
            verdict.add(entry.text, "fail", f"{len(found)} reported")
    for path, _ in extra:
        verdict.add(path, "fail", "not in the expect file")
    return verdict.count["pass"] - before


def judge_test(verdict, path, test, skip_ok):
    if test.directive == "SKIP" and not test.why:
        verdict.add(path, "fail", "skipped without a reason")
    elif test.directive == "SKIP" and not skip_ok:
        verdict.add(path, "fail", f"must not be skipped: {test.why}")
    elif test.directive == "SKIP":
        verdict.add(path, "skip", test.why)
    elif test.directive:
        verdict.add(path, "fail", f"{test.directive} {test.why}".strip())
    elif not test.passed:
        verdict.add(path, "fail", test.why or "failed")
        verdict.note(test.notes)
    else:
        verdict.add(path, "pass")


def judge_log(verdict, log, allowed):
    bad, used = find_trouble(log.without_prefix(), allowed)
    problems = [f"line {number}: {line}" for number, line in bad]
    if log.empty:
        problems.append("the log is empty")
    verdict.check("log-clean", problems)
    return [pattern.pattern for pattern in allowed if pattern not in used]


def judge_end(verdict, ktap, log, status, passed):
    problems = []
    if status not in (None, "exit"):
        problems.append(f"the run ended by {status or 'nothing known'}")
    if log.cut:
        problems.append("the last line is cut")
    if not ktap.complete:
        problems.append("the results end before the plan is met")
    if not passed:
        problems.append("no test passed")
    verdict.check("complete", problems)


def judge_form(verdict, ktap, log):
    problems = list(ktap.errors)
    if log.binary:
        problems.append("bytes that are no text")
    verdict.check("ktap-form", problems)
