"""Texts that columns of both databases and documents can hold."""

from __future__ import annotations

import re

_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters, which no keyboard types, and halves of characters: bytes that are not UTF-8
become those in a command's arguments."""


def is_plain(text: str) -> bool:
    """Return whether a text column and an XML document can hold a text."""
    return not _REFUSED.search(text)
