"""Consommation: how many licences of a group were active, day by day and month by month (guide).

Each change of a seat updates its day (`UsageDay`) in its own transaction, so that a page reads as
many rows as it shows days, however long the history. Days are the shop's (Europe/Paris): one of 23
or 25 hours is a day like any other.
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
"""The stretches of time that can be looked at, by the word their addresses carry."""


@dataclass(frozen=True)
class Day:
    """A day: the most licences active at one time, and how many at its end."""

    day: date
    peak: int
    closing: int


@dataclass(frozen=True)
class Month:
    """A month, or the part of it looked at.

    ``licence_days`` is the sum of the daily peaks: one licence active on one day counts one.
    """

    first: date
    peak: int
    closing: int
    licence_days: int


# --- Counting, with each change ----------------------------------------------------------------


def record_change(group_id: int, at: datetime, change: int) -> None:
    """Count a change of a group's active licences, in the transaction that writes its event.

    The caller holds the group's row, so that changes of one group come one after the other.
    """
    if not change:
        return
    day, last = clock.day_of(at), _last(group_id)
    if last is not None and (day < last.day or _is_late(group_id, at)):
        _count_late(group_id, day, change)
    elif last is not None and day == last.day:
        closing = last.closing + change
        _write(group_id, Day(day, max(last.peak, closing), closing), exists=True)
    else:
        before = last.closing if last else 0
        closing = before + change
        _write(group_id, Day(day, max(before, closing), closing), exists=False)


def _last(group_id: int, before: date | None = None) -> UsageDay | None:
    rows = UsageDay.select().where(UsageDay.group == group_id)
    if before is not None:
        rows = rows.where(UsageDay.day < before)
    return rows.order_by(UsageDay.day.desc()).first()


def _is_late(group_id: int, at: datetime) -> bool:
    """Whether a later change of the group is on record: some machine's clock is ahead."""
    later = SeatEvent.select().where(SeatEvent.group == group_id, SeatEvent.at > at)
    return bool(later.exists())


def _count_late(group_id: int, day: date, change: int) -> None:
    """Count a day anew from its events, and raise all that followed."""
    known = UsageDay.group == group_id
    UsageDay.update(closing=UsageDay.closing + change, peak=UsageDay.peak + change).where(
        known, UsageDay.day > day
    ).execute()
    before = _last(group_id, before=day)
    opening = before.closing if before else 0
    counted = _counted(day, opening, _changes_of(group_id, day))
    _write(group_id, counted, exists=UsageDay.select().where(known, UsageDay.day == day).exists())


def _changes_of(group_id: int, day: date) -> list[int]:
    """The changes of a day, in their order."""
    begins, ends = clock.midnight(day), clock.midnight(day + ONE_DAY)
    events = SeatEvent.select(SeatEvent.change).where(
        SeatEvent.group == group_id, SeatEvent.at >= begins, SeatEvent.at < ends
    )
    return [event.change for event in events.order_by(SeatEvent.at, SeatEvent.id)]


def _counted(day: date, opening: int, changes: Iterable[int]) -> Day:
    peak = active = opening
    for change in changes:
        active += change
        peak = max(peak, active)
    return Day(day, peak, active)


def _write(group_id: int, counted: Day, *, exists: bool) -> None:
    values = {"peak": counted.peak, "closing": counted.closing}
    if exists:
        UsageDay.update(values).where(
            UsageDay.group == group_id, UsageDay.day == counted.day
        ).execute()
    else:
        UsageDay.insert(group=group_id, day=counted.day, **values).execute()


# --- Looking at it -----------------------------------------------------------------------------


def period(name: str, today: date) -> tuple[date, date]:
    """The first and the last day of a period, today at the latest; this month for any other word.

    Three and twelve months end with this one.
    """
    this = today.replace(day=1)
    if name == "last-month":
        return _months_before(this, 1), this - ONE_DAY
    months = {"3-months": 2, "12-months": 11}.get(name, 0)
    return _months_before(this, months), today


def _months_before(first: date, months: int) -> date:
    """The first day of the month so many months before."""
    number = first.year * 12 + first.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def days(group: LicenceGroup, first: date, last: date) -> list[Day]:
    """Every day from ``first`` to ``last``, since the group is there (two queries)."""
    first = max(first, clock.day_of(group.created_at))
    before = _last(group.id, before=first)
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
    """Days added up by month, in their order."""
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
