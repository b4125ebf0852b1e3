"""Text folding, for comparisons without case and accents."""

from __future__ import annotations

import re
import unicodedata
from itertools import filterfalse

_BETWEEN_WORDS = re.compile(r"[^\w@]|_")


def remove_accents(text: str) -> str:
    """Return ``text`` without accents, in its case."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(filterfalse(unicodedata.combining, decomposed))


def without_accents(text: str) -> str:
    """Return ``text`` case-folded and without accents."""
    return remove_accents(text).casefold()


def fold(text: str) -> str:
    """Return ``text`` without case, accents and punctuation, except the @ of an e-mail address."""
    words = _BETWEEN_WORDS.sub(" ", without_accents(text))
    return re.sub(r" ?@ ?", "@", " ".join(words.split()))
