"""Finds writes in a loop over rows that are still being read.

On SQLite such a loop holds the state of the database that it reads. Once anybody else has written,
its next write is refused at once, without waiting: "database is locked". No test shows that unless
somebody else writes in that moment; here the loop itself is an error.

Loops over a query and its `tuples` are seen. Those over its `iterator`, of reports alone, are not.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import Any
from weakref import WeakSet

from peewee import Database, ResultIterator, SqliteDatabase

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.loops: WeakSet[ResultIterator] = WeakSet()


_reading = _OfThread()


def watch() -> None:
    """Have each write fail that is made outside a transaction in such a loop."""
    advance, execute, begin = ResultIterator.next, Database.execute_sql, SqliteDatabase.begin

    def advance_watched(loop: ResultIterator) -> Any:
        if not loop.cursor_wrapper.populated:
            _reading.loops.add(loop)
        try:
            return advance(loop)
        except StopIteration:
            _reading.loops.discard(loop)
            raise

    def execute_watched(opened: Database, sql: str, *given: Any, **named: Any) -> Any:
        if sql[:7].upper().startswith(WRITES):
            _check(opened, sql)
        return execute(opened, sql, *given, **named)

    def begin_watched(opened: SqliteDatabase, *given: Any) -> None:
        _check(opened, "BEGIN")
        begin(opened, *given)

    patched: Any = ResultIterator
    patched.next = patched.__next__ = advance_watched
    patched = Database
    patched.execute_sql = execute_watched
    patched = SqliteDatabase
    patched.begin = begin_watched


def forget() -> None:
    """Forget the loops that a test left before their end."""
    _reading.loops.clear()


def _check(opened: Database, sql: str) -> None:
    unread = [loop for loop in _reading.loops if not loop.cursor_wrapper.populated]
    connection = opened.connection() if unread else None
    if not isinstance(connection, sqlite3.Connection) or connection.in_transaction:
        return
    assert not unread, f"read all rows of a loop before it writes: {sql[:80]}"
