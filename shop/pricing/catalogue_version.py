"""What tells one state of the catalogue from another, so that what was made of it can be kept.

Every process reads the version before it uses what it keeps, so a change shows in all of them with
the first request after it was committed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from records.base import MomentField, database
from shop import clock
from shop.sandbox_link import test_points
from shop.settings.per_process import PerProcess

T = TypeVar("T")

MOMENT = MomentField()

TOKEN = "SELECT token FROM catalogue_version"
TOKEN_AND_CLOCK = (
    "SELECT token, (SELECT value FROM sandbox_switch WHERE name = ?) FROM catalogue_version"
)

MOMENTS = (
    "SELECT valid_from FROM price UNION "
    "SELECT starts_at FROM notice UNION SELECT ends_at FROM notice"
)
"""When prices begin to apply, and announcements begin or end: few."""


class Kept(Generic[T]):
    """What this process read last of the catalogue, and the token of the catalogue at that time."""

    def __init__(self, read: Callable[[], T], nothing: T) -> None:
        self._read = read
        self._kept = ("", nothing)

    def under(self, token: str) -> T:
        """Return what the catalogue with this token has, read if it is not kept."""
        known, found = self._kept
        if known != token:
            found = self._read()
            self._kept = (token, found)
        return found

    def if_known(self, token: str) -> T | None:
        """Return what `under` would without reading it; None if it has to be read."""
        known, found = self._kept
        return found if known == token else None

    def last(self) -> T:
        """Return what `under` returned last; ``nothing`` at first."""
        return self._kept[1]


def _moments() -> list[Any]:
    return sorted(MOMENT.python_value(row[0]) for row in database.execute_sql(MOMENTS))


def keep_moments() -> Kept[list[Any]]:
    """Return what keeps the moments at which another state begins by itself."""
    return Kept(_moments, [])


kept = PerProcess(keep_moments)


def token() -> str:
    """Return the token of the catalogue (one short statement)."""
    return str(database.execute_sql(TOKEN).fetchone()[0])


def current() -> str:
    """Return the version of what is on sale and published now: one short statement, and one more
    after a change.

    It differs after each change of an offer, a price, a contract or an announcement, whoever made
    it; when a price that was set beforehand begins to apply, or an announcement begins or ends; and
    each day, as contracts apply from a day on. Read it before the data that you keep under it: then
    what is kept is never older than its version.
    """
    return _version(token())


def current_by_clock() -> str:
    """Set the clock to the sandbox's, and return `current`: one short statement reads both."""
    row = database.execute_sql(*statement_by_clock(database.param)).fetchone()
    _follow_clock(row)
    return _version(str(row[0]))


def statement_by_clock(parameter: str) -> tuple[str, tuple[str, ...]]:
    """Return the statement of `current_by_clock` and its values; ``parameter`` stands for one."""
    switch = test_points.clock_switch()
    if switch is None:
        return TOKEN, ()
    return TOKEN_AND_CLOCK.replace("?", parameter), (switch,)


def known_by_clock(row: Sequence[str | None]) -> str:
    """Do what `current_by_clock` does by a row of its statement, without reading any more.

    Returns "" if this process has not read yet what the catalogue with the row's token has.
    """
    _follow_clock(row)
    token = str(row[0])
    moments = kept().if_known(token)
    return "" if moments is None else _at(token, moments)


def _follow_clock(row: Sequence[str | None]) -> None:
    if len(row) > 1:
        test_points.set_clock(row[1])


def _version(token: str) -> str:
    return _at(token, kept().under(token))


def _at(token: str, moments: list[Any]) -> str:
    now = clock.now()
    return f"{token} {bisect_right(moments, now)} {clock.day_of(now)}"
