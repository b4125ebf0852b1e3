"""Papers of tests: blank pages, typeset once in a process, in place of each letter's own."""

from __future__ import annotations

from functools import cache

from shop.documents import pdf

typeset = pdf.from_html
"""What really sets a page, whatever stands in its place."""


def blank(html: str, *, variant: str = pdf.ACCESSIBLE_PDF) -> bytes:
    """A page with nothing on it, of the wanted kind."""
    return _empty_page(variant)


@cache
def _empty_page(variant: str) -> bytes:
    return typeset("<html lang=fr><title>Papier</title>", variant=variant)
