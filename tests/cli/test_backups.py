"""Backups made and put back while the shop serves, on either database."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from peewee import PeeweeException, SqliteDatabase

import models
from models import Account, Event, Invoice, LedgerEntry, Letter, Order, Seat
from shop import clock, database
from shop.operations import backups, sqlite_files
from tests.support import cast, postgresql
from tests.support.belongings import Belongings

MakeApp = Callable[..., Flask]

TABLES = (Account, Order, Invoice, LedgerEntry, Letter, Seat)


@pytest.fixture(autouse=True)
def _tools(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have PostgreSQL's programs found."""
    if isinstance(models.database.obj, SqliteDatabase):
        return
    folder = postgresql.tools()
    if folder is None:
        pytest.skip("no pg_dump of the server's version: install postgresql-client")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def run(app: Flask, *command: str, status: int = 0, answer: str = "") -> str:
    result = app.test_cli_runner().invoke(args=command, input=answer)
    assert result.exit_code == status, result.output
    return result.output


def counts() -> list[int]:
    return [table.select().count() for table in TABLES]


# --- There and back ------------------------------------------------------------------------------


def test_a_backup_restored_elsewhere_is_the_same_shop(
    make_app: MakeApp,
    app: Flask,
    alices: Belongings,
    new_database: Callable[[str], str],
    tmp_path: Path,
) -> None:
    file = str(tmp_path / "shop.backup")
    told = run(app, "backup", file)
    assert "MB in" in told
    for key in ("SECRET_KEY", "MAIL_ENCRYPTION_KEYS"):
        assert key in told
    before = counts()
    assert all(before)
    elsewhere = make_app(DATABASE_URL=new_database("restored"))
    told = run(elsewhere, "restore", file)
    assert "everything balances, and every key is there." in told
    assert f"It holds {Order.select().count()} orders, the newest of" in told
    assert counts() == before
    assert database.pending_migrations() == []
    assert elsewhere.test_client().get("/fr/order").status_code == 200


def test_a_restore_replaces_what_came_after_the_backup(
    app: Flask, alice: Account, tmp_path: Path
) -> None:
    file = str(tmp_path / "shop.backup")
    run(app, "backup", file)
    bob = cast.register(cast.BOB)
    run(app, "restore", "--yes", file)
    assert {account.id for account in Account.select()} == {alice.id}
    # What is added next gets numbers of its own, and every rule still holds.
    charlie = cast.register(cast.CHARLIE)
    assert charlie.id >= bob.id
    assert app.test_client().get("/fr/order").status_code == 200


def test_a_restore_of_an_older_schema_leaves_nothing_of_the_newer(
    app: Flask, tmp_path: Path
) -> None:
    file = str(tmp_path / "shop.backup")
    run(app, "backup", file)
    models.database.execute_sql("CREATE TABLE newer (id INTEGER, account_id INTEGER)")
    run(app, "restore", "--yes", file)
    assert "newer" not in models.database.get_tables()


def test_a_restore_asks_before_it_replaces_anything(
    app: Flask, alice: Account, tmp_path: Path
) -> None:
    file = str(tmp_path / "shop.backup")
    run(app, "backup", file)
    cast.register(cast.BOB)
    told = run(app, "restore", file, answer="n\n", status=1)
    assert "will be replaced" in told
    assert Account.select().count() == 2


# --- While the shop serves -----------------------------------------------------------------------


@contextmanager
def pairs_being_written() -> Iterator[Callable[[], int]]:
    """Write two events in each transaction, from another thread, until the block ends."""
    stopping, written = threading.Event(), [0]

    def write() -> None:
        while not stopping.is_set():
            try:
                with database.connection(), models.database.atomic():
                    for half in "ab":
                        Event.insert(
                            subject="pair",
                            subject_id=written[0],
                            name=half,
                            by="test",
                            at=clock.now(),
                        ).execute()
                written[0] += 1
            except PeeweeException:  # the tables are being replaced: begin again
                models.database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield lambda: written[0]
    finally:
        stopping.set()
        writer.join()


def halves(name: str) -> set[int]:
    rows = Event.select(Event.subject_id).where(Event.subject == "pair", Event.name == name)
    return {row.subject_id for row in rows}


def wait_for(number: Callable[[], int], more: int = 20) -> None:
    goal = number() + more
    while number() < goal:
        threading.Event().wait(0.001)


