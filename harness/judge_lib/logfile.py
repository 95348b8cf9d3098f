# SPDX-License-Identifier: GPL-2.0
"""Recorded serial logs as lines of text, without what the transport added."""

import re
from pathlib import Path

# "<6>[   12.345678][  T123] ", in any part of it that printk was told to add
PREFIX = re.compile(r"^(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?)?")


class Log:
    """The lines of one file, and what its bytes say about how it was made."""

    def __init__(self, path):
        # A run that left no log is judged like one with an empty log.
        data = Path(path).read_bytes() if Path(path).exists() else b""
        self.empty = not data.strip()
        self.cut = bool(data) and not data.endswith(b"\n")
        self.binary = b"\0" in data or not valid_utf8(data)
        # Only \n ends a line: str.splitlines() also splits at form feeds and
        # other bytes that firmware sends.
        text = data.decode("utf-8", "backslashreplace")
        self.lines = [line.strip("\r") for line in text.split("\n")]
        if not self.lines[-1]:
            self.lines.pop()

    def without_prefix(self):
        return [PREFIX.sub("", line, count=1) for line in self.lines]


def valid_utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
