"""The database that tests run on: SQLite, or PostgreSQL with ``--postgresql``."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import chain, islice
from typing import Any

import httpx
import hypothesis
import pytest

from tests.support import applications, choosing, databases
from tooling import translations

SERVER = "TEST_DATABASE_URL"

# The duration of an example depends on the load of the machine, not on the shop. The few examples
# of an ordinary run are always the same, so that it does not fail by luck; --slow finds new ones.
hypothesis.settings.register_profile("shop", deadline=None, derandomize=True)
hypothesis.settings.register_profile("shop-slow", deadline=None)
hypothesis.settings.load_profile("shop")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that say which tests run, and on which database."""
    parser.addoption(
        "--postgresql",
        action="store_true",
        help=f"test on PostgreSQL: the server at {SERVER}, or a new one",
    )
    parser.addoption(
        "--choose-postgresql",
        action="store_true",
        help=f"test on PostgreSQL all that may differ, and write {choosing.LEFT_OUT.name}",
    )
    parser.addoption("--slow", action="store_true", help="run tests that take minutes, too")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare each process; and once, before xdist's workers start, what they share."""
    gc.disable()  # until all tests are collected
    applications.share_compiled()
    if config.getoption("slow"):
        hypothesis.settings.load_profile("shop-slow")
    if hasattr(config, "workerinput"):
        return
    if config.getoption("choose_postgresql"):
        config.option.postgresql = True
        config.pluginmanager.register(choosing.Recorder())
    translations.prepare(sys.executable)
    if config.getoption("postgresql") and SERVER not in os.environ:
        os.environ[SERVER], stop = databases.start_postgresql()
        config.add_cleanup(stop)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests, and on PostgreSQL those that cannot differ from the run on SQLite."""
    chosen = [item for item in items if _is_wanted(config, item)]
    if config.getoption("postgresql"):
        chosen = _one_case_of_each(chosen)
    kept = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = _in_order(chosen, _processes(config))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from what the whole run needs, and let it look less often.

    Many small tests leave little behind; looking after each 700 new objects took 5 % of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    gc.enable()


def _processes(config: pytest.Config) -> int:
    """Return the number of processes that share the tests."""
    return int(getattr(config, "workerinput", {}).get("workercount", 1))


def _in_order(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """Return the tests so that each process, which takes one part of them, begins with long ones.

    A long test that starts last would run alone while the other processes are idle. Those that
    wait for processes of their own are all in the first part: begun by each process at the same
    time, they would leave the processor idle.
    """
    waiting = [item for item in items if item.get_closest_marker("waits")]
    long = [item for item in items if _is_long(item) and item not in waiting]
    rest = iter([item for item in items if not _is_long(item)])
    others = max(processes - 1, 1)
    firsts = [waiting, *(long[number::others] for number in range(others))]
    if processes == 1:
        return [*waiting, *long, *rest]
    size = -(-len(items) // processes)
    return [*chain.from_iterable([*part, *islice(rest, size - len(part))] for part in firsts)]


def _is_long(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("begun_first", "waits"))


def _is_wanted(config: pytest.Config, item: pytest.Item) -> bool:
    if item.get_closest_marker("slow") and not config.getoption("slow"):
        return False
    if not config.getoption("postgresql"):
        return True
    return _may_differ(item) and (_runs_all(config) or not choosing.is_left_out(item.nodeid))


def _runs_all(config: pytest.Config) -> bool:
    """Return whether tests run on PostgreSQL whose statements run there in others, too."""
    return bool(config.getoption("slow") or config.getoption("choose_postgresql"))


def _one_case_of_each(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the first case of each test, and all cases of those marked `every_case`.

    The cases of one test give the same statements other values.
    """
    found: dict[str, list[pytest.Item]] = {}
    for item in items:
        found.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return [
        item
        for cases in found.values()
        for item in (
            cases if cases[0].get_closest_marker("every_case") else [min(cases, key=_place)]
        )
    ]


def _place(item: pytest.Item) -> tuple[int, ...]:
    """Where the case of a test stands among the others, in whatever order tests run."""
    call = getattr(item, "callspec", None)
    return () if call is None else tuple(call.indices.values())


def _may_differ(item: pytest.Item) -> bool:
    """Return whether a test may behave differently on another database.

    Tests without a database and those of a journey in its second language run no statements or the
    same ones. Others say so with a marker.
    """
    if "new_database" not in getattr(item, "fixturenames", ()):
        return False
    if item.get_closest_marker("one_database"):
        return False
    call = getattr(item, "callspec", None)
    return call is None or all(value != "en" for value in call.params.values())


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """Let all HTTP clients of a process that trust the same read its certificates once."""
    create = httpx.create_ssl_context
    created = cache(lambda _file, trust_env: create(trust_env=trust_env))

    def create_once(verify: Any = True, cert: Any = None, trust_env: bool = True) -> Any:
        if verify is not True or cert:
            return create(verify, cert, trust_env)
        return created(os.environ.get("SSL_CERT_FILE"), trust_env)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("httpx._transports.default.create_ssl_context", create_once)
        yield


@pytest.fixture(scope="session")
def new_database(worker_id: str) -> Iterator[Callable[[str], str]]:
    """Create empty databases for this test process: ``new_database("shop")`` returns the URL."""
    server = os.environ.get(SERVER, "")
    with ExitStack() as made:

        def make(purpose: str) -> str:
            if not server.startswith("postgres"):
                return made.enter_context(databases.new_sqlite_database(purpose))
            name = f"test_{purpose}_{worker_id}_{os.getpid()}"
            return made.enter_context(databases.new_postgresql_database(server, name))

        yield make


@pytest.fixture(scope="session")
def database_url(new_database: Callable[[str], str]) -> str:
    """The URL of the database that the tests of this process share."""
    return new_database("shop")
