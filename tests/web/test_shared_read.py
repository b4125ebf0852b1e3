"""One read of PostgreSQL for all who ask at the same time, and never one begun before they did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager

import peewee
import psycopg
import pytest
import uvloop
from flask import Flask

from models import database
from shop import database as shop_database
from shop.database import KeptPostgresql
from web import shared_read
from web.shared_read import Row, SharedRead

pytestmark = pytest.mark.every_case

STATEMENT = "SELECT nextval('reads'), value, $1::text FROM shared WHERE id = 1"


@pytest.fixture
def server(app: Flask) -> Iterator[psycopg.Connection]:
    """Another user of the server, with a table of one row, and a sequence that counts reads."""
    if not isinstance(database.obj, KeptPostgresql):
        pytest.skip("SQLite is read without waiting")
    with closing(shop_database.open_apart()) as other:
        other.execute("CREATE TABLE shared (id INTEGER PRIMARY KEY, value TEXT)")
        other.execute("INSERT INTO shared VALUES (1, NULL)")
        other.execute("CREATE SEQUENCE reads")
        yield other
        other.execute("DROP TABLE IF EXISTS shared, absent")
        other.execute("DROP SEQUENCE reads")


@contextmanager
def held() -> Iterator[psycopg.Connection]:
    """Have reads wait until the block ends; provide the connection that may write."""
    with closing(shop_database.open_apart()) as holder, holder.transaction():
        holder.execute("LOCK TABLE shared")
        yield holder


def a_read(make: Callable[[Row], Row] = lambda row: row) -> SharedRead[Row]:
    return SharedRead(shop_database.open_apart, STATEMENT, ("é",), make)


def during(read: SharedRead[Row], action: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run ``action`` in an event loop like the web server's, and close the connection."""
    try:
        in_new_loop(action)
    finally:
        read.close()


