"""Copies of rows by SQL: what belongs to an order or a seat, as many times as wanted.

Rows are made by the shop's own operations, between two marks. Each copy of a row has its id plus a
multiple of `STRIDE`; so have the columns that refer to rows which are copied, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import peewee

import models
from models import Event

STRIDE = 10_000
"""The difference of the ids of one copy and the next: more than one copy has of any table."""

AT_ONCE = 20_000
"""Copies that one statement makes."""

COPIES = """WITH RECURSIVE copies (copy) AS (
    SELECT {first} UNION ALL SELECT copy + 1 FROM copies WHERE copy < {last})"""

NOT_COPIED = {models.KnownOrigin, models.Attachment, models.InvoiceFile}
"""Tables of files, which would fill the disk, and of what a customer has but once."""

EMPTY = {"letter": ("text", "html")}
"""Large columns, which lists do not show; copies have them empty."""

Table = type[models.Table]
Changes = Mapping[Table, Mapping[str, str]]


def tables() -> Iterable[Table]:
    """Yield the tables that copies are made of, those referred to first."""
    return models.all_tables()


def reached() -> dict[Table, int]:
    """Return the greatest id of each table that has one."""
    return {
        table: table.select(peewee.fn.COALESCE(peewee.fn.MAX(table.id), 0)).scalar()
        for table in tables()
        if _has_number(table)
    }


def _has_number(table: Table) -> bool:
    return isinstance(table._meta.primary_key, peewee.AutoField | peewee.BigAutoField)


@contextmanager
def in_haste() -> Iterator[None]:
    """Let this connection write quickly in the block: with much memory, and without waiting."""
    haste = ["PRAGMA synchronous = off", "PRAGMA cache_size = -3000000"]
    usual = ["PRAGMA synchronous = full", "PRAGMA cache_size = -2000"]
    if isinstance(models.database.obj, peewee.PostgresqlDatabase):
        haste, usual = ["SET synchronous_commit = off"], ["SET synchronous_commit = on"]
    for statement in haste:
        models.database.execute_sql(statement)
    yield
    for statement in usual:
        models.database.execute_sql(statement)


class Pattern:
    """The rows written by ``make``: those of ``only`` some tables, if these are named."""

    def __init__(self, make: Callable[[], object], only: Iterable[Table] = ()) -> None:
        before = reached()
        make()
        chosen = set(only) or set(tables()) - NOT_COPIED
        self.ids = {
            table: (before[table] + 1, last)
            for table, last in reached().items()
            if table in chosen and last > before[table]
        }
        assert all(last - first < STRIDE / 2 for first, last in self.ids.values())
        self._chosen = chosen

    def multiply(self, times: int, changes: Changes, thinned: Mapping[Table, int]) -> None:
        """Copy the rows ``times`` times, and of the tables ``thinned`` only so many for a copy.

        ``changes`` are the columns that are computed, by SQL with the number of the ``copy``.
        """
        for first in range(1, times + 1, AT_ONCE):
            copies = COPIES.format(first=first, last=min(first + AT_ONCE - 1, times))
            with models.database.atomic():
                for table in tables():
                    if where := self._rows(table, thinned.get(table, 0)):
                        self._copy(table, where, changes.get(table, {}), copies)
        _count_on(self.ids)

    def _rows(self, table: Table, most: int) -> str:
        """Return the condition for the rows of a table; "" if there are none."""
        if table not in self._chosen:
            return ""
        if table in self.ids:
            first, last = self.ids[table]
            if most:
                step = max(1, (last - first + 1) // most)
                chosen = range(first, last + 1, step)[:most]
                return f"t.id IN ({', '.join(map(str, chosen))})"
            return f"t.id BETWEEN {first} AND {last}"
        return "" if _has_number(table) else self._of_others(table)

    def _of_others(self, table: Table) -> str:
        """Return the condition for rows without a number, by what their key refers to."""
        key = {field.column_name for field in table._meta.get_primary_keys()}
        for field in table._meta.sorted_fields:
            if field.column_name in key and self._remapped(field):
                first, last = self.ids[field.rel_model]
                return f"t.{field.column_name} BETWEEN {first} AND {last}"
        return ""

    def _remapped(self, field: Any) -> bool:
        return isinstance(field, peewee.ForeignKeyField) and field.rel_model in self.ids

    def _copy(self, table: Table, where: str, changes: Mapping[str, str], copies: str) -> None:
        fields = table._meta.sorted_fields
        columns = [f'"{field.column_name}"' for field in fields]
        values = [changes.get(field.column_name) or self._value(table, field) for field in fields]
        models.database.execute_sql(
            f'{copies} INSERT INTO "{table._meta.table_name}" ({", ".join(columns)}) '  # noqa: S608
            f'SELECT {", ".join(values)} FROM "{table._meta.table_name}" AS t, copies WHERE {where}'
        )

    def _value(self, table: Table, field: Any) -> str:
        """Return the value of a column in a copy."""
        name = f't."{field.column_name}"'
        if field is table._meta.primary_key and _has_number(table):
            return f"{name} + copy * {STRIDE}"
        if self._remapped(field):
            return self._moved(name, field.rel_model)
        if table is Event and field.column_name in ("subject_id", "group_id"):
            return self._of_event(field.column_name)
        if field.column_name in EMPTY.get(table._meta.table_name, ()):
            return "''"
        return _distinct(table, field, name)

    def _moved(self, name: str, table: Table) -> str:
        """Return a number that refers to a row, which may be copied."""
        first, last = self.ids[table]
        moved = f"{name} + copy * {STRIDE}"
        return f"CASE WHEN {name} BETWEEN {first} AND {last} THEN {moved} ELSE {name} END"

    def _of_event(self, column: str) -> str:
        name = f"t.{column}"
        if column == "group_id":
            group = models.LicenceGroup
            return self._moved(name, group) if group in self.ids else name
        subjects = {
            table.event_subject: self._moved(name, table)
            for table in self.ids
            if hasattr(table, "event_subject")
        }
        if not subjects:
            return name
        cases = " ".join(f"WHEN '{word}' THEN {value}" for word, value in subjects.items())
        return f"CASE t.subject {cases} ELSE {name} END"


def _distinct(table: Table, field: Any, name: str) -> str:
    """Return a text that no other row has, where it has to be unique; else the same value."""
    if not isinstance(field, peewee.CharField) or not _is_unique(table, field):
        return name
    kept = (field.max_length or 255) - 8
    return f"substr({name}, 1, {kept}) || '-' || copy"


def _is_unique(table: Table, field: Any) -> bool:
    indexes: Any = table._meta.fields_to_index()
    return any(
        each._unique and any(field is other for other in each._expressions) and not any(
            isinstance(other, peewee.ForeignKeyField) and other.rel_model is not models.Account
            for other in each._expressions
        )
        for each in indexes
    )  # fmt: skip


def _count_on(ids: Iterable[Table]) -> None:
    """Let the next rows get greater numbers than the copies."""
    if isinstance(models.database.obj, peewee.SqliteDatabase):
        return
    for table in ids:
        name = table._meta.table_name
        models.database.execute_sql(
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), "  # noqa: S608
            f'(SELECT MAX(id) FROM "{name}"))'
        )
