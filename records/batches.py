"""Read a table from end to end, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from peewee import Field, ModelSelect

BATCH = 1000


def in_batches(query: ModelSelect[Any], *columns: Field, size: int | None = None) -> Iterator[Any]:
    """Yield the rows of a query in the order of ``columns``, unique together and never null,
    ``size`` (`BATCH`) at a time, so that memory does not grow with their number.

    Each batch is a query of its own that begins after the last row of the one before, so that rows
    added and removed in between cause neither a gap nor a repetition. It ends with an empty
    batch: a row that is added, or moved, to a later place is read, too.
    """
    ordered, size = query.order_by(*columns), size or BATCH
    rows = list(ordered.limit(size))
    while rows:
        # Read before the caller has the rows, who may change them.
        reached = [getattr(rows[-1], column.name) for column in columns]
        yield from rows
        rows = list(ordered.where(_after(columns, reached)).limit(size))


def _after(columns: Sequence[Field], reached: Sequence[Any]) -> Any:
    (column, *others), (value, *rest) = columns, reached
    if not others:
        return column > value
    # The first condition alone lets an index begin at the place that was reached.
    return (column >= value) & ((column > value) | _after(others, rest))
