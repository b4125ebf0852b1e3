"""Search keys: folded texts stored as bytes, so that what begins with a text is one range."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from shop.text.folding import fold

LONGEST = 64
"""The most bytes of a key; longer texts are cut."""

MOST_WORDS = 6

AFTER_ANY_BYTE = b"\xff"
"""Greater than any byte of UTF-8; ends a range of keys."""


def as_bytes(folded: str) -> bytes:
    """Return a folded text as keys are stored: UTF-8, cut to `LONGEST`."""
    return folded.encode()[:LONGEST]


def endings(text: str) -> list[str]:
    """Return what is left of a text, folded, from each of its first words on."""
    words = fold(text).split(" ")
    return [" ".join(words[start:]) for start in range(min(len(words), MOST_WORDS))]


def keys_of(texts: Iterable[str]) -> set[bytes]:
    """Return the keys of folded texts, without those that are a prefix of another."""
    found = sorted({as_bytes(text) for text in texts if text})
    # What begins with a key follows it at once in this order.
    return {key for key, after in pairwise([*found, b""]) if not after.startswith(key)}


def range_of(folded: str) -> tuple[bytes, bytes]:
    """Return the range of keys that begin with a folded text; an empty one if it has no letter."""
    low = as_bytes(folded)
    return low, low + AFTER_ANY_BYTE if low else low
