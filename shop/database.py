"""The database connection: SQLite by default, PostgreSQL by ``DATABASE_URL``."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import POLLIN, poll
from typing import Any
from urllib.parse import unquote, urlsplit
from weakref import ref

import psycopg
from peewee import SQL, Database, DatabaseError, InterfaceError, OperationalError, SqliteDatabase
from playhouse.db_url import parse
from playhouse.migrations import Runner
from playhouse.pool import MaxConnectionsExceeded, PooledDatabase
from playhouse.postgres_ext import PooledPsycopg3Database, Psycopg3Database

from records.base import database
from shop.sql.building import StatementContext

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

SQLITE_PRAGMAS = {
    "busy_timeout": 10000,
    "journal_mode": "wal",
    "foreign_keys": 1,
    "synchronous": "full",
}

POOL_SIZE = 64

STALE_SECONDS = 300
"""The age at which a kept connection is replaced."""

MOST_CURSORS = 200
"""Cursors of a connection above which those that are gone are forgotten."""

HISTORY = "schema_migration"
"""The table of the migrations applied."""

DATABASE_UNAVAILABLE = (OperationalError, InterfaceError, MaxConnectionsExceeded)
"""The exceptions raised when the database is unavailable or has no free connection."""


def open_database(url: str) -> Database:
    """Return a database for ``url``: ``sqlite:///path`` or ``postgresql://…`` (psycopg 3).

    SQLite transactions begin with ``BEGIN IMMEDIATE``, so that writers wait instead of failing.
    """
    opened = _open(url)
    opened.context_class = StatementContext
    return opened


def _open(url: str) -> Database:
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:///")
        return KeptSqlite(
            path,
            pragmas=SQLITE_PRAGMAS,
            lock_type="IMMEDIATE",
            max_connections=None,
            stale_timeout=STALE_SECONDS,
            # A kept connection serves one thread after another, never two at once.
            check_same_thread=False,
            factory=KeptConnection,
        )
    if url.startswith(("postgresql://", "postgres://")):
        asked = parse(url, unquote_user=True, unquote_password=True)
        asked["database"] = unquote(urlsplit(url).path.lstrip("/"))
        return KeptPostgresql(
            **asked,
            max_connections=POOL_SIZE,
            timeout=10,
            stale_timeout=STALE_SECONDS,
            connect_timeout=5,
        )
    raise ValueError(f"unknown kind of database: {url.split(':')[0]}")


class KeptConnection(sqlite3.Connection):
    """A connection to a file, which it knows even if another takes its place."""

    def __init__(self, path: str, *options: Any, **named: Any) -> None:
        super().__init__(path, *options, **named)
        self.opened = _identity(path)
        self.cursors: list[ref[sqlite3.Cursor]] = []

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        """Return a cursor, which `release` closes if its rows are not read to the end."""
        made = super().cursor(factory)
        self.cursors.append(ref(made))
        if len(self.cursors) >= MOST_CURSORS:
            self.cursors = [each for each in self.cursors if each() is not None]
        return made

    def release(self) -> None:
        """End what is not finished: rows half read would show old data to the next user."""
        for each in self.cursors:
            if (cursor := each()) is not None:
                cursor.close()
        self.cursors.clear()
        if self.in_transaction:
            self.rollback()


def _identity(path: str) -> tuple[int, ...] | None:
    """Return what tells a file, as this process opens it, from another of the same name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return os.getpid(), found.st_dev, found.st_ino


class PrivateSqlite(SqliteDatabase):
    """A SQLite database in a file that only its owner can read.

    SQLite gives the files of its log the same permissions.
    """

    def _connect(self) -> Any:
        try:
            make_private(Path(self.database))
        except OSError as error:
            raise OperationalError(f"unable to open database file: {error}") from error
        return super()._connect()


class KeptSqlite(PooledDatabase, PrivateSqlite):
    """Keeps its connections: opening one and reading the schema took a seventh of a request.

    One to a file that was replaced, or opened before this process was forked, is not used again.
    """

    def conflict_statement(self, on_conflict: Any, query: Any) -> Any:
        """Return how an INSERT begins.

        Rows that are there already are left out as on PostgreSQL (`conflict_update`): SQLite's own
        OR IGNORE leaves out those that break another constraint, too.
        """
        return None if _ignores(on_conflict) else super().conflict_statement(on_conflict, query)

    def conflict_update(self, oc: Any, query: Any) -> Any:
        """Return how an INSERT ends."""
        return SQL("ON CONFLICT DO NOTHING") if _ignores(oc) else super().conflict_update(oc, query)

    def _is_closed(self, conn: KeptConnection) -> bool:
        return conn.opened != _identity(self.database)

    def _can_reuse(self, conn: KeptConnection) -> bool:
        conn.release()
        return True


