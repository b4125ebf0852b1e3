"""The sandbox's own SQLite file. No other application uses it."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from typing import Any, Self, cast

from peewee import OP, Expression, Field, Model
from playhouse.pool import PooledSqliteDatabase

SCHEMA = 3
"""The version of the tables. Increase it when one changes: there are no migrations."""

PRAGMAS = {
    "journal_mode": "wal",
    "foreign_keys": 1,
    "busy_timeout": 10000,
    # A killed process loses no data; a power failure may lose the last transactions.
    "synchronous": "normal",
}

# Writers begin with BEGIN IMMEDIATE: they wait for each other instead of failing half-way.
database = PooledSqliteDatabase(None, pragmas=PRAGMAS, lock_type="IMMEDIATE", max_connections=64)


class Changes:
    """Sees whether the file was changed, by a counter that costs some microseconds to read."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(database.database)
        self._seen = -1

    def since_last_look(self) -> bool:
        """Return whether any connection committed something since the last look."""
        (now,) = self._connection.execute("PRAGMA data_version").fetchone()
        changed, self._seen = now != self._seen, now
        return changed

    def close(self) -> None:
        """Close the connection that looks."""
        self._connection.close()


class OldDatabase(Exception):
    """The file was written by another version of the sandbox."""


class Table(Model):
    """The base of all tables of the sandbox: its database; only changed columns are saved."""

    class Meta:
        database = database
        only_save_dirty = True

    @classmethod
    def get(cls, *query: Any, **filters: Any) -> Self:
        """Return the first row that matches; raise `DoesNotExist` without one.

        Where one column has a certain value, the row is read by SQL that is kept.
        """
        if filters or len(query) != 1 or not _compares_a_column(cls, query[0]):
            return super().get(*query, **filters)
        return cast(Self, _first(cls, query[0].lhs, query[0].rhs))

    @classmethod
    def create(cls, **values: Any) -> Self:
        """Insert a row and return it. Raises `IntegrityError` if a constraint forbids it."""
        made: Any = cls(**values)
        sql, columns = _insertion(cls, tuple(made.__data__))
        parameters = [column.db_value(made.__data__[column.name]) for column in columns]
        cursor = database.execute_sql(sql, parameters)
        if cls._meta.auto_increment and made._pk is None:
            made._pk = cursor.lastrowid
        made._dirty.clear()
        return cast(Self, made)


def _compares_a_column(table: type[Table], condition: Any) -> bool:
    """Return whether a condition is that a column of a table equals a text or a number."""
    return (
        type(condition) is Expression
        and condition.op == OP.EQ
        and isinstance(condition.lhs, Field)
        and condition.lhs.model is table
        and isinstance(condition.rhs, (str, int))
    )


def _first(table: Any, column: Any, value: Any) -> Any:
    cursor = database.execute_sql(_statement(table, column), [column.db_value(value)])
    found = cursor.fetchone()
    cursor.close()
    if found is None:
        raise table.DoesNotExist(f"no {table.__name__} has {column.name} {value!r}")
    row = table.__new__(table)
    row.__data__ = {
        field.name: field.python_value(each)
        for field, each in zip(table._meta.sorted_fields, found, strict=True)
    }
    row.__rel__, row._dirty = {}, set()
    return row


@cache
def _insertion(table: Any, names: tuple[str, ...]) -> tuple[str, list[Any]]:
    """Return the SQL that inserts a row with these columns, and the columns in its order."""
    sql, _ = table.insert(dict.fromkeys(names)).sql()
    return sql, [column for column in table._meta.sorted_fields if column.name in names]


@cache
def _statement(table: Any, column: Any) -> str:
    """Return the SQL of the first row with a value of a column.

    Peewee builds it anew each time, which took several times as long as to run it.
    """
    sql: str = table.select().where(column == 0).limit(1).sql()[0]
    return sql.replace("LIMIT ?", "LIMIT 1")


def open_database(path: str, tables: list[type[Any]]) -> None:
    """Use the file at ``path`` from now on; create ``tables`` if the file is new.

    Raises `OldDatabase` when the file belongs to another version of the sandbox.
    """
    if database.database:
        database.close_all()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch(mode=0o600)
    # A pooled connection serves one thread after another, never two at once.
    database.init(path, timeout=30, stale_timeout=300, check_same_thread=False)
    with database.connection_context():
        found = database.pragma("user_version")
        if found not in {0, SCHEMA}:
            raise OldDatabase(f"{path} belongs to another version of the sandbox: remove it")
        if not found:
            with database.atomic():
                database.create_tables(tables)
                database.pragma("user_version", SCHEMA)
