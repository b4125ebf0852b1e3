"""Whether this version of the shop can use its database, and what to do where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import structlog
from peewee import PeeweeException, SqliteDatabase

from records.base import Table, database
from shop import database as shop_database
from shop import settings
from shop.database import DATABASE_UNAVAILABLE

log = structlog.get_logger()

MIGRATE = "Run: flask --app app migrate"
RESTORE = "Restore a backup: flask --app app restore FILE"

NO_DATABASE = ("not a database", "malformed", "file is encrypted")
"""How SQLite describes a damaged file."""

NO_ACCESS = ("unable to open", "readonly database", "read-only", "permission denied")
NO_SPACE = ("disk is full", "no space left")
LOCKED = ("database is locked",)


class DatabaseUnusable(Exception):
    """The shop cannot use its database; the message says why and what to do."""


def check_usable() -> None:
    """Raise `DatabaseUnusable` unless the database is the shop's and up to date.

    A database that a newer version has migrated is usable: while a release is rolled out, the
    previous one goes on beside it.
    """
    with explained():
        with shop_database.connection():
            _check_schema()
            unknown = shop_database.unknown_migrations()
        if unknown:
            log.warning("database_ahead", migrations=unknown)


def check_migratable() -> None:
    """Raise `DatabaseUnusable` if this version must not migrate the database."""
    with explained(), shop_database.connection():
        if unknown := shop_database.unknown_migrations():
            raise DatabaseUnusable(
                f"{where()} was migrated by a newer version of the shop ({', '.join(unknown)}). "
                "Nothing was changed. Run that version, or restore a backup made before it."
            )
        _check_ours()


def _check_schema() -> None:
    _check_ours()
    pending = shop_database.pending_migrations()
    if not shop_database.is_migrated():
        raise DatabaseUnusable(f"{where()} is empty. {MIGRATE}")
    if pending:
        raise DatabaseUnusable(
            f"{where()} is behind this version of the shop: it lacks {', '.join(pending)}. "
            f"{MIGRATE}"
        )
    if missing := sorted(_names() - set(database.get_tables())):
        raise DatabaseUnusable(
            f"{where()} is damaged: it lacks the tables {', '.join(missing)}. {RESTORE}"
        )


def _check_ours() -> None:
    if shop_database.is_migrated():
        return
    if others := set(database.get_tables()) - {shop_database.HISTORY}:
        raise DatabaseUnusable(
            f"{where()} holds tables that are not the shop's ({', '.join(sorted(others)[:3])}). "
            "Nothing was changed. Set DATABASE_URL to an empty database or to the shop's."
        )


def _names() -> set[str]:
    """Return the names of all tables that a module of this process defines."""
    return {
        table._meta.table_name
        for table in _tables_below(Table)
        if table.__module__.startswith("records.")
    }


def _tables_below(base: type[Table]) -> Iterator[type[Table]]:
    """Yield the tables of a class; one with subclasses says what these have in common."""
    for each in base.__subclasses__():
        if each.__subclasses__():
            yield from _tables_below(each)
        else:
            yield each


@contextmanager
def explained() -> Iterator[None]:
    """Raise `DatabaseUnusable` instead of a database's own error, where its cause is known."""
    try:
        yield
    except (PeeweeException, OSError) as error:
        if not (sentence := explain(error)):
            raise
        raise DatabaseUnusable(sentence) from error


def explain(error: BaseException) -> str:
    """Return what is wrong with the database and what to do; "" if ``error`` has another cause."""
    said = str(error).strip().partition("\n")[0]
    words = said.lower()
    if any(each in words for each in NO_DATABASE):
        return f"{where()} is damaged, or no database at all: {said}. {RESTORE}"
    if any(each in words for each in NO_SPACE):
        return f"The disk of {where()} is full: {said}. Free some space, then try again."
    if any(each in words for each in LOCKED):
        return f"{where()} is locked by another process for too long. Try again."
    if isinstance(error, OSError) or (_is_file() and any(each in words for each in NO_ACCESS)):
        return (
            f"{where()} cannot be opened or written: {said}. Give the user who runs the shop write "
            "access to that file and its folder, or set DATABASE_URL to another place."
        )
    if isinstance(error, DATABASE_UNAVAILABLE) and not _is_file():
        return f"{where()} cannot be reached: {said}. Check DATABASE_URL and the database server."
    return ""


def where() -> str:
    """Return which database this is, without its password."""
    url = settings.current().database_url
    if url.startswith("sqlite:"):
        return f"The database {url.removeprefix('sqlite:///')}"
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or "this machine"
    return f"The database {parts.path.lstrip('/')} at {place}"


def _is_file() -> bool:
    return isinstance(database.obj, SqliteDatabase)