def _ignores(on_conflict: Any) -> bool:
    return (on_conflict._action or "").lower() == "ignore"


class QueriesInOneProcess(Psycopg3Database):
    """Has PostgreSQL start no processes to share a query's work.

    With a million orders that took several times as long as the work itself, which is never much.
    """

    def _connect(self) -> psycopg.Connection:
        opened: psycopg.Connection = super()._connect()
        # A statement: not every pooler passes on the options that a connection begins with.
        opened.execute("SET max_parallel_workers_per_gather = 0")
        return opened


class KeptPostgresql(PooledPsycopg3Database, QueriesInOneProcess):
    """Asks the server whether a kept connection still works only if something came from it.

    A server that stops, or ends a connection, says so; asking before each request took longer than
    a read.
    """

    def _is_closed(self, conn: Any) -> bool:
        if conn.closed:
            return True
        arriving = poll()
        arriving.register(conn, POLLIN)
        return bool(arriving.poll(0)) and super()._is_closed(conn)

    def open_apart(self) -> psycopg.Connection:
        """Open a connection that does not belong to the pool. Raises `OperationalError`."""
        try:
            opened: psycopg.Connection = super(PooledDatabase, self)._connect()
        except psycopg.OperationalError as error:
            raise OperationalError(str(error)) from error
        return opened


def make_private(path: Path) -> None:
    """Create the file at ``path`` if it is missing, and let only its owner read and write it.

    Raises `OSError` if the file cannot be created. The permissions of another user's file stay.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        return
    if mode & 0o077:
        with suppress(PermissionError):
            path.chmod(0o600)


def bind(url: str) -> Database:
    """Open the database of ``url`` and make the models use it."""
    opened = open_database(url)
    database.initialize(opened)
    return opened


@contextmanager
def connection() -> Iterator[None]:
    """Provide a connection for this block: the open one, or a new one closed after the block."""
    is_own = database.connect(reuse_if_open=True)
    try:
        yield
    finally:
        if is_own:
            database.close()


@contextmanager
def read_only() -> Iterator[None]:
    """Have the database refuse whatever this block would write (`is_refused_write`)."""
    _refuse_writes(True)
    try:
        yield
    finally:
        _refuse_writes(False)


_READ_ONLY = {True: "PRAGMA query_only = 1", False: "PRAGMA query_only = 0"}
_READ_ONLY_POSTGRESQL = {
    True: "SET default_transaction_read_only = on",
    False: "SET default_transaction_read_only = off",
}


def _refuse_writes(refuse: bool) -> None:
    statements = _READ_ONLY if isinstance(database.obj, SqliteDatabase) else _READ_ONLY_POSTGRESQL
    database.execute_sql(statements[refuse])


def is_refused_write(error: BaseException) -> bool:
    """Return whether an error is that of a write in `read_only`."""
    text = str(error)
    return isinstance(error, DatabaseError) and (
        "readonly database" in text or "read-only transaction" in text
    )


def reads_at_once() -> bool:
    """Return whether a short read waits for nobody: in SQLite's WAL mode no writer blocks it."""
    return isinstance(database.obj, SqliteDatabase)


def open_apart() -> psycopg.Connection:
    """Open a connection to PostgreSQL for its caller alone. Raises `OperationalError`."""
    assert isinstance(database.obj, KeptPostgresql)
    return database.obj.open_apart()


def close_idle_connections() -> None:
    """Close the connections kept for later, which do not survive a restart of the server."""
    assert isinstance(database.obj, PooledDatabase)
    database.obj.close_idle()


def migrate() -> list[str]:
    """Bring the schema up to date. Return the names of the migrations applied, in order."""
    return list(Runner(database.obj, str(MIGRATIONS)).up())


def pending_migrations() -> list[str]:
    """Return the names of the migrations not applied yet."""
    rows = Runner(database.obj, str(MIGRATIONS)).status()
    return [row.name for row in rows if row.applied is None]


def unknown_migrations() -> list[str]:
    """Return the names of the migrations applied by a newer version of the shop."""
    rows = Runner(database.obj, str(MIGRATIONS)).status()
    return [row.name for row in rows if row.path is None]


def newest_migration() -> str:
    """Return the name of the newest migration that this version knows."""
    return max(path.stem for path in MIGRATIONS.glob("[0-9]*.py"))


def is_migrated() -> bool:
    """Return whether the database has a history of migrations."""
    return bool(Runner(database.obj, str(MIGRATIONS)).applied())
