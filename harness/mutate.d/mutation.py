#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Reads harness/mutations (its README.md has the format).

  mutation.py list DIR [WORD...]  the mutations meant by names or runs, all when
                                  there is no WORD: "NAME RUN FILE TEST", uml first
  mutation.py find MUTATION TREE  is its line there, once?
  mutation.py apply MUTATION TREE puts it into the tree
"""

import sys
from pathlib import Path

FIELDS = {"file", "find", "replace", "kills", "run"}
RUNS = ("uml", "x86", "x86-prq", "x86-selftest", "arm64", "arm64-stall")


class Bad(Exception):
    pass


def read(path):
    fields = {}
    for line in Path(path).read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, mark, value = line.partition("=")
        if not mark or name not in FIELDS or name in fields:
            raise Bad(f"{path}: '{line}' is no field or stands there twice")
        fields[name] = value.strip()
    missing = sorted(FIELDS - fields.keys())
    empty = sorted(k for k, v in fields.items() if not v and k != "replace")
    if missing or empty:
        raise Bad(f"{path}: without {' '.join(missing + empty)}=")
    if fields["run"] not in RUNS:
        raise Bad(f"{path}: run={fields['run']} is none of {' '.join(RUNS)}")
    return fields


def chosen(directory, words):
    names = sorted(path.name for path in Path(directory).iterdir()
                   if path.is_file() and path.suffix != ".md")
    unknown = [word for word in words if word not in names and word not in RUNS]
    if unknown:
        raise Bad(f"there is no mutation {unknown[0]}")
    table = [(name, read(Path(directory) / name)) for name in names]
    for run in RUNS:
        for name, fields in table:
            if fields["run"] == run and (not words or {name, run} & set(words)):
                yield f"{name} {run} {fields['file']} {fields['kills']}"


def find(fields, tree):
    """The lines of the file, and which of them it is."""
    path = Path(tree) / fields["file"]
    if not path.is_file():
        raise Bad(f"there is no {fields['file']}")
    lines = path.read_text("utf-8").split("\n")
    found = [i for i, line in enumerate(lines) if line.strip() == fields["find"]]
    if len(found) != 1:
        raise Bad(f"{fields['file']} has the line {len(found)} times, not once")
    return path, lines, found[0]


def apply(fields, tree):
    path, lines, index = find(fields, tree)
    old = lines[index]
    indent = old[:len(old) - len(old.lstrip())]
    lines[index] = (indent + fields["replace"]).rstrip()
    path.write_text("\n".join(lines), "utf-8")


def main(command, *args):
    if command == "list":
        for line in chosen(args[0], args[1:]):
            print(line)
    else:
        {"find": find, "apply": apply}[command](read(args[0]), args[1])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Bad, OSError) as error:
        sys.exit(str(error))