def in_new_loop(action: Callable[[], Coroutine[None, None, None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(action())


READERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT nextval(%'"
)
A_READ_WAITS = f"SELECT 1 {READERS} AND wait_event_type = 'Lock'"


async def begun(server: psycopg.Connection) -> None:
    """Return once the server has begun a read, which waits."""
    async with asyncio.timeout(30):
        while not server.execute(A_READ_WAITS).fetchone():
            await asyncio.sleep(0.01)


def end_others(server: psycopg.Connection) -> None:
    """Have the server end the connections with which it was read."""
    ended = server.execute(f"SELECT pg_terminate_backend(pid) {READERS}").fetchall()
    assert ended == [(True,)]


def test_a_row_comes_as_text_and_with_what_is_missing(server: psycopg.Connection) -> None:
    read = a_read()

    async def ask() -> None:
        assert await read.value() == ("1", None, "é")
        server.execute("UPDATE shared SET value = 'new'")
        assert await read.value() == ("2", "new", "é")

    during(read, ask)


def test_who_asks_during_a_read_shares_the_next_one(server: psycopg.Connection) -> None:
    read = a_read()

    async def ask() -> None:
        await read.value()
        with held() as holder:
            first = asyncio.create_task(read.value())
            await begun(server)
            others = [asyncio.create_task(read.value()) for _ in range(20)]
            gone = asyncio.create_task(read.value())
            await asyncio.sleep(0)
            gone.cancel()
            holder.execute("UPDATE shared SET value = 'new'")
        found = [await task for task in [first, *others]]
        assert found[0][0] == "2"
        assert {row[0] for row in found[1:]} == {"3"}
        assert {row[1] for row in found[1:]} == {"new"}
        assert gone.cancelled()

    during(read, ask)


def test_a_client_that_goes_away_ends_no_read(server: psycopg.Connection) -> None:
    read = a_read()

    async def ask() -> None:
        with held():
            gone, stays = (asyncio.create_task(read.value()) for _ in range(2))
            await begun(server)
            gone.cancel()
        assert (await stays)[0] == "1"

    during(read, ask)


def test_a_connection_that_the_server_ended_is_replaced(server: psycopg.Connection) -> None:
    read = a_read()

    async def ask() -> None:
        await read.value()
        end_others(server)
        assert (await read.value())[0] == "2"
        end_others(server)
        await asyncio.sleep(0.2)  # Long enough to be told so.
        assert (await read.value())[0] == "3"

    during(read, ask)


def test_a_read_whose_connection_ends_is_made_again(server: psycopg.Connection) -> None:
    read = a_read()

    async def ask() -> None:
        await read.value()
        with held():
            asked = [asyncio.create_task(read.value()) for _ in range(3)]
            await begun(server)
            end_others(server)
        assert {row[2] for row in await asyncio.gather(*asked)} == {"é"}

    during(read, ask)


def test_without_a_server_a_read_fails_until_there_is_one(server: psycopg.Connection) -> None:
    fail = True

    def connect() -> psycopg.Connection:
        if fail:
            raise peewee.OperationalError("nobody listens")
        return shop_database.open_apart()

    read = SharedRead(connect, STATEMENT, ("é",), lambda row: row)

    async def ask() -> None:
        nonlocal fail
        both = await asyncio.gather(read.value(), read.value(), return_exceptions=True)
        assert [str(each) for each in both] == ["nobody listens"] * 2
        assert all(isinstance(each, peewee.OperationalError) for each in both)
        fail = False
        assert (await read.value())[0] == "1"

    during(read, ask)


def test_a_server_that_cannot_be_reached_fails_its_reads(server: psycopg.Connection) -> None:
    """A real one: what the driver raises has to arrive as what is promised."""
    nowhere = shop_database.open_database("postgresql://nobody@127.0.0.1:1/nothing")
    assert isinstance(nowhere, KeptPostgresql)
    read = SharedRead(nowhere.open_apart, STATEMENT, ("é",), lambda row: row)

    async def ask() -> None:
        async with asyncio.timeout(30):
            for _ in range(2):
                with pytest.raises(peewee.OperationalError):
                    await read.value()

    during(read, ask)


@pytest.mark.parametrize("fault", [OSError("too many open files"), RuntimeError("odd")])
def test_whatever_keeps_a_connection_from_opening_fails_its_reads_alone(
    server: psycopg.Connection, fault: Exception
) -> None:
    faults = [fault]

    def connect() -> psycopg.Connection:
        if faults:
            raise faults.pop()
        return shop_database.open_apart()

    read = SharedRead(connect, STATEMENT, ("é",), lambda row: row)

    async def ask() -> None:
        async with asyncio.timeout(30):
            with pytest.raises(peewee.OperationalError, match=str(fault)):
                await read.value()
            assert (await read.value())[0] == "1"

    during(read, ask)


def test_a_server_that_does_not_answer_fails_a_read_in_time(
    server: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_read, "ANSWER_SECONDS", 0.2)
    read = a_read()

    async def ask() -> None:
        for _ in range(2):
            # At first it does not come as far as reading.
            with held(), pytest.raises(peewee.OperationalError, match="no answer"):
                await read.value()
            await read.value()
        assert (await read.value())[2] == "é"

    during(read, ask)


def test_what_was_given_up_takes_no_connection_of_the_server(
    server: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_read, "ANSWER_SECONDS", 0.2)
    read = a_read()

    async def ask() -> None:
        with held():
            for _ in range(2):
                with pytest.raises(peewee.OperationalError, match="no answer"):
                    await read.value()
            async with asyncio.timeout(30):
                while server.execute(A_READ_WAITS).fetchone():
                    await asyncio.sleep(0.01)

    during(read, ask)


def test_a_statement_that_fails_fails_its_read_alone(server: psycopg.Connection) -> None:
    read = a_read()

    async def ask() -> None:
        server.execute("ALTER TABLE shared RENAME TO absent")
        with pytest.raises(peewee.OperationalError, match='"shared" does not exist'):
            await read.value()
        server.execute("ALTER TABLE absent RENAME TO shared")
        assert (await read.value())[2] == "é"
        server.execute("ALTER TABLE shared RENAME TO absent")
        with pytest.raises(peewee.OperationalError, match='"shared" does not exist'):
            await read.value()

    during(read, ask)


def test_a_row_of_which_nothing_can_be_made_fails_its_read_alone(
    server: psycopg.Connection,
) -> None:
    def make(row: Row) -> Row:
        if row[0] == "1":
            raise ValueError("odd")
        return row

    read = a_read(make)

    async def ask() -> None:
        both = await asyncio.gather(read.value(), read.value(), return_exceptions=True)
        assert [str(each) for each in both] == ["odd"] * 2
        assert (await read.value())[0] == "2"

    during(read, ask)


def test_another_event_loop_gets_another_connection(server: psycopg.Connection) -> None:
    read = a_read()

    async def ask() -> None:
        assert (await read.value())[2] == "é"

    in_new_loop(ask)
    during(read, ask)
