"""Backups: the whole database in one file, made and put back while the shop serves.

Each database does it its own way: SQLite by its backup interface, PostgreSQL by ``pg_dump``,
``pg_restore`` and ``psql``. A file never holds the keys of the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import SqliteDatabase

from records.base import database
from shop import database as shop_database
from shop.operations import database_state, postgresql_tools, sqlite_files
from shop.operations.database_state import DatabaseUnusable
from shop.settings import current

KEYS = {
    "SECRET_KEY": "customers sign in again, and evidence of orders cannot be checked",
    "MAIL_ENCRYPTION_KEYS": "passwords in e-mails and second factors cannot be read any more",
}
"""The keys that a restored shop needs, and what is lost without them."""


class BackupFailed(Exception):
    """A backup could not be made or put back; the message says why and what to do."""


def save_backup(file: Path) -> None:
    """Write a consistent copy of the database to ``file``, which must not exist yet.

    Only its owner may read it: it holds customers' data. Raises `BackupFailed`, and leaves no
    file, where the copy is not complete.
    """
    if file.exists():
        raise BackupFailed(f"{file} exists already. Choose another name.")
    database_state.check_usable()
    unfinished = file.with_name(f"{file.name}.unfinished")
    with _failures_of_files(file):
        os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        try:
            _save(unfinished)
            _flush(unfinished)
            unfinished.rename(file)
            _flush(file.parent)
        finally:
            unfinished.unlink(missing_ok=True)


def restore(file: Path) -> None:
    """Replace everything in the database by what ``file`` holds, all at once or not at all.

    Raises `BackupFailed`, with the database as it was.
    """
    with _failures_of_files(file), file.open("rb") as content:
        beginning = content.read(16)
    is_sqlite = beginning.startswith(sqlite_files.BEGINNING)
    if not is_sqlite and not beginning.startswith(postgresql_tools.BEGINNING):
        raise BackupFailed(f"{file} is no backup of the shop. Nothing was changed.")
    if is_sqlite != _is_sqlite():
        kinds = ("SQLite", "PostgreSQL") if is_sqlite else ("PostgreSQL", "SQLite")
        raise BackupFailed(
            "{} is a backup of {}, and DATABASE_URL names {}. Nothing was changed.".format(
                file, *kinds
            )
        )
    with _failures_of_files(file):
        _restore(file)
    shop_database.close_idle_connections()


def _is_sqlite() -> bool:
    return isinstance(database.obj, SqliteDatabase)


def _save(file: Path) -> None:
    if _is_sqlite():
        sqlite_files.save_database(Path(database.obj.database), file)
    else:
        postgresql_tools.save_database(current().database_url, file)


def _restore(file: Path) -> None:
    if not database.is_closed():
        # An open connection of this process would wait for itself.
        database.close()
    if _is_sqlite():
        sqlite_files.restore(file, Path(database.obj.database))
    else:
        postgresql_tools.restore(file, current().database_url)


@contextmanager
def _failures_of_files(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite_files.CopyFailed, postgresql_tools.ToolFailed) as error:
        raise BackupFailed(f"{file}: {error}") from error
    except OSError as error:
        raise BackupFailed(f"{file}: {error.strerror}.") from error


def _flush(path: Path) -> None:
    """Make sure that a file, or a folder's list of files, survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_empty() -> bool:
    """Return whether a restore would replace nothing: no tables, or nothing that can be read."""
    try:
        with database_state.explained(), shop_database.connection():
            return not database.get_tables()
    except DatabaseUnusable:
        return True
