"""What many tests build first: built once in a process, and put back by its rows from then on.

A build is put back only where the database, the parties and the day are as they were when it was
built: a test that changed anything before, or that moves the clock, builds it itself.
"""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

import peewee
import pytest
import time_machine

import models
from shop import clock
from shop import settings as shop_settings
from shop.office import configured
from shop.payments import gateways
from shop.vat import registry
from tests.support import papers
from tests.support.databases import Snapshot
from tests.support.parties import Bank, Provider

P = ParamSpec("P")
T = TypeVar("T")
Key = tuple[object, ...]

MOST_AGE = 180.0
"""Seconds after which a build is built again: what it wrote must still be recent."""

A_MOMENT = timedelta(seconds=5)


@dataclass
class _Built:
    """A build: the rows and the parties after it, and what it returned."""

    snapshot: Snapshot
    parties: list[dict[str, Any]]
    result: object
    at: datetime
    """When it was done, by the clock of the test."""
    machine_time: float


class _Memory:
    """What this process has built, and which of it the database holds now."""

    def __init__(self) -> None:
        self.builds: dict[Key, _Built] = {}
        self.writes = 0
        self.key: Key | None = None
        self.seen = 0
        self.traveller: time_machine.Traveller | None = None
        self.departure = datetime.now(UTC)
        self.patches = self.patches_before = 0

    def begin(self, key: Key) -> None:
        """The database holds exactly what ``key`` names."""
        self.key, self.seen = key, self.writes

    def is_known(self) -> bool:
        """Return whether nothing was written since `begin`, and time has not been moved."""
        return (
            self.key is not None
            and self.writes == self.seen
            and abs(clock.now() - clock.real_now()) < A_MOMENT
            and self.time_runs()
            and self.patches == self.patches_before
            and not shop_settings.current().production
        )

    def time_runs(self) -> bool:
        """Return whether it is now, or a moment after the test's clock began."""
        if not time_machine.escape_hatch.is_travelling():
            return True
        return self.traveller is not None and clock.now() - self.departure < A_MOMENT

    def found(self, key: Key) -> _Built | None:
        """Return the build of ``key``, if there is one that is recent."""
        built = self.builds.get(key)
        if built is None or _machine_time() - built.machine_time > MOST_AGE:
            return None
        return built


_memory = _Memory()


def _machine_time() -> float:
    """Return the time of day that no test moves, in seconds."""
    outside = time_machine.escape_hatch
    return outside.time.time() if outside.is_travelling() else time.time()


READS = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA", "WITH")


def watch_changes() -> None:
    """Count every statement of this process that may write, and every patch; called once."""
    execute = peewee.Database.execute_sql

    @functools.wraps(execute)
    def counted(self: peewee.Database, sql: str, *given: Any, **named: Any) -> Any:
        if not sql.lstrip("( ").startswith(READS):
            _memory.writes += 1
        return execute(self, sql, *given, **named)

    peewee.Database.execute_sql = counted  # type: ignore[method-assign]
    for name in ("setattr", "setitem", "delattr", "delitem"):
        setattr(pytest.MonkeyPatch, name, _counting_patches(getattr(pytest.MonkeyPatch, name)))


def _counting_patches(patch: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(patch)
    def counted(*given: Any, **named: Any) -> None:
        _memory.patches += 1
        patch(*given, **named)

    return counted


@contextmanager
def travelling(traveller: time_machine.Traveller) -> Iterator[None]:
    """Builds are put back in the time of ``traveller``, who has just departed."""
    _memory.traveller, _memory.departure = traveller, clock.now()
    try:
        yield
    finally:
        _memory.traveller = None


def begin_test() -> None:
    """From now on, a test that patches anything builds what it needs itself."""
    _memory.patches_before = _memory.patches


def database_is_new() -> None:
    """Say that the database holds what every test begins with, and nothing else."""
    _memory.begin(("new",))


def remembered(build: Callable[P, T]) -> Callable[P, T]:
    """Decorate a factory whose arguments are rows, parties and plain values."""

    @functools.wraps(build)
    def built(*given: P.args, **named: P.kwargs) -> T:
        if not _memory.is_known():
            return build(*given, **named)
        known = _memory.key
        assert known is not None
        parties = _state_of_parties()
        key = (*known, build.__qualname__, _key_of([*given, sorted(named.items())]), repr(parties))
        key = (*key, *_surroundings())
        found = _memory.found(key)
        if found is None:
            result = build(*given, **named)
            found = _Built(
                Snapshot(), _state_of_parties(), result, clock.real_now(), _machine_time()
            )
            _memory.builds[key] = found
        else:
            found.snapshot.restore()
            _restore_parties(found.parties)
            if _memory.traveller is not None and clock.real_now() < found.at:
                _memory.traveller.move_to(found.at)
        for row in given:
            _read_again(row)
        _memory.begin(key)
        return _fresh(found.result)

    return built


def _surroundings() -> Key:
    """Return what decides, beside the database and the parties, what a build writes."""
    return (
        shop_settings.current(),
        id(registry.registry()),
        time_machine.escape_hatch.is_travelling(),
        clock.day_of(clock.now()),
        papers.are_read(),
    )


def _key_of(values: object) -> object:
    """Return what tells one call of a factory from another."""
    if isinstance(values, (list, tuple)):
        return tuple(_key_of(value) for value in values)
    if isinstance(values, peewee.Model):
        return type(values).__name__, values.get_id()
    if isinstance(values, (Bank, Provider)) or callable(values):
        return type(values).__name__
    return repr(values)


def _parties() -> list[Bank | Provider]:
    """Return those parties that stand in this process."""
    both = gateways.gateway(), configured.provider()
    return [party for party in both if isinstance(party, (Bank, Provider))]


def _state_of_parties() -> list[dict[str, Any]]:
    return [
        {name: copy.deepcopy(value) for name, value in vars(party).items() if name != "_lock"}
        for party in _parties()
    ]


def _restore_parties(states: list[dict[str, Any]]) -> None:
    for party, state in zip(_parties(), states, strict=True):
        vars(party).update(copy.deepcopy(state))


def _read_again(row: object) -> None:
    """Give a row that the test holds the values it has now, as if it had just been read."""
    if isinstance(row, peewee.Model):
        vars(row).update(vars(type(row).get_by_id(row.get_id())))


def _fresh(result: Any) -> Any:
    """Return what a factory returned, its rows as they stand now."""
    if isinstance(result, models.Table):
        return type(result).get_by_id(result.get_id())
    if is_dataclass(result) and not isinstance(result, type):
        values = {each.name: _fresh(getattr(result, each.name)) for each in fields(result)}
        return type(result)(**values)
    return result
