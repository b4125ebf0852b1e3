"""The htmx file that pages load from a CDN: the copy on this site for when the CDN does not answer.

It comes from npm and is the same file: its integrity hash is the one in the pages.
"""

from __future__ import annotations

from tooling import npm
from tooling.report import CACHE

VERSION = "4.0.1"
INTEGRITY = "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"
PACKAGE = npm.Package("htmx.org", VERSION, "htmx")
FILE = CACHE / f"htmx-{VERSION}.min.js"
FAILED = CACHE / "htmx-missing"


def prepare() -> None:
    """Make sure that `FILE` exists and has the integrity hash of the pages."""
    npm.fetch(PACKAGE, {FILE: npm.Member("dist/htmx.min.js", INTEGRITY)})


def prepare_if_possible() -> None:
    """Do what `prepare` does, or say why not: as long as the CDN answers, pages need no copy."""
    npm.if_possible(prepare, FAILED, "a copy of htmx")
