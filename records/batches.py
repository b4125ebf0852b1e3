"""Read a table from end to end, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from peewee import Field, ModelSelect

BATCH = 1000


def in_batches(query: ModelSelect[Any], column: Field, size: int | None = None) -> Iterator[Any]:
    """Yield the rows of a query in the order of a unique ``column``, ``size`` (`BATCH`) at a time.

    Keyset pagination: each batch is a query that begins after the last value read, so rows added or
    changed since then cause neither gaps nor repetitions.
    """
    rest, size = query.order_by(column), size or BATCH
    rows = list(rest.limit(size))
    while rows:
        yield from rows
        last = getattr(rows[-1], column.name)
        rows = list(rest.where(column > last).limit(size)) if len(rows) == size else []
