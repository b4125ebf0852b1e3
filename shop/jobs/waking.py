"""Sees that jobs may wait, so that workers need not ask the queue again and again.

On PostgreSQL by its notifications; on SQLite by the counter of commits that each connection reads
from memory which all processes share.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from peewee import PostgresqlDatabase

from records.base import database
from shop.jobs.queue import LISTEN, UNLISTEN

POLL_SECONDS = 0.05
QUIET_POLL_SECONDS = 0.2
"""Between two looks at SQLite's counter; the longer one when nothing has changed for a while."""

QUIET_AFTER = 5.0
"""Seconds without a change from which on the looks are rarer."""

LONGEST_WAIT = 0.5
"""For a notification of PostgreSQL, after which a signal to stop is seen."""


class Stopping(Protocol):
    """Whether a worker has been asked to stop."""

    def wait(self, seconds: float, /) -> bool:
        """Wait for that, at most for ``seconds``; return whether it has been asked."""


class Watch(Protocol):
    """Waits for changes, on the connection of the thread that made it."""

    def wait(self, seconds: float, stopping: Stopping) -> bool:
        """Wait for a change, at most for ``seconds``; return whether there may be one."""

    def close(self) -> None:
        """Let the connection go: nobody reads what it is told any more."""


def watch() -> Watch:
    """Return the watch of this thread's connection."""
    if isinstance(database.obj, PostgresqlDatabase):
        return Notifications()
    return Commits()


class Commits:
    """Sees the commits of other connections to a SQLite file."""

    def __init__(self) -> None:
        self._connection: Any = database.connection()
        self._seen = self._version()
        self._changed = time.monotonic()

    def _version(self) -> int:
        # Not by Peewee: an idle worker does little else.
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def wait(self, seconds: float, stopping: Stopping) -> bool:
        """Wait for a commit."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            is_quiet = time.monotonic() - self._changed > QUIET_AFTER
            if stopping.wait(min(left, QUIET_POLL_SECONDS if is_quiet else POLL_SECONDS)):
                break
            if (now := self._version()) != self._seen:
                self._seen, self._changed = now, time.monotonic()
                return True
        return False

    def close(self) -> None:
        """Do nothing: the connection holds nothing for the watch."""


class Notifications:
    """Sees what other transactions tell, on PostgreSQL."""

    def __init__(self) -> None:
        self._connection: Any = database.connection()
        database.execute_sql(LISTEN)

    def wait(self, seconds: float, stopping: Stopping) -> bool:
        """Wait for a notification."""
        told = self._connection.notifies(timeout=max(0.0, min(seconds, LONGEST_WAIT)), stop_after=1)
        return bool(list(told))

    def close(self) -> None:
        """Stop listening.

        A connection that is told and not read blocks its process at the server once its buffer is
        full, and with it whatever waits for all processes (``DROP DATABASE``).
        """
        database.execute_sql(UNLISTEN)
