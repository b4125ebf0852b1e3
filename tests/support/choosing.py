"""Choose the tests that PostgreSQL need not run: each of their statements runs there in another.

``make choose-postgresql`` runs all candidates, records which statements of the shop each runs and
how each ended, and writes the names of those that add none to `LEFT_OUT`.
"""

from __future__ import annotations

import heapq
import re
import sys
from collections import defaultdict
from functools import cache
from typing import Any

import peewee
import pytest

from tests import ROOT
from tests.support import remembered

LEFT_OUT = ROOT / "tests" / "same_statements.txt"

KEPT = ("killed", "migrations", "races", "records", "upgrade", "whole")
"""Folders of `tests` that always run: more than the text of a statement may differ there."""

HEAD = """\
# Tests that PostgreSQL does not run: each of their statements runs there in another test, with the
# same end. Written by `make choose-postgresql`; a test that is not named here runs.
"""

OURS, TESTS = f"{ROOT}/", f"{ROOT}/tests/"
BETWEEN = {__file__, remembered.__file__}
"""Modules that look at every statement on its way to the database."""

PLACE = re.compile(r"%s|\?|'(?:[^']|'')*'|\b\d+\b")
LIST = re.compile(r"\(_(?:, _)*\)(?:, \(_(?:, _)*\))*")
SAVEPOINT = re.compile(r'"?s[0-9a-f]{32}"?')


@cache
def left_out() -> frozenset[str]:
    """Return the names of the tests left out, as pytest names them, without their cases."""
    lines = LEFT_OUT.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def is_left_out(node: str) -> bool:
    """Return whether a test, or this case of it, is among those left out."""
    return name_of(node) in left_out()


def name_of(node: str) -> str:
    """Return the name of a test without its case."""
    return node.partition("[")[0]


def shape(sql: str) -> str:
    """Return a statement without what differs from call to call: values, and how many there are."""
    return LIST.sub("(_)", PLACE.sub("_", SAVEPOINT.sub("savepoint", sql)))


def least(runs: dict[str, set[str]], seconds: dict[str, float], kept: set[str]) -> set[str]:
    """Return tests that together run every statement: the kept ones, and few seconds of others."""
    missing = set().union(*runs.values()) if runs else set()
    chosen = set(kept)
    for test in kept:
        missing -= runs[test]

    def worth(test: str) -> float:
        return -len(runs[test] & missing) / (seconds[test] + 0.02)

    # What a test adds only shrinks: one whose worth is still the best when asked again is the best.
    waiting = [(worth(test), test) for test in sorted(runs) if test not in chosen]
    heapq.heapify(waiting)
    while missing and waiting:
        test = heapq.heappop(waiting)[1]
        if waiting and worth(test) > waiting[0][0]:
            heapq.heappush(waiting, (worth(test), test))
            continue
        chosen.add(test)
        missing -= runs[test]
    return chosen


class Recorder:
    """The plugin that records the statements of each test and writes the list at the end."""

    def __init__(self) -> None:
        self.runs: dict[str, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = defaultdict(float)
        self.kept: set[str] = set()
        self._running = ""

    def pytest_sessionstart(self) -> None:
        """Look at every statement from now on."""
        execute, recorder = peewee.Database._execute_cursor, self

        def recorded(self: peewee.Database, sql: str, *given: Any, **named: Any) -> Any:
            try:
                cursor = execute(self, sql, *given, **named)
            except peewee.PeeweeException as error:
                recorder.note(f"{sql} fails: {type(error).__name__}")
                raise
            recorder.note(str(sql))
            return cursor

        peewee.Database._execute_cursor = recorded

    def note(self, sql: str) -> None:
        """Record a statement that the shop runs for the current test."""
        if self._running and _is_of_the_shop():
            self.runs[self._running].add(shape(sql))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Record for this test what runs until it ends."""
        self._running = name_of(item.nodeid)
        self.runs[self._running]
        if item.nodeid.split("/")[1] in KEPT or item.get_closest_marker("every_case"):
            self.kept.add(self._running)
        try:
            return (yield)
        finally:
            self._running = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what each test takes."""
        self.seconds[name_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the list, if all tests passed."""
        if exitstatus:
            return
        chosen = least(dict(self.runs), dict(self.seconds), self.kept)
        names = sorted(set(self.runs) - chosen)
        LEFT_OUT.write_text(HEAD + "".join(f"{name}\n" for name in names))


def _is_of_the_shop() -> bool:
    """Return whether the statement being run was asked for by the shop, not by a test."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(OURS) and "site-packages" not in path and path not in BETWEEN:
            return not path.startswith(TESTS)
        frame = frame.f_back
    return False