def test_a_backup_under_load_holds_whole_transactions_and_writers_go_on(
    make_app: MakeApp,
    app: Flask,
    alices: Belongings,
    new_database: Callable[[str], str],
    tmp_path: Path,
) -> None:
    with pairs_being_written() as written:
        wait_for(written)
        before = written()
        backups.save_backup(tmp_path / "shop.backup")
        wait_for(written)
    make_app(DATABASE_URL=new_database("restored"))
    backups.restore(tmp_path / "shop.backup")
    assert halves("a") == halves("b")
    assert set(range(before)) <= halves("a")


def test_a_restore_under_load_is_whole_and_writers_go_on(
    app: Flask, alices: Belongings, tmp_path: Path
) -> None:
    backups.save_backup(tmp_path / "shop.backup")
    before = counts()
    with pairs_being_written() as written:
        wait_for(written)
        lost = written()
        backups.restore(tmp_path / "shop.backup")
        wait_for(written)
    assert counts() == before
    assert halves("a") == halves("b")
    assert not halves("a") & set(range(lost))
    assert halves("a")


# --- What goes wrong -----------------------------------------------------------------------------


def test_only_its_owner_reads_a_backup_and_nothing_is_overwritten(
    app: Flask, tmp_path: Path
) -> None:
    file = tmp_path / "shop.backup"
    run(app, "backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert "exists already" in run(app, "backup", str(file), status=1)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_backup_that_cannot_be_written_leaves_no_file(app: Flask, tmp_path: Path) -> None:
    told = run(app, "backup", str(tmp_path / "no" / "shop.backup"), status=1)
    assert "No such file or directory" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no backup at all", b"\0" * 5000])
def test_a_file_that_is_no_backup_changes_nothing(
    app: Flask, alice: Account, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "shop.backup"
    file.write_bytes(content)
    assert "is no backup of the shop" in run(app, "restore", "--yes", str(file), status=1)
    assert Account.select().count() == 1


def test_an_interrupted_backup_changes_nothing(
    app: Flask, alices: Belongings, tmp_path: Path
) -> None:
    file = tmp_path / "shop.backup"
    run(app, "backup", str(file))
    before = counts()
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    told = run(app, "restore", "--yes", str(file), status=1)
    assert "Error: " in told
    assert counts() == before


def test_a_backup_of_the_other_database_is_named(app: Flask, tmp_path: Path) -> None:
    other = tmp_path / "shop.backup"
    is_sqlite = isinstance(models.database.obj, SqliteDatabase)
    other.write_bytes(b"PGDMP..........." if is_sqlite else b"SQLite format 3\0")
    told = run(app, "restore", "--yes", str(other), status=1)
    assert "is a backup of" in told
    assert "Nothing was changed" in told


def test_lost_keys_are_said_after_a_restore(
    make_app: MakeApp, app: Flask, alices: Belongings, tmp_path: Path
) -> None:
    file = str(tmp_path / "shop.backup")
    run(app, "backup", file)
    lost = make_app(MAIL_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    told = run(lost, "restore", "--yes", file, status=1)
    assert "MAIL_ENCRYPTION_KEYS lacks the key of secrets in letter" in told


@pytest.mark.one_database
def test_a_damaged_file_is_set_aside_and_replaced(
    make_app: MakeApp, app: Flask, alice: Account, tmp_path: Path
) -> None:
    run(app, "backup", str(tmp_path / "shop.backup"))
    live = tmp_path / "live" / "shop.db"
    live.parent.mkdir()
    live.write_bytes(b"power failed here" * 1000)
    repaired = make_app(DATABASE_URL=f"sqlite:///{live}")
    run(repaired, "restore", str(tmp_path / "shop.backup"))
    assert Account.select().count() == 1
    (aside,) = live.parent.glob("shop.db.damaged-*")
    assert aside.read_bytes().startswith(b"power failed here")


@pytest.mark.one_database
def test_a_damaged_database_is_not_saved_as_if_it_were_sound(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def damaged(_: object) -> None:
        raise sqlite_files.CopyFailed("the database is damaged: row 7 missing from index")

    monkeypatch.setattr(sqlite_files, "check_pages", damaged)
    told = run(app, "backup", str(tmp_path / "shop.backup"), status=1)
    assert "row 7 missing from index" in told
    assert list(tmp_path.iterdir()) == []
