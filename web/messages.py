"""Messages about what was done: shown once, in the one region for them on the next page or part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import flash

MOST_FIELDS = 100
"""The most fields of the form that undoes something: the cookie of the session holds them."""


def tell(
    sentence: str,
    kind: str = "success",
    *,
    undo: str = "",
    fields: Iterable[tuple[str, str]] = (),
    see: tuple[str, str] | None = None,
) -> None:
    """Tell the customer that something was done.

    ``undo`` is the URL that undoes it, by a POST with ``fields``; ``see`` the label and the URL of
    a link to what was changed.
    """
    values = list(fields)
    is_offered = bool(undo) and len(values) <= MOST_FIELDS
    # Flask keeps whatever its session can hold.
    said: Any = {"text": sentence, "undo": undo if is_offered else "", "fields": values, "see": see}
    flash(said, kind)
