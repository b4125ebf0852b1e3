"""Races: many threads at once, each with its own connection, and ways to remove the guards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models import database
from shop import transitions
from shop.sandbox_link import test_points
from tests.support import patience


def race(act: Callable[[], Any], times: int) -> list[Any]:
    """Run ``act`` in ``times`` threads at once. Return what each returned or raised."""
    ready, outcomes = threading.Barrier(times), []

    def run() -> None:
        try:
            database.connect(reuse_if_open=True)
            ready.wait(timeout=patience.STUCK)
            outcomes.append(act())
        except Exception as error:
            outcomes.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=patience.STUCK)
    assert len(outcomes) == times, "a thread is stuck"
    return outcomes


@contextmanager
def all_meet_at(point: str, times: int) -> Iterator[None]:
    """Hold every thread at a test point until all have arrived: the worst timing, every time."""
    barrier = threading.Barrier(times)

    def wait() -> None:
        try:
            barrier.wait(timeout=patience.STUCK)
        except threading.BrokenBarrierError:
            # Fewer threads arrived than expected: a guard sent the others another way.
            return

    test_points.hook(point, wait)
    try:
        yield
    finally:
        test_points.hook(point, None)


def wait_until_another_is_blocked() -> None:
    """Wait until another connection waits for a lock of this one's transaction.

    SQLite has one writer at a time: whoever waits there holds nothing.
    """
    if _is_sqlite():
        return
    blocked = "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    patience.wait_until(lambda: bool(database.execute_sql(blocked).fetchone()), lambda: 0)


@contextmanager
def without_index(name: str) -> Iterator[None]:
    """Run the block without one of the unique indexes: a race must then fail."""
    definition = _definition(name)
    database.execute_sql(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        database.execute_sql("DELETE FROM acceptance")
        database.execute_sql("DELETE FROM order_line")
        database.execute_sql("DELETE FROM place_proof")
        database.execute_sql("DELETE FROM payment")
        database.execute_sql("DELETE FROM purchase_order")
        database.execute_sql(definition)


def _definition(name: str) -> str:
    if _is_sqlite():
        query = "SELECT sql FROM sqlite_master WHERE name = ?"
    else:
        query = "SELECT indexdef FROM pg_indexes WHERE indexname = %s"
    return str(database.execute_sql(query, (name,)).fetchone()[0])


def _is_sqlite() -> bool:
    return "sqlite" in type(database.obj).__name__.lower()


def without_compare_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace `transitions.move` by an update that does not compare the status first."""

    def careless(row: Any, to: str, *, by: str, note: str = "", **changes: Any) -> bool:
        type(row).update(status=to, **changes).where(type(row).id == row.id).execute()
        transitions.record(row, f"careless_{to}", by=by, to_status=to)
        for name, value in changes.items():
            setattr(row, name, value)
        return True

    monkeypatch.setattr(transitions, "move", careless)
