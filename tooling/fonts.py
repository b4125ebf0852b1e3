"""The typeface of pages, Source Sans 3 in one variable file for each range of characters, from npm.

Papers have the same family from PyPI (shop/documents/typesetting.py). The licence is
static/fonts/source-sans-3.license.txt.
"""

from __future__ import annotations

from pathlib import Path

from tooling import npm
from tooling.report import CACHE

PACKAGE = npm.Package("@fontsource-variable/source-sans-3", "5.3.1", "Source Sans 3")
FAILED = CACHE / "source-sans-3-missing"

_MEMBERS = {
    "latin": npm.Member(
        "files/source-sans-3-latin-wght-normal.woff2",
        "sha384-oSdQfecwCUJ4p5xbT6BKEzBGwcVpEf9a7W2r31zm0wU0IXcWzTzXkEcWZEsvgf3+",
    ),
    "latinext": npm.Member(
        "files/source-sans-3-latin-ext-wght-normal.woff2",
        "sha384-NcYahkLKmgcJ7OVTtq4XrJm+s/oH7bSCNgW2hIxYxdr8a8a9CU4giRo2yj4vBCpA",
    ),
}

FILES: dict[str, Path] = {
    f"{name}.woff2": CACHE / f"source-sans-3-{PACKAGE.version}-{name}.woff2" for name in _MEMBERS
}
"""The fetched files, by the names that they have on this site."""

HASHES = [member.integrity for member in _MEMBERS.values()]


def prepare() -> None:
    """Make sure that all `FILES` exist, as they were when their hashes were written down."""
    npm.fetch(PACKAGE, dict(zip(FILES.values(), _MEMBERS.values(), strict=True)))


def prepare_if_possible() -> None:
    """Do what `prepare` does, or say why not: pages then have one of the visitor's system."""
    npm.if_possible(prepare, FAILED, "its typeface")
