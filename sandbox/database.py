"""The sandbox's own SQLite file. No other application uses it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from peewee import Model
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
