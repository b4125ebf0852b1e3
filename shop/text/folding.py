"""Texts compared as people remember them: without case and accents."""

from __future__ import annotations

import re
import unicodedata


def without_accents(text: str) -> str:
    """``text`` without accents and case."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def fold(text: str) -> str:
    """``text`` without case, accents and punctuation, but for the @ of an address."""
    words = "".join(c if c.isalnum() or c == "@" else " " for c in without_accents(text))
    return re.sub(r" ?@ ?", "@", " ".join(words.split()))
