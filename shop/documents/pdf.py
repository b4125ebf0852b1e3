"""PDFs from the templates of ``templates/documents/``. No text is printed as an empty box."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import typst

from shop.documents import glyphs, typesetting


def render(template: str, paper: Mapping[str, object], *, data: bytes = b"") -> bytes:
    """Return a paper as PDF: its texts as printed, and the data that an invoice has attached.

    A character that no font has is printed as the sign for one, and an alarm (`glyphs.report`).
    """
    source, texts, attached = _template(template), _written(paper), data.decode()
    try:
        return typesetting.typeset(source, {"paper": texts, "data": attached})
    except typst.TypstError as error:
        if not glyphs.is_missing(error):
            raise
    printable = glyphs.printable(texts)
    glyphs.report(printable.missing, f"{paper['heading']} {paper['number']}")
    return _typeset_at_least_letters(source, printable.texts, attached)


def _typeset_at_least_letters(source: bytes, texts: str, attached: str) -> bytes:
    """Typeset texts whose characters all have a glyph, without accents that fit no letter."""
    try:
        return typesetting.typeset(source, {"paper": texts, "data": attached})
    except typst.TypstError as error:
        if not glyphs.is_missing(error):
            raise
    return typesetting.typeset(source, {"paper": glyphs.letters_of(texts), "data": attached})


def _written(paper: Mapping[str, object]) -> str:
    return json.dumps(paper, ensure_ascii=False)


@cache
def _template(name: str) -> bytes:
    return (typesetting.TEMPLATES / name).read_bytes()
