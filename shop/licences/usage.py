"""Consommation: the number of active licences of a group by day and by month (guide).

Each change of a seat updates its day (`UsageDay`) in the transaction of the change, so that a page
reads one row for each day it shows, whatever the length of the history. Days are calendar days of
Europe/Paris, of 23 to 25 hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from records.groups import LicenceGroup
from records.seats import SeatEvent, UsageDay
from shop import clock
from shop.errors import N_

ONE_DAY = timedelta(days=1)

PERIODS: dict[str, str] = {
    "this-month": N_("This month"),
    "last-month": N_("Last month"),
    "3-months": N_("3 months"),
    "12-months": N_("12 months"),
}
"""The periods that the page offers, by their name in its URL."""


@dataclass(frozen=True)
class Day:
    """A day: the highest number of licences active at one time, and the number at its end."""

    day: date
    peak: int
    closing: int


@dataclass(frozen=True)
class Month:
    """A month, or the part of it that is shown.

    ``licence_days`` is the sum of the daily peaks: a licence active on a day counts as one.
    """

    first: date
    peak: int
    closing: int
    licence_days: int


# --- Recording changes -------------------------------------------------------------------------


def record_change(group_id: int, at: datetime, change: int) -> None:
    """Record a change of a group's active licences, in the transaction that writes its event.

    The caller holds the lock of the group's row, which serialises the changes of one group.
    """
    if not change:
        return
    day, last = clock.day_of(at), _last_day(group_id)
    if last is not None and (day < last.day or _is_late(group_id, at)):
        _count_late(group_id, day, change)
    elif last is not None and day == last.day:
        closing = last.closing + change
        _write_day(group_id, Day(day, max(last.peak, closing), closing), exists=True)
    else:
        before = last.closing if last else 0
        closing = before + change
        _write_day(group_id, Day(day, max(before, closing), closing), exists=False)


def _last_day(group_id: int, before: date | None = None) -> UsageDay | None:
    rows = UsageDay.select().where(UsageDay.group == group_id)
    if before is not None:
        rows = rows.where(UsageDay.day < before)
    return rows.order_by(UsageDay.day.desc()).first()


def _is_late(group_id: int, at: datetime) -> bool:
    """Whether a later change is recorded already, because the clock of another machine is ahead."""
    later = SeatEvent.select().where(SeatEvent.group == group_id, SeatEvent.at > at)
    return bool(later.exists())


def _count_late(group_id: int, day: date, change: int) -> None:
    """Recount a day from its events, and add the change to every later day."""
    known = UsageDay.group == group_id
    UsageDay.update(closing=UsageDay.closing + change, peak=UsageDay.peak + change).where(
        known, UsageDay.day > day
    ).execute()
    before = _last_day(group_id, before=day)
    opening = before.closing if before else 0
    counted = _count_day(day, opening, _changes_of(group_id, day))
    _write_day(
        group_id, counted, exists=UsageDay.select().where(known, UsageDay.day == day).exists()
    )


def _changes_of(group_id: int, day: date) -> list[int]:
    """Return the changes of a day in chronological order."""
    begins, ends = clock.midnight(day), clock.midnight(day + ONE_DAY)
    events = SeatEvent.select(SeatEvent.change).where(
        SeatEvent.group == group_id, SeatEvent.at >= begins, SeatEvent.at < ends
    )
    return [event.change for event in events.order_by(SeatEvent.at, SeatEvent.id)]


def _count_day(day: date, opening: int, changes: Iterable[int]) -> Day:
    peak = active = opening
    for change in changes:
        active += change
        peak = max(peak, active)
    return Day(day, peak, active)


def _write_day(group_id: int, counted: Day, *, exists: bool) -> None:
    values = {"peak": counted.peak, "closing": counted.closing}
    if exists:
        UsageDay.update(values).where(
            UsageDay.group == group_id, UsageDay.day == counted.day
        ).execute()
    else:
        UsageDay.insert(group=group_id, day=counted.day, **values).execute()


# --- Reading usage -----------------------------------------------------------------------------


def period(name: str, today: date) -> tuple[date, date]:
    """Return the first and the last day of a period, today at the latest.

    Three and twelve months include the current month. An unknown name means the current month.
    """
    this = today.replace(day=1)
    if name == "last-month":
        return _months_before(this, 1), this - ONE_DAY
    months = {"3-months": 2, "12-months": 11}.get(name, 0)
    return _months_before(this, months), today


def _months_before(first: date, months: int) -> date:
    """Return the first day of the month that many months earlier."""
    number = first.year * 12 + first.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def days(group: LicenceGroup, first: date, last: date) -> list[Day]:
    """Return every day from ``first`` to ``last`` on which the group existed (two queries)."""
    first = max(first, clock.day_of(group.created_at))
    before = _last_day(group.id, before=first)
    rows = UsageDay.select().where(UsageDay.group == group, UsageDay.day.between(first, last))
    changed = {row.day: Day(row.day, row.peak, row.closing) for row in rows}
    active = before.closing if before else 0
    shown = []
    for number in range((last - first).days + 1):
        day = first + number * ONE_DAY
        shown.append(changed.get(day) or Day(day, active, active))
        active = shown[-1].closing
    return shown


def months(shown: Iterable[Day]) -> list[Month]:
    """Return the days summed up by month, in chronological order."""
    return [
        _month(list(of_month))
        for _, of_month in groupby(shown, key=lambda day: (day.day.year, day.day.month))
    ]


def _month(of_month: list[Day]) -> Month:
    return Month(
        first=of_month[0].day.replace(day=1),
        peak=max(day.peak for day in of_month),
        closing=of_month[-1].closing,
        licence_days=sum(day.peak for day in of_month),
    )
