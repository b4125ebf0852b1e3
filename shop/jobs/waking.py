"""Sees that jobs may wait, so that workers need not ask the queue again and again.

On PostgreSQL by its notifications; on SQLite by the counter of commits that each connection reads
from memory which all processes share.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Protocol

from peewee import PostgresqlDatabase

from records.base import database
from shop.jobs.queue import CHANNEL

POLL_SECONDS = 0.05
"""Between two looks at SQLite's counter, which take some microseconds."""

LONGEST_WAIT = 0.5
"""For a notification of PostgreSQL, after which a signal to stop is seen."""


class Watch(Protocol):
    """Waits for changes, on the connection of the thread that made it."""

    def wait(self, seconds: float, stopping: threading.Event) -> bool:
        """Wait for a change, at most for ``seconds``; return whether there may be one."""


def watch() -> Watch:
    """Return the watch of this thread's connection."""
    if isinstance(database.obj, PostgresqlDatabase):
        return Notifications()
    return Commits()


class Commits:
    """Sees the commits of other connections to a SQLite file."""

    def __init__(self) -> None:
        self._seen = self._version()

    @staticmethod
    def _version() -> int:
        return int(database.execute_sql("PRAGMA data_version").fetchone()[0])

    def wait(self, seconds: float, stopping: threading.Event) -> bool:
        """Wait for a commit."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not stopping.wait(min(left, POLL_SECONDS)):
            if (now := self._version()) != self._seen:
                self._seen = now
                return True
        return False


class Notifications:
    """Sees what other transactions tell, on PostgreSQL."""

    def __init__(self) -> None:
        self._connection: Any = database.connection()
        database.execute_sql(f"LISTEN {CHANNEL}")

    def wait(self, seconds: float, stopping: threading.Event) -> bool:
        """Wait for a notification."""
        told = self._connection.notifies(timeout=max(0.0, min(seconds, LONGEST_WAIT)), stop_after=1)
        return bool(list(told))
