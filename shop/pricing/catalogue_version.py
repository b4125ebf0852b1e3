"""What tells one state of the catalogue from another, so that what was made of it can be kept.

Every process reads the version before it uses what it keeps, so a change shows in all of them with
the first request after it was committed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
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
    switch = test_points.clock_switch()
    if switch is None:
        return current()
    sql = TOKEN_AND_CLOCK.replace("?", database.param)
    known, moved_on = database.execute_sql(sql, (switch,)).fetchone()
    test_points.set_clock(moved_on)
    return _version(str(known))


def _version(known: str) -> str:
    now = clock.now()
    passed = bisect_right(kept().under(known), now)
    return f"{known} {passed} {clock.day_of(now)}"
