"""Write the sha256 of every listed data file into SOURCES.md.

usage: hashes.py SOURCES.md

A row of its table begins with the path of the file, relative to SOURCES.md, in
backquotes, and ends with the hash. bundle_test.go checks that the hashes are true.
"""
import hashlib
import pathlib
import re
import sys

ROW = re.compile(r"^(\| `([^`]+)` \|.*\| )`[0-9a-f]*` \|$", re.M)


def main(path):
    path = pathlib.Path(path)

    def fill(m):
        digest = hashlib.sha256((path.parent / m.group(2)).read_bytes()).hexdigest()
        return f"{m.group(1)}`{digest}` |"

    path.write_text(ROW.sub(fill, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
