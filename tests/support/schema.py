"""The schema of a table, as the database reports it."""

from __future__ import annotations

import re
from typing import Any

from peewee import Database, SqliteDatabase


def shape(opened: Database, table: str) -> dict[str, Any]:
    """Return a table's schema as the database reports it."""
    return {
        "columns": sorted(
            (column.name, column.data_type.lower(), column.null, column.primary_key)
            for column in opened.get_columns(table)
        ),
        "indexes": sorted(
            (*parts_of(index), index.unique, condition_of(index.sql or ""))
            for index in opened.get_indexes(table)
        ),
        "foreign keys": sorted(
            (key.column, key.dest_table, key.dest_column) for key in opened.get_foreign_keys(table)
        ),
        "rules": sorted(rules_of(opened, table)),
    }


def parts_of(index: Any) -> tuple[tuple[str, ...], str]:
    """Return the columns of an index, "" for each expression, and what the expressions are."""
    columns = tuple(column or "" for column in index.columns)
    written = index.sql.partition("(")[2].partition(" WHERE ")[0] if "" in columns else ""
    return columns, written


def condition_of(sql: str) -> str:
    """Return the condition of a partial index."""
    return " ".join(sql.partition(" WHERE ")[2].split())


def rules_of(opened: Database, table: str) -> list[str]:
    """Return the CHECKs of a table, and its ON DELETE actions."""
    if isinstance(opened, SqliteDatabase):
        query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
        sql = opened.execute_sql(query, (table,)).fetchone()[0]
        return [*checks_in(sql), *re.findall(r'\("\w+"\) ON DELETE \w+', sql)]
    query = (
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype IN ('c', 'f')"
    )
    return [row[0] for row in opened.execute_sql(query, (table,)).fetchall()]


def checks_in(sql: str) -> list[str]:
    """Return every CHECK of a CREATE TABLE, nested brackets included."""
    found = []
    for start in (match.end() for match in re.finditer(r"\bCHECK \(", sql)):
        depth, end = 1, start
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        found.append(" ".join(sql[start : end - 1].split()))
    return found
