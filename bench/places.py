"""The databases to measure on: SQLite, and a PostgreSQL server of our own or a given one."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import databases

DURABLE = """
max_connections = 300
random_page_cost = 1.1
"""
"""What is added to the server's own configuration, as docs/operate.md says for flash storage: it
writes every commit to disk."""


@dataclass(frozen=True)
class Place:
    """A kind of database; ``new_database`` provides the URL of an empty one."""

    name: str
    new_database: Callable[[], AbstractContextManager[str]]


@contextmanager
def opened(names: list[str], postgresql: str = "") -> Iterator[list[Place]]:
    """Provide the places of these names; ``postgresql`` is the URL of a server to use."""
    with ExitStack() as open_until_end:
        known = {"sqlite": lambda: Place("SQLite", _new_file)}
        if "postgresql" in names:
            server = postgresql or open_until_end.enter_context(_own_server())
            known["postgresql"] = lambda: _on(server)
        yield [known[name]() for name in names]


@contextmanager
def _new_file() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        yield f"sqlite:///{Path(folder) / 'shop.db'}"


def _on(server: str) -> Place:
    numbers = itertools.count()
    return Place(
        "PostgreSQL",
        lambda: databases.new_postgresql_database(server, f"shop_bench_{next(numbers)}"),
    )


@contextmanager
def _own_server() -> Iterator[str]:
    url, stop = databases.start_postgresql(DURABLE, tempfile.gettempdir())
    try:
        yield url
    finally:
        stop()
