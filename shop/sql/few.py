"""Few rows of many, which PostgreSQL would look for as if all customers had as many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import PostgresqlDatabase, fn

from records.base import database


def one_of_few(column: Any, found: Any) -> Any:
    """Return the condition that a column has one of the few values that a query finds.

    They are looked for first, and then the rows by the column's index. PostgreSQL would join them,
    and after a number of other joins at that: those of all rows of a customer.
    """
    if isinstance(database.obj, PostgresqlDatabase):
        return column == fn.ANY(fn.ARRAY(found))
    return column.in_(found)


@contextmanager
def planned_for_values() -> Iterator[None]:
    """Have PostgreSQL plan each statement of the block for its values.

    It keeps the plan of a statement that was run a few times, which is then one for a group of the
    usual size: of one with 100,000 licences it would read all, to find twenty by their numbers.
    """
    if not isinstance(database.obj, PostgresqlDatabase):
        yield
        return
    connection = database.connection()
    kept, connection.prepare_threshold = connection.prepare_threshold, None
    try:
        yield
    finally:
        connection.prepare_threshold = kept
