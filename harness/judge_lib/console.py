# SPDX-License-Identifier: GPL-2.0
"""Finds reports of trouble in a kernel log."""

import re

TROUBLE = re.compile("|".join((
    r"WARNING:",
    r"\bBUG:",
    r"kernel BUG at",
    r"\bOops\b",
    r"Internal error:",
    r"Unable to handle kernel",
    r"\bKASAN\b",
    r"\bKCSAN\b",
    r"\bUBSAN\b",
    r"\bODEBUG:",
    r"possible (?:circular|recursive) locking",
    r"inconsistent lock state",
    r"suspicious RCU",
    r"INFO: task .* blocked",
    r"rcu.*\bstall",
    r"unreferenced object",
    r"kmemleak: .*\bnew suspected memory leak",
    r"general protection",
    r"refcount_t:",
    r"list_(?:add|del) corruption",
    r"irq \d+: nobody cared",
    r"Kernel panic",
    r"\[DMA.*\bfault\b",
    r"\bDMAR:.*\bfault",
    r"\bVT-d detected .*\bError:",
    r"arm-smmu-v3.*\bevent(?:: | 0x)",
    r"arm-smmu-v3.*(?:CMD_SYNC timeout|CMDQ error|global error|EVTQ is not handled)",
    r"invoked oom-killer:",
    r"Out of memory: Killed process",
)))
TRACE = re.compile(r"Call [Tt]race:")

# A report and what belongs to it are rarely longer than this.
REPORT_LINES = 80


def find_trouble(lines, allowed):
    """
    Returns the lines that must not be there, and the allowed patterns used.

    A stack trace after an allowed line belongs to it: one, and only before
    another report starts.
    """
    bad = []
    used = set()
    covered_until = -1
    for number, line in enumerate(lines):
        if TROUBLE.search(line):
            report = "\n".join(lines[number:number + REPORT_LINES])
            pattern = find_allowed(report, len(line), allowed)
            if pattern:
                used.add(pattern)
                covered_until = number + REPORT_LINES
            else:
                bad.append((number + 1, line.strip()))
                covered_until = -1
        elif TRACE.search(line):
            if number >= covered_until:
                bad.append((number + 1, line.strip()))
            covered_until = -1
    return bad, used


def find_allowed(report, length, allowed):
    for pattern in allowed:
        match = pattern.search(report)
        if match and match.start() < max(length, 1):
            return pattern
    return None
