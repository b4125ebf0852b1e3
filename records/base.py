"""What all tables have in common: the database, custom columns, and row locks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from peewee import Check, DatabaseProxy, DateTimeField, Model, PostgresqlDatabase, TextField

database = DatabaseProxy()


class MomentField(DateTimeField):
    """A moment: aware UTC in Python, naive UTC in the database."""

    def db_value(self, value: datetime | None) -> Any:
        """Store ``value`` as naive UTC; refuse a naive one, whose time zone is unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return super().db_value(value.astimezone(UTC).replace(tzinfo=None))

    def python_value(self, value: Any) -> datetime | None:
        """Read a stored moment back as aware UTC."""
        moment = super().python_value(value)
        return moment.replace(tzinfo=UTC) if moment is not None else None


class JSONField(TextField):
    """A small JSON document in a text column, the same on both databases."""

    def db_value(self, value: Any) -> Any:
        """Write compact JSON with keys in order, so equal values are equal texts."""
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def python_value(self, value: Any) -> Any:
        """Read JSON back."""
        return None if value is None else json.loads(value)


def one_of(column: str, words: type[StrEnum]) -> Any:
    """Return a CHECK that ``column`` holds a value of an enumeration."""
    listed = ", ".join(f"'{word}'" for word in words)
    return Check(f"{column} IN ({listed})")


class Table(Model):
    """What all tables have in common."""

    class Meta:
        database = database
        legacy_table_names = False
        only_save_dirty = True


class StateMachine(Table):
    """A table whose rows have a status, changed only by its table of legal moves.

    `shop.transitions` makes a move and writes its event, under ``event_subject`` and the row's id.
    """

    event_subject: ClassVar[str]
    moves: ClassVar[Mapping[str, set[str]]]

    id: Any  # columns that each table defines
    status: Any

    def may_become(self, status: str) -> bool:
        """Return whether the move from the present status to ``status`` is legal."""
        return status in self.moves[self.status]


def lock(row: Any, *, allow_references: bool = False) -> Any:
    """Read ``row`` again, of which the id is enough, and lock it until the transaction ends.

    ``allow_references`` lets other transactions insert rows that refer to it: only those that lock
    it as well have to wait. On SQLite a writing transaction locks the whole database already.
    """
    query = type(row).select().where(type(row).id == row.id)
    if isinstance(database.obj, PostgresqlDatabase):
        query = query.for_update("FOR NO KEY UPDATE" if allow_references else "FOR UPDATE")
    return query.get()
