"""A short read of PostgreSQL for all tasks of an event loop that ask at the same time.

No thread takes part: handing a read to one and its row back took four times as long as this.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import psycopg
from peewee import OperationalError
from psycopg import pq

T = TypeVar("T")

Row = tuple[str | None, ...]

ANSWER_SECONDS = 5.0
"""The time the server has for an answer, after which its connection counts as lost."""

NAME = b"shared_read"
"""Of the prepared statement."""


class SharedRead(Generic[T]):
    """Reads one row whenever a task asks; the reads never overlap.

    Each task gets what ``make`` makes of a row whose read began after it asked. Tasks that ask
    during a read share the next one. The statement has its parameters as ``$1``, ``$2``, …;
    ``connect`` opens a connection, which is kept.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        statement: str,
        values: Sequence[str],
        make: Callable[[Row], T],
    ) -> None:
        self._connect = connect
        self._statement = statement.encode()
        self._values = [value.encode() for value in values]
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: psycopg.Connection | None = None
        self._socket = -1
        self._is_prepared = self._has_answered = False
        self._result: pq.abc.PGresult | None = None
        self._opening: asyncio.Task[None] | None = None
        self._late: asyncio.TimerHandle | None = None
        self._is_reading = False
        self._asking: list[asyncio.Future[T]] = []
        self._waiting: list[asyncio.Future[T]] = []

    async def value(self) -> T:
        """Return what a row read from now on makes.

        Raises `peewee.OperationalError` if the database does not answer, and what ``make`` raises.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin_in(loop)
        own: asyncio.Future[T] = loop.create_future()
        self._waiting.append(own)
        if not self._is_reading:
            self._is_reading = True
            # Not at once: those who ask in this round of the loop share the read.
            loop.call_soon(self._begin)
        return await own

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        if (left := self._leave()) is not None:
            left.close()

    def _leave(self) -> psycopg.Connection | None:
        """Use the connection no longer; return it, which is to be closed."""
        left, self._connection, self._result = self._connection, None, None
        if left is not None:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(self._socket)
            os.close(self._socket)
        return left

    def _begin_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Leave the event loop before, if there was one, and who asked in it."""
        self.close()
        self._loop, self._late, self._is_reading = loop, None, False
        self._asking, self._waiting = [], []

    def _begin(self) -> None:
        if self._connection is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
        else:
            self._send()

    def _send(self) -> None:
        """Read for all tasks that wait; the connection is open."""
        assert self._connection is not None
        self._take_waiting()
        server = self._connection.pgconn
        try:
            if self._is_prepared:
                server.send_query_prepared(NAME, self._values)
            else:
                server.send_prepare(NAME, self._statement)
        except psycopg.Error as error:
            self._lose(error)
        else:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(ANSWER_SECONDS, self._give_up)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            opened = await loop.run_in_executor(None, self._connect)
            # The connection closes its own when it breaks, and the number may be another's at once.
            self._socket = os.dup(opened.pgconn.socket)
        except Exception as error:
            # Whatever it was: nobody else tells those who wait.
            self._take_waiting()
            self._fail(error)
            return
        self._connection, self._is_prepared, self._has_answered = opened, False, False
        loop.add_reader(self._socket, self._receive)
        self._send()

    def _receive(self) -> None:
        """Take what the server sent: an answer, a part of one, or that it goes away."""
        assert self._connection is not None
        server = self._connection.pgconn
        try:
            server.consume_input()
            while not server.is_busy():
                result = server.get_result()
                if result is None:
                    self._take_result()
                    return
                self._result = result
        except psycopg.Error as error:
            self._lose(error)

    def _take_result(self) -> None:
        """Use what the server answered, now that it is ready for the next statement."""
        result, self._result = self._result, None
        if result is None:
            return
        self._stop_clock()
        if result.status == pq.ExecStatus.TUPLES_OK:
            self._has_answered = True
            self._answer(_row_of(result))
        elif result.status == pq.ExecStatus.COMMAND_OK:
            self._is_prepared = True
            self._send()
        else:
            self._lose(OperationalError(result.get_error_message()))

    def _answer(self, row: Row) -> None:
        asked = self._end_read()
        try:
            made = self._make(row)
        except Exception as error:
            _refuse(asked, error)
            return
        for each in asked:
            # A task whose client went away waits no longer.
            if not each.done():
                each.set_result(made)

    def _lose(self, error: Exception) -> None:
        """Close a connection that broke; ask on another if it had worked before."""
        self.close()
        self._stop_clock()
        if self._asking and self._has_answered:
            self._begin()
        elif self._asking:
            self._fail(error)

    def _give_up(self) -> None:
        if (left := self._leave()) is not None:
            asyncio.get_running_loop().run_in_executor(None, _end, left)
        self._fail(OperationalError(f"no answer within {ANSWER_SECONDS} seconds"))

    def _fail(self, error: Exception) -> None:
        _refuse(self._end_read(), OperationalError(str(error)))

    def _take_waiting(self) -> None:
        self._asking += self._waiting
        self._waiting = []

    def _end_read(self) -> list[asyncio.Future[T]]:
        """Return who asked, and begin the next read if somebody waits for it."""
        self._stop_clock()
        asked, self._asking = self._asking, []
        self._is_reading = bool(self._waiting)
        if self._is_reading:
            asyncio.get_running_loop().call_soon(self._begin)
        return asked

    def _stop_clock(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _end(left: psycopg.Connection) -> None:
    """Close a connection, and have the server end what it was asked.

    While a lock keeps it waiting, it does not see that its client is gone: at each new read another
    of its connections would be taken.
    """
    with suppress(psycopg.Error):
        left.cancel_safe(timeout=ANSWER_SECONDS)
    left.close()


def _row_of(result: pq.abc.PGresult) -> Row:
    found = (result.get_value(0, column) for column in range(result.nfields))
    return tuple(None if value is None else bytes(value).decode() for value in found)


def _refuse(asked: list[asyncio.Future[T]], error: Exception) -> None:
    for each in asked:
        if not each.done():
            each.set_exception(error)
