"""A database that cannot be used: a sentence says what to do, and nothing changes."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from peewee import OperationalError

import models
from models import Account
from shop import database
from shop.operations import database_state
from shop.operations.database_state import DatabaseUnusable

MakeApp = Callable[..., Flask]


def said_by(app: Flask, *command: str) -> str:
    """What a command says that fails without a traceback."""
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


def history() -> list[str]:
    rows = models.database.execute_sql(f"SELECT name FROM {database.HISTORY} ORDER BY name")
    return [row[0] for row in rows.fetchall()]


def forget_newest_migration() -> str:
    newest = history()[-1]
    models.database.execute_sql(f"DELETE FROM {database.HISTORY} WHERE name = '{newest}'")
    return newest


def add_migration_of_a_newer_version() -> None:
    models.database.execute_sql(
        f"INSERT INTO {database.HISTORY} (name, applied) VALUES ('9999_later', '2026-01-01')"
    )


# --- Its schema ----------------------------------------------------------------------------------


def test_control_an_up_to_date_database_is_usable(app: Flask) -> None:
    database_state.check_usable()
    database_state.check_migratable()


@pytest.mark.every_case
@pytest.mark.parametrize("command", ["worker", "check-database"])
def test_a_database_that_is_behind_names_the_command(app: Flask, command: str) -> None:
    newest = forget_newest_migration()
    said = said_by(app, command)
    assert newest in said
    assert "Run: flask --app app migrate" in said
    assert newest not in history()


def test_a_database_migrated_by_a_newer_version_is_not_migrated(app: Flask) -> None:
    add_migration_of_a_newer_version()
    before = history()
    said = said_by(app, "migrate")
    assert "newer version of the shop (9999_later)" in said
    assert "Nothing was changed" in said
    assert history() == before


def test_the_previous_version_goes_on_while_a_newer_one_is_rolled_out(app: Flask) -> None:
    add_migration_of_a_newer_version()
    result = app.test_cli_runner().invoke(args=["check-database"])
    assert result.exit_code == 0
    assert app.test_client().get("/readyz").status_code == 200


@pytest.mark.every_case
@pytest.mark.parametrize("command", [["check-database"], ["orders", "list"]])
def test_an_empty_database_names_the_command(
    make_app: MakeApp, new_database: Callable[[str], str], command: list[str]
) -> None:
    app = make_app(DATABASE_URL=new_database("empty"))
    assert "is empty. Run: flask --app app migrate" in said_by(app, *command)
    assert models.database.get_tables() == []


def test_tables_of_another_application_are_left_alone(
    make_app: MakeApp, new_database: Callable[[str], str]
) -> None:
    app = make_app(DATABASE_URL=new_database("foreign"))
    models.database.execute_sql("CREATE TABLE recipe (id INTEGER)")
    said = said_by(app, "migrate")
    assert "tables that are not the shop's (recipe)" in said
    assert models.database.get_tables() == ["recipe"]


def test_a_database_that_lacks_a_table_is_damaged(app: Flask) -> None:
    models.database.execute_sql("ALTER TABLE reminder RENAME TO lost")
    try:
        assert "is damaged: it lacks the tables reminder" in said_by(app, "check-database")
    finally:
        models.database.execute_sql("ALTER TABLE lost RENAME TO reminder")


# --- A file that cannot be used ------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.every_case
@pytest.mark.parametrize("command", [["migrate"], ["worker"], ["orders", "list"]])
def test_a_damaged_file_asks_for_a_backup(
    make_app: MakeApp, tmp_path: Path, command: list[str]
) -> None:
    file = tmp_path / "shop.db"
    file.write_bytes(b"no database" * 1000)
    before = file.read_bytes()
    said = said_by(make_app(DATABASE_URL=f"sqlite:///{file}"), *command)
    assert "is damaged" in said
    assert "flask --app app restore FILE" in said
    assert file.read_bytes() == before


@pytest.mark.one_database
@pytest.mark.every_case
@pytest.mark.parametrize("command", [["migrate"], ["worker"]])
def test_a_folder_without_rights_is_named(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str]
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    # Root, who runs tests in containers, may write anywhere.
    monkeypatch.setattr(os, "open", refuse)
    said = said_by(make_app(DATABASE_URL=f"sqlite:///{tmp_path}/shop.db"), *command)
    assert f"{tmp_path}/shop.db cannot be opened or written" in said
    assert "write access" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.every_case
@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("database or disk is full", "Free some space"),
        ("attempt to write a readonly database", "write access"),
        ("database is locked", "locked by another process"),
        ("database disk image is malformed", "Restore a backup"),
    ],
)
@pytest.mark.one_database
def test_each_fault_of_a_file_says_what_to_do(app: Flask, error: str, words: str) -> None:
    assert words in database_state.explain(OperationalError(error))


@pytest.mark.one_database
def test_a_fault_of_the_code_is_not_explained_away(app: Flask) -> None:
    assert database_state.explain(OperationalError("no such column: colour")) == ""


@pytest.mark.one_database
def test_the_file_is_its_owners_alone(make_app: MakeApp, tmp_path: Path) -> None:
    file = tmp_path / "var" / "shop.db"
    make_app(DATABASE_URL=f"sqlite:///{file}")
    models.database.connect()
    models.database.execute_sql("CREATE TABLE t (a INTEGER)")
    assert {stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()} == {0o600}
    assert {each.name for each in file.parent.iterdir()} >= {"shop.db", "shop.db-wal"}


@pytest.mark.one_database
def test_a_file_that_others_could_read_is_closed_to_them(make_app: MakeApp, tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as made:
        made.execute("CREATE TABLE t (a INTEGER)")
    file.chmod(0o644)
    make_app(DATABASE_URL=f"sqlite:///{file}")
    models.database.connect()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


# --- A server that cannot be used ----------------------------------------------------------------


def test_a_server_that_does_not_answer_is_named_without_its_password(make_app: MakeApp) -> None:
    app = make_app(DATABASE_URL="postgresql://shop:hunter2@127.0.0.1:9/shop")
    said = said_by(app, "worker")
    assert "The database shop at 127.0.0.1:9 cannot be reached" in said
    assert "Check DATABASE_URL" in said
    assert "hunter2" not in said


def test_percent_encoded_users_passwords_and_names_are_decoded() -> None:
    url = "postgresql://us%40er:p%2Fw%3A%20%25@db.example:5433/na%20me?sslmode=require"
    opened = database.open_database(url)
    assert opened.database == "na me"
    assert opened.connect_params["user"] == "us@er"
    assert opened.connect_params["password"] == "p/w: %"
    assert opened.connect_params["sslmode"] == "require"


def test_a_database_is_usable_again_once_it_is_repaired(app: Flask) -> None:
    newest = forget_newest_migration()
    with pytest.raises(DatabaseUnusable):
        database_state.check_usable()
    models.database.execute_sql(
        f"INSERT INTO {database.HISTORY} (name, applied) VALUES ('{newest}', '2026-01-01')"
    )
    database_state.check_usable()
    assert Account.select().count() == 0


def test_every_table_and_nothing_else_is_looked_for() -> None:
    known = {table._meta.table_name for table in models.all_tables()}
    assert database_state._names() == known
