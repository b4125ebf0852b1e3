"""Rows chosen by a query that finds few of many."""

from __future__ import annotations

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
