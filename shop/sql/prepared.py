"""Queries whose SQL is built once in a process, for what pages read again and again.

Building the SQL of a page's queries took a third of the page's processor time. A function that
returns a query, decorated by `prepared`, is called with markers instead of values the first time;
later calls put their values in the places of the markers::

    @prepared
    def _orders(account: Account) -> ModelSelect[Order]:
        return Order.select().where(Order.account == account)

    newest = _orders.rows(account)

Such a function compares columns with its parameters, or in an update sets them, and does nothing
else with them than to ask whether they are None. It reads no clock: what depends on today has to be
a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from peewee import (
    SQL,
    Context,
    DoesNotExist,
    Model,
    ModelInsert,
    ModelSelect,
    ModelUpdate,
    Node,
    Select,
    fn,
)

from records.base import database
from shop.sql import rows

Row = TypeVar("Row", bound=Model)

PLAIN_TEXT = re.compile(r"\w+", re.ASCII)
"""Words of the code, such as states: constants that are written into a statement as they are."""


class _Marker(Node):
    """Stands for the parameter at ``place`` while a query is built."""

    def __init__(self, place: int, convert: Callable[[Any], Any] | None = None) -> None:
        self.place = place
        self.convert = convert

    def __sql__(self, ctx: Context) -> Context:
        convert = self.convert or ctx.state.converter or _unchanged
        ctx._values.append(_Place(self.place, convert))  # type: ignore[attr-defined]
        return ctx.literal(ctx.state.param or "?")


@dataclass(frozen=True)
class _Place:
    """Where a parameter's value goes, and how its column stores it."""

    number: int
    convert: Callable[[Any], Any]


@dataclass
class _Statement:
    """A query's SQL, and its values: constants, and places for parameters."""

    query: ModelSelect[Any]
    sql: str
    values: tuple[Any, ...]
    _reader: rows.Reader | None = None

    @classmethod
    def of(cls, query: Any, sql_of: Any = None) -> _Statement:
        """Build the SQL of ``query``, or of ``sql_of`` instead."""
        source = query if sql_of is None else sql_of
        sql, values = database.get_sql_context().sql(source).query()
        if any(isinstance(value, date) for value in values):
            raise TypeError(f"a day or moment in a prepared query has to be a parameter: {sql}")
        return cls(query, *_with_constants(sql, values))

    def run(self, given: tuple[Any, ...], more_sql: str = "", *more: Any) -> Any:
        """Run it with the parameters' values; return the cursor."""
        values = [
            value.convert(given[value.number]) if isinstance(value, _Place) else value
            for value in self.values
        ]
        sql = self.sql + more_sql  # both are constants of the code
        return database.execute_sql(sql, [*values, *more])

    def objects(self, cursor: Any) -> list[Any]:
        """Return a cursor's rows as the objects that the query describes.

        Peewee finds out for each cursor which column goes where. A statement's columns are always
        the same: what it found out for the first cursor serves for all.
        """
        found = cursor.fetchall()
        if not found:
            return []
        if self._reader is None:
            wrapper = self.query._get_cursor_wrapper(cursor)  # type: ignore[attr-defined]
            wrapper.initialize()
            wrapper.cursor = None
            self._reader = rows.reader_of(wrapper)
        return list(map(self._reader.process_row, found))


class Prepared(Generic[Row]):
    """A query with parameters (see this module)."""

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build
        self._statements: dict[tuple[Any, ...], _Statement] = {}

    def rows(self, *given: Any) -> list[Row]:
        """Return all rows."""
        return self._read(given, "")

    def tuples(self, *given: Any) -> list[Any]:
        """Return all rows as the database has them, each a tuple."""
        found: list[Any] = self._statement("rows", given).run(given).fetchall()
        return found

    def first(self, *given: Any) -> Row | None:
        """Return the first row; None if there is none."""
        rows = self._read(given, " LIMIT 1")
        return rows[0] if rows else None

    def get(self, *given: Any) -> Row:
        """Return the first row; raise its table's `DoesNotExist` if there is none."""
        found = self.first(*given)
        if found is None:
            raise DoesNotExist(f"no row for {self._build.__name__}{given!r}")
        return found

    def changed(self, *given: Any) -> int:
        """Return the number of rows that an update changed."""
        return int(self._statement("rows", given).run(given).rowcount)

    def count(self, *given: Any, most: int = 10**9) -> int:
        """Return the number of rows; ``most`` if there are more."""
        statement = self._statement(f"count {most}", given)
        return int(statement.run(given).fetchone()[0])

    def slice(self, limit: int, offset: int, *given: Any) -> list[Row]:
        """Return at most ``limit`` rows after the first ``offset``.

        ``limit`` is one of few numbers, such as the length of a page: PostgreSQL plans a statement
        anew each time while it does not know how many rows are wanted.
        """
        if not offset:
            return self._read(given, f" LIMIT {limit:d}")
        return self._read(given, f" LIMIT {limit:d} OFFSET {database.param}", offset)

    def _read(self, given: tuple[Any, ...], more_sql: str, *more: Any) -> list[Row]:
        statement = self._statement("rows", given)
        return statement.objects(statement.run(given, more_sql, *more))

    def _statement(self, kind: str, given: tuple[Any, ...]) -> _Statement:
        # A parameter that is None is written into the SQL; each database has SQL of its own.
        shape = (kind, database.param, tuple([value is None for value in given]))
        found = self._statements.get(shape)
        if found is None:
            found = self._statements[shape] = self._made(kind, given)
        return found

    def _made(self, kind: str, given: tuple[Any, ...]) -> _Statement:
        markers = [None if value is None else _Marker(place) for place, value in enumerate(given)]
        query: Any = self._build(*markers)
        for field, value in getattr(query, "_update", {}).items():
            if isinstance(value, _Marker):
                query._update[field] = _Marker(value.place, field.db_value)
        _, _, most = kind.partition(" ")
        return _Statement.of(query, _count_of(query, int(most)) if most else None)


def prepared(build: Callable[..., ModelSelect[Row]]) -> Prepared[Row]:
    """Prepare the query that a function returns."""
    return Prepared(build)


def prepared_update(build: Callable[..., ModelUpdate | ModelInsert]) -> Prepared[Any]:
    """Prepare the update that a function returns, or the insert of rows that it selects.

    What it returns of the rows are `rows`.
    """
    return Prepared(build)


def _count_of(query: Any, most: int) -> Any:
    """Return the query that counts the rows of another up to ``most``.

    In their order: without it, PostgreSQL looks for those after a place among all.
    """
    clone = query.limit(most).alias("_wrapped")
    if clone._count_can_project_one():
        clone = clone.select(SQL("1"))
    return Select([clone], [fn.COUNT(SQL("1"))])


def _with_constants(sql: str, values: list[Any]) -> tuple[str, tuple[Any, ...]]:
    """Return a statement with its constants written in, and the values that are left.

    A partial index is used where the statement itself says what the index requires. Where SQLite
    learns it from a value, it compiles the statement anew each time it runs.
    """
    texts = sql.split(database.param)
    written, left = [texts[0]], []
    for value, text in zip(values, texts[1:], strict=True):
        constant = _literal(value)
        if not constant:
            left.append(value)
        written += (constant or database.param, text)
    return "".join(written), tuple(left)


def _literal(value: Any) -> str:
    """Return a plain constant as SQL writes it; "" for all others."""
    if type(value) is int and value >= 0:
        return str(value)
    if isinstance(value, str) and PLAIN_TEXT.fullmatch(value):
        return f"'{str.__str__(value)}'"
    return ""


def _unchanged(value: Any) -> Any:
    return value
