#!/usr/bin/env python3
"""Turns a tar archive (stdin) into a stream for git fast-import (stdout).

One commit on refs/heads/base, whose message is the argument. The first
component of each name is dropped. Identity and date are fixed, so that equal
content makes an equal commit on every machine.
"""
import sys
import tarfile


def quoted(path):
    """The name as fast-import wants it."""
    return b'"' + path.encode('utf-8', 'surrogateescape') \
        .replace(b'\\', b'\\\\').replace(b'"', b'\\"') \
        .replace(b'\n', b'\\n') + b'"'


def main():
    out = sys.stdout.buffer
    message = sys.argv[1].encode() + b'\n'
    out.write(b'commit refs/heads/base\n'
              b'committer Debian <base@localhost.invalid> 1767225600 +0000\n'
              b'data %d\n%s\n' % (len(message), message))
    files = 0
    with tarfile.open(fileobj=sys.stdin.buffer, mode='r|') as tar:
        for member in tar:
            _, _, name = member.name.partition('/')
            if not name:
                continue
            if member.isfile():
                mode = b'100755' if member.mode & 0o100 else b'100644'
                data = tar.extractfile(member).read()
            elif member.issym():
                mode, data = b'120000', member.linkname.encode()
            elif member.isdir():
                continue
            else:
                sys.exit(f'{member.name}: neither file, link nor directory')
            out.write(b'M %s inline %s\ndata %d\n%s\n'
                      % (mode, quoted(name), len(data), data))
            files += 1
    if not files:
        sys.exit('the archive is empty')
    out.write(b'done\n')


if __name__ == '__main__':
    main()
