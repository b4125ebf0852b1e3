"""Copies of SQLite databases by SQLite's backup interface, which sees one moment of the database.

A file copied while the shop serves may hold half a transaction, and lacks what is in the log.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from shop import clock
from shop.database import make_private

BEGINNING = b"SQLite format 3\0"
PATIENCE = 60
"""Seconds to wait for the transactions of other processes."""


class CopyFailed(Exception):
    """A copy is not complete; the message says why."""


def save_database(path: Path, copy: Path) -> None:
    """Copy the database at ``path`` to ``copy``, one file without a log. Raises `CopyFailed`."""
    try:
        with closing(open_database(path)) as source, closing(sqlite3.connect(copy)) as target:
            # All pages in one step: readers of the log do not keep writers waiting.
            source.backup(target)
            target.execute("PRAGMA journal_mode = delete")
            check_pages(target)
    except sqlite3.Error as error:
        raise CopyFailed(f"{error}.") from error


def restore(copy: Path, path: Path) -> None:
    """Replace the database at ``path`` by ``copy``, in one transaction. Raises `CopyFailed`.

    A file that is no database any more is kept beside it under another name.
    """
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as source:
            check_pages(source)
            _set_aside_if_damaged(path)
            make_private(path)
            with closing(open_database(path)) as target:
                target.execute("PRAGMA journal_mode = wal")
                source.backup(target)
    except sqlite3.Error as error:
        raise CopyFailed(f"{error}. Nothing was changed.") from error


def check_pages(opened: sqlite3.Connection) -> None:
    """Raise `CopyFailed` if pages of a database contradict each other."""
    try:
        (said,) = opened.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise CopyFailed(f"the database is damaged: {said}")


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database at ``path``, with patience for the transactions of other processes."""
    return sqlite3.connect(path, timeout=PATIENCE)


def _set_aside_if_damaged(path: Path) -> None:
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with closing(open_database(path)) as found:
            check_pages(found)
    except CopyFailed:
        moment = clock.real_now().strftime("%Y%m%dT%H%M%S")
        path.rename(path.with_name(f"{path.name}.damaged-{moment}"))
        for log in ("-wal", "-shm"):
            path.with_name(path.name + log).unlink(missing_ok=True)
