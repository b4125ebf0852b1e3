"""Migrations only expand the schema: what the previous release uses stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from peewee import Database
from playhouse.migrations import Runner

from shop import VERSION
from shop.database import MIGRATIONS, open_database
from tests import ROOT
from tests.upgrade.expansion import narrowings, schema_of
from tests.upgrade.releases import newer_migrations, previous

OLD = """
CREATE TABLE person (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, age INTEGER);
CREATE TABLE pet (id INTEGER PRIMARY KEY, person_id INTEGER, CHECK (id > 0))
"""


def pet(columns: str) -> str:
    """Return the statements that replace the table of pets."""
    return f"DROP TABLE pet; CREATE TABLE pet (id INTEGER PRIMARY KEY, {columns})"


@pytest.fixture(scope="module")
def opened(new_database: Callable[[str], str]) -> Iterator[Database]:
    with closing(open_database(new_database("expansion"))) as database:
        yield database


def migrated(opened: Database, migration: str, widened: Collection[str] = ()) -> list[str]:
    """Return what narrows a schema of two tables when these statements have run."""
    for table in ("pet", "person", "house"):
        opened.execute_sql(f"DROP TABLE IF EXISTS {table}")
    run(opened, OLD)
    before = schema_of(opened)
    run(opened, migration)
    return narrowings(before, schema_of(opened), widened)


def run(opened: Database, statements: str) -> None:
    for each in statements.split(";"):
        opened.execute_sql(each)


def widened() -> set[str]:
    """Return the tables that the new migrations name in ``WIDENS``."""
    names: set[str] = set()
    for name in newer_migrations():
        spec = spec_from_file_location(name, MIGRATIONS / f"{name}.py")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        names |= set(getattr(module, "WIDENS", ()))
    return names


def test_migrations_since_the_previous_release_only_expand(
    new_database: Callable[[str], str],
) -> None:
    with closing(open_database(new_database("upgraded"))) as database:
        runner = Runner(database, str(MIGRATIONS))
        runner.up(previous().migration)
        before = schema_of(database)
        assert runner.up() == newer_migrations()
        assert narrowings(before, schema_of(database), widened()) == []


@pytest.mark.every_case
@pytest.mark.parametrize(
    ("migration", "found"),
    [
        ("ALTER TABLE person RENAME COLUMN name TO called", "person: the column name is gone"),
        ("ALTER TABLE pet DROP COLUMN person_id", "pet: the column person_id is gone"),
        ("DROP TABLE pet", "pet: the table is gone"),
        (
            "ALTER TABLE person ADD COLUMN city VARCHAR(20) NOT NULL",
            "person: the new column city must be given: it has no default",
        ),
        ("CREATE UNIQUE INDEX one ON person (name)", "person: name must be unique now"),
        (
            pet("person_id INTEGER NOT NULL, CHECK (id > 0)"),
            "pet: the column person_id must not be empty now",
        ),
        (
            pet("person_id VARCHAR(9), CHECK (id > 0)"),
            "pet: the column person_id is ",
        ),
        (
            "DROP TABLE person; CREATE TABLE person (name VARCHAR(30) NOT NULL)",
            "person: the column name is ",
        ),
        (
            pet("person_id INTEGER, CHECK (id > 1)"),
            "pet: a new rule: ",
        ),
        (
            pet("person_id INTEGER REFERENCES person (id), CHECK (id > 0)"),
            "pet: person_id must name a row of person now",
        ),
    ],
)
def test_what_narrows_the_schema_is_found(opened: Database, migration: str, found: str) -> None:
    after = migrated(opened, migration)
    assert any(each.startswith(found) for each in after), after


@pytest.mark.every_case
@pytest.mark.parametrize(
    "migration",
    [
        "ALTER TABLE person ADD COLUMN city VARCHAR(20)",
        "ALTER TABLE person ADD COLUMN city VARCHAR(20) NOT NULL DEFAULT ''",
        "ALTER TABLE person ADD COLUMN city VARCHAR(20) NOT NULL DEFAULT '' CHECK (city <> '-')",
        "ALTER TABLE person ADD COLUMN token VARCHAR(20);CREATE UNIQUE INDEX one ON person (token)",
        "CREATE INDEX several ON person (name)",
        "CREATE TABLE house (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL UNIQUE)",
        pet("person_id INTEGER"),
    ],
)
def test_what_expands_it_is_not(opened: Database, migration: str) -> None:
    assert migrated(opened, migration) == []


def test_a_table_with_wider_rules_is_named_by_its_migration(opened: Database) -> None:
    wider = pet("person_id INTEGER, CHECK (id > -1)")
    assert migrated(opened, wider, {"pet"}) == []


def test_the_previous_release_is_older_than_this_one_or_the_same() -> None:
    numbers = [tuple(map(int, each.split("."))) for each in (previous().version, VERSION)]
    assert numbers[0] <= numbers[1]
    assert f"## {previous().version}\n" in (ROOT / "CHANGELOG.md").read_text()
    assert (MIGRATIONS / f"{previous().migration}.py").exists()
