"""Blank PDFs for tests, typeset once per process, in place of each e-mail's own."""

from __future__ import annotations

from functools import cache

from shop.documents import pdf

typeset = pdf.from_html
"""The real typesetting, while tests patch `shop.documents.pdf.from_html`."""


def blank(html: str, *, variant: str = pdf.ACCESSIBLE_PDF) -> bytes:
    """Return a PDF of one empty page."""
    return _empty_page(variant)


@cache
def _empty_page(variant: str) -> bytes:
    return typeset("<html lang=fr><title>Papier</title>", variant=variant)
