"""Conditions on folded texts."""

from __future__ import annotations

from typing import Any

from peewee import SQL, Field

from shop.text.folding import fold


def contains(folded: Field, wanted: str) -> Any:
    """Return the condition that a folded column contains a text; none contains signs alone.

    Those fold to nothing, which every text contains.
    """
    text = fold(wanted)
    return folded.contains(text) if text else SQL("1 = 0")
