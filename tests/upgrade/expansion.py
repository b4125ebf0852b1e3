"""What keeps the previous release from a migrated schema: whatever narrows it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from peewee import Database, PostgresqlDatabase

from shop.database import HISTORY
from tests.support.schema import shape

Schema = Mapping[str, Mapping[str, Any]]


def schema_of(opened: Database) -> Schema:
    """Return every table: its columns, their defaults, and its rules."""
    tables = {}
    for table in opened.get_tables():
        if table == HISTORY:
            continue
        types = _types_of(opened, table)
        columns = {
            column.name: column._replace(data_type=types.get(column.name, column.data_type))
            for column in opened.get_columns(table)
        }
        tables[table] = {**shape(opened, table), "columns": columns}
    return tables


def _types_of(opened: Database, table: str) -> dict[str, str]:
    """Return the types of columns with their lengths, which SQLite names anyway.

    Where one changes, PostgreSQL refuses each statement with this column that a running process has
    prepared.
    """
    if not isinstance(opened, PostgresqlDatabase):
        return {}
    query = (
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
    )
    return dict(opened.execute_sql(query, (table,)).fetchall())


def narrowings(before: Schema, after: Schema, widened: Collection[str] = ()) -> list[str]:
    """Return what code written for the schema ``before`` can no longer do in ``after``.

    A migration names the tables whose rules it exchanged for wider ones in ``WIDENS``; rules of
    those tables are not compared, as no program can tell which of two conditions is wider.
    """
    return [
        f"{table}: {found}"
        for table, old in before.items()
        for found in _narrowings(old, after.get(table), table in widened)
    ]


def _narrowings(old: Any, new: Any, is_widened: bool) -> Iterator[str]:
    if new is None:
        yield "the table is gone"
        return
    yield from _narrowed_columns(old["columns"], new["columns"])
    added = set(new["columns"]) - set(old["columns"])
    empty = {name for name in added if new["columns"][name].null}
    for columns, _, is_unique, _ in set(new["indexes"]) - set(old["indexes"]):
        # Rows of the previous release leave new columns empty, and no two of those are equal.
        if is_unique and not empty & set(columns) and not is_widened:
            yield f"{', '.join(columns)} must be unique now"
    for rule in sorted(set(new["rules"]) - set(old["rules"])):
        if not is_widened and not _names_any(rule, added):
            yield f"a new rule: {rule}"
    for key in sorted(set(new["foreign keys"]) - set(old["foreign keys"])):
        if key[0] not in added:
            yield f"{key[0]} must name a row of {key[1]} now"


def _narrowed_columns(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name, column in old.items():
        if name not in new:
            yield f"the column {name} is gone"
        elif new[name].data_type.lower() != column.data_type.lower():
            yield f"the column {name} is {new[name].data_type} instead of {column.data_type}"
        elif column.null and not new[name].null:
            yield f"the column {name} must not be empty now"
    for name in sorted(new.keys() - old.keys()):
        if not new[name].null and new[name].default is None:
            yield f"the new column {name} must be given: it has no default"


def _names_any(rule: str, columns: Collection[str]) -> bool:
    return any(re.search(rf"\b{column}\b", rule) for column in columns)
