"""Connections to the database are kept from one request to the next, and never show old data."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from models import Offer, database
from records.base import database as proxy
from shop import database as shop_database
from shop.database import KeptConnection, KeptPostgresql
from shop.settings import Settings
from tests.support.client import CheckingClient

COUNT = "SELECT COUNT(*) FROM t"


@pytest.fixture
def file(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """A file with a table of three rows, which is the shop's database for this test."""
    path = tmp_path / "kept.db"
    _make(path, 3)
    database.close()
    former = proxy.obj
    proxy.initialize(shop_database.open_database(f"sqlite:///{path}"))
    yield path
    database.close()
    proxy.initialize(former)


def _make(path: Path, rows: int) -> None:
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE t (a INTEGER)")
        made.executemany("INSERT INTO t VALUES (?)", [(row,) for row in range(rows)])


def counted() -> int:
    """Return the rows that the next user of a connection sees."""
    with shop_database.connection():
        return int(database.execute_sql(COUNT).fetchone()[0])


@pytest.mark.every_case
def test_the_requests_of_a_thread_use_one_connection(
    client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.close()
    client.get("/fr/")
    given: list[int] = []
    inner = database.obj._initialize_connection

    def note(connection: object) -> None:
        given.append(id(connection))
        inner(connection)

    monkeypatch.setattr(database.obj, "_initialize_connection", note)
    for address in ("/login", "/fr/order/account", "/fr/order/summary?business=1&pro_plus=0"):
        assert client.get(address).status_code == 200
        assert database.is_closed()
    assert len(given) == 3
    assert len(set(given)) == 1


@pytest.mark.one_database
def test_rows_half_read_do_not_show_old_data_to_the_next_user(file: Path) -> None:
    database.connect()
    half_read = database.execute_sql("SELECT a FROM t")
    half_read.fetchone()
    database.close()
    _insert(file)
    assert counted() == 4


@pytest.mark.one_database
def test_control_without_the_release_the_next_user_sees_old_data(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeptConnection, "release", lambda self: None)
    database.connect()
    half_read = database.execute_sql("SELECT a FROM t")
    half_read.fetchone()
    database.close()
    _insert(file)
    assert counted() == 3


def _insert(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO t VALUES (9)")


@pytest.mark.one_database
def test_a_transaction_left_open_is_rolled_back(file: Path) -> None:
    database.connect()
    database.execute_sql("BEGIN IMMEDIATE")
    database.execute_sql("DELETE FROM t")
    database.close()
    assert counted() == 3
    _insert(file)


@pytest.mark.one_database
def test_a_file_that_was_replaced_is_opened_anew(file: Path) -> None:
    assert counted() == 3
    other = file.with_name("other.db")
    _make(other, 5)
    for log in ("-wal", "-shm"):
        file.with_name(file.name + log).unlink(missing_ok=True)
    os.replace(other, file)
    assert counted() == 5


@pytest.mark.one_database
def test_a_process_that_forked_opens_its_own_connection(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop_database.connection():
        parents = database.connection()
    with shop_database.connection():
        assert database.connection() is parents
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with shop_database.connection():
        assert database.connection() is not parents


def test_control_a_loop_that_writes_before_it_has_read_all_is_found(app: Flask) -> None:
    if isinstance(database.obj, KeptPostgresql):
        pytest.skip("PostgreSQL's driver reads all rows at once")

    def move_all(offers: Iterable[Offer], together: Any = nullcontext) -> None:
        for offer in offers:
            with together():
                Offer.update(position=Offer.position).where(Offer.code == offer.code).execute()

    with pytest.raises(AssertionError, match="read all rows"):
        move_all(Offer.select())
    with pytest.raises(AssertionError, match="read all rows"):
        move_all(Offer.select(), together=database.atomic)
    move_all(list(Offer.select()))
    with database.atomic():
        move_all(Offer.select())


# --- PostgreSQL ------------------------------------------------------------------------------


def _server_process() -> int:
    """Return the server's process of the connection that the next user gets."""
    with shop_database.connection():
        return int(database.execute_sql("SELECT pg_backend_pid()").fetchone()[0])


@pytest.fixture
def questions(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The connections of which PostgreSQL was asked whether they work."""
    if not isinstance(database.obj, KeptPostgresql):
        pytest.skip("SQLite has no server that ends connections")
    database.close()
    asked: list[object] = []
    inner = database.obj._adapter.is_connection_closed

    def ask(connection: object) -> bool:
        asked.append(connection)
        return bool(inner(connection))

    monkeypatch.setattr(database.obj._adapter, "is_connection_closed", ask)
    return asked


def test_a_connection_that_works_is_used_without_a_question(questions: list[object]) -> None:
    assert _server_process() == _server_process()
    assert not questions


def test_a_connection_that_its_server_ended_is_replaced(
    questions: list[object], settings: Settings
) -> None:
    ended = _server_process()
    with psycopg.connect(settings.database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [ended])
    assert _server_process() != ended
    assert questions


def test_no_processes_share_a_query(questions: list[object]) -> None:
    asked = "SHOW max_parallel_workers_per_gather"
    assert database.execute_sql(asked).fetchone() == ("0",)
    with closing(shop_database.open_apart()) as apart:
        assert apart.execute(asked).fetchone() == ("0",)
