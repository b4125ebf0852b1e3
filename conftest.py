"""Which database tests run on: SQLite, or with ``--postgresql`` PostgreSQL."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests import databases
from tooling import translations

SERVER = "TEST_DATABASE_URL"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the choice of a database."""
    parser.addoption(
        "--postgresql",
        action="store_true",
        help=f"test on PostgreSQL: the server at {SERVER}, or one of our own",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Prepare once, before xdist starts its workers, what all of them share."""
    if hasattr(config, "workerinput"):
        return
    translations.prepare(sys.executable)
    if config.getoption("postgresql") and SERVER not in os.environ:
        os.environ[SERVER], stop = databases.start_postgresql()
        config.add_cleanup(stop)


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The address of an empty database of this test process's own."""
    server = os.environ.get(SERVER, "")
    if server.startswith("postgres"):
        name = f"shop_test_{worker_id}_{os.getpid()}"
        with databases.new_postgresql_database(server, name) as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'shop.db'}"
