"""The migrations build the schema of the models: columns, keys, indexes and constraints."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
import models
from shop import database
from tests.support.schema import shape


def test_migrations_build_what_the_models_say(
    app: Flask, new_database: Callable[[str], str]
) -> None:
    fresh = database.open_database(new_database("models"))
    with fresh.bind_ctx(models.all_tables()):
        fresh.create_tables(models.all_tables())
        said = {table: shape(fresh, table) for table in names()}
    fresh.close()
    built = {table: shape(models.database.obj, table) for table in names()}
    assert built == said


def test_no_migration_is_waiting(app: Flask) -> None:
    assert database.pending_migrations() == []


def names() -> list[str]:
    return [table._meta.table_name for table in models.all_tables()]
