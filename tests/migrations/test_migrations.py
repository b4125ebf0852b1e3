"""The migrations build the schema of the models: columns, keys, indexes and constraints."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from flask import Flask
from playhouse.migrations import Runner

import models
from shop import database
from shop.database import MIGRATIONS
from tests.support.schema import shape


def test_migrations_build_what_the_models_say(new_database: Callable[[str], str]) -> None:
    """In databases of their own: PostgreSQL words the rules of a restored one differently."""
    with closing(database.open_database(new_database("models"))) as fresh:
        with fresh.bind_ctx(models.all_tables()):
            fresh.create_tables(models.all_tables())
        said = {table: shape(fresh, table) for table in names()}
    with closing(database.open_database(new_database("migrated"))) as migrated:
        Runner(migrated, str(MIGRATIONS)).up()
        built = {table: shape(migrated, table) for table in names()}
    assert built == said


def test_no_migration_is_waiting(app: Flask) -> None:
    assert database.pending_migrations() == []


def names() -> list[str]:
    return [table._meta.table_name for table in models.all_tables()]
