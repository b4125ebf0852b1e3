"""The database connection: SQLite by default, PostgreSQL by ``DATABASE_URL``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import Database, InterfaceError, OperationalError, SqliteDatabase
from playhouse.db_url import connect
from playhouse.migrations import Runner
from playhouse.pool import MaxConnectionsExceeded, PooledDatabase

from records.base import database

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

SQLITE_PRAGMAS = {
    "journal_mode": "wal",
    "foreign_keys": 1,
    "busy_timeout": 10000,
    "synchronous": "full",
}

POOL_SIZE = 64

AWAY = (OperationalError, InterfaceError, MaxConnectionsExceeded)
"""The exceptions raised when the database is unavailable or has no free connection."""


def open_database(url: str) -> Database:
    """Return a database for ``url``: ``sqlite:///path`` or ``postgresql://…`` (psycopg 3).

    SQLite transactions begin with ``BEGIN IMMEDIATE``, so that writers wait instead of failing.
    """
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:///")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return SqliteDatabase(path, pragmas=SQLITE_PRAGMAS, lock_type="IMMEDIATE", timeout=10)
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            pooled = "psycopg3+pool://" + url.removeprefix(prefix)
            return connect(
                pooled, max_connections=POOL_SIZE, timeout=10, stale_timeout=300, connect_timeout=5
            )
    raise ValueError(f"unknown kind of database: {url.split(':')[0]}")


def bind(url: str) -> Database:
    """Open the database of ``url`` and make the models use it."""
    opened = open_database(url)
    database.initialize(opened)
    return opened


@contextmanager
def at_hand() -> Iterator[None]:
    """Provide a connection for this block: the open one, or a new one closed after the block."""
    is_own = database.connect(reuse_if_open=True)
    try:
        yield
    finally:
        if is_own:
            database.close()


def forget_idle_connections() -> None:
    """Close the idle connections of the pool, which do not survive a restart of the server."""
    if isinstance(database.obj, PooledDatabase):
        database.obj.close_idle()


def migrate() -> list[str]:
    """Bring the schema up to date. Return the names of the migrations applied, in order."""
    return list(Runner(database.obj, str(MIGRATIONS)).up())


def pending_migrations() -> list[str]:
    """Return the names of the migrations not applied yet."""
    rows = Runner(database.obj, str(MIGRATIONS)).status()
    return [row.name for row in rows if row.applied is None]
