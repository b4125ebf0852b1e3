"""Billing periods against a model that counts day by day."""

from __future__ import annotations

from calendar import isleap
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.clock import PARIS, day_of, midnight
from shop.pricing import periods
from shop.pricing.money import Line, Share
from shop.pricing.periods import Period

days = st.dates(date(2024, 1, 1), date(2032, 12, 31))
anchors = st.integers(1, 31)
moments = st.datetimes(
    datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.sampled_from([UTC, PARIS])
)

DAY = timedelta(days=1)


def is_renewal(day: date, anchor: int) -> bool:
    """The rule in its simplest form: the anchor day, or the last day of a month without it."""
    is_last = (day + DAY).month != day.month
    return day.day == anchor or (is_last and day.day < anchor)


def walk(day: date, anchor: int, step: timedelta) -> date:
    while not is_renewal(day, anchor):
        day += step
    return day


@given(days, anchors)
def test_the_next_renewal_is_the_first_that_comes(day, anchor):
    assert periods.renewal_after(day, anchor) == walk(day + DAY, anchor, DAY)


@given(days, anchors)
def test_the_last_renewal_is_the_first_met_going_back(day, anchor):
    assert periods.renewal_until(day, anchor) == walk(day, anchor, -DAY)


@given(days, anchors)
def test_every_day_lies_in_one_period_of_a_month_s_length(day, anchor):
    period = periods.period_of(day, anchor)
    assert day in period
    assert period.end not in period
    assert 28 <= period.days <= 31
    assert periods.period_of(period.last_day, anchor) == period
    assert periods.period_of(period.end, anchor) == periods.next_period(period, anchor)


@given(moments)
def test_periods_follow_each_other_without_gap_or_overlap(delivered_at):
    anchor = periods.anchor_of(delivered_at)
    period = periods.first_period(delivered_at)
    assert period.start == delivered_at.astimezone(PARIS).date()
    for _ in range(30):
        following = periods.next_period(period, anchor)
        assert following.start == period.end
        assert following.starts_at == period.ends_at
        period = following
    months = (period.end.year - delivered_at.year) * 12 + period.end.month - delivered_at.month
    assert months in (31, 32)  # 32 where UTC and Paris are in different months


@given(moments)
def test_the_anchor_returns_after_every_short_month(delivered_at):
    anchor = periods.anchor_of(delivered_at)
    period = periods.first_period(delivered_at)
    for _ in range(24):
        period = periods.next_period(period, anchor)
        longest = {2: 29 if isleap(period.start.year) else 28, 4: 30, 6: 30, 9: 30, 11: 30}
        assert period.start.day == min(anchor, longest.get(period.start.month, 31))


@given(days)
def test_days_begin_at_midnight_in_paris_whatever_the_season(day):
    local = midnight(day).astimezone(PARIS)
    assert (local.date(), local.hour, local.minute) == (day, 0, 0)
    assert day_of(midnight(day)) == day
    assert day_of(midnight(day) - timedelta(seconds=1)) == day - DAY


@given(days, anchors, st.integers(0, 23))
def test_the_share_left_counts_the_days_that_remain(day, anchor, hour):
    period = periods.period_of(day, anchor)
    share = periods.share_left(period, midnight(day) + timedelta(hours=hour, minutes=59))
    counted = sum(1 for offset in range(period.days) if period.start + offset * DAY >= day)
    # The last hours of a day of 23 hours belong to the next day.
    if day_of(midnight(day) + timedelta(hours=hour, minutes=59)) == day:
        assert share == Share(counted, period.days)


@given(days, anchors)
def test_joining_later_never_costs_more(day, anchor):
    period = periods.period_of(day, anchor)
    costs = [
        Line("business", "", 3, 880, periods.share_left(period, midnight(each))).net_cents
        for each in (period.start + offset * DAY for offset in range(period.days))
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == 3 * 880
    assert costs[-1] > 0


@given(moments, st.integers(0, 800))
def test_missed_periods_are_caught_up_in_order(delivered_at, days_later):
    anchor = periods.anchor_of(delivered_at)
    first = periods.first_period(delivered_at)
    now = delivered_at + timedelta(days=days_later)
    period, due = first, []
    while (period := periods.next_period(period, anchor)).starts_at <= now:
        due.append(period)
    expected = [
        day
        for offset in range(1, days_later + 2)
        if is_renewal(day := first.start + offset * DAY, anchor) and midnight(day) <= now
    ]
    assert [period.start for period in due] == expected


@pytest.mark.parametrize(
    ("delivered", "starts"),
    [
        ("2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2028-01-31", ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]),
        ("2028-02-29", ["2028-03-29", "2028-04-29", "2028-05-29", "2028-06-29"]),
        ("2027-01-29", ["2027-02-28", "2027-03-29", "2027-04-29", "2027-05-29"]),
        ("2026-11-30", ["2026-12-30", "2027-01-30", "2027-02-28", "2027-03-30"]),
        ("2026-12-01", ["2027-01-01", "2027-02-01", "2027-03-01", "2027-04-01"]),
    ],
)
def test_renewals_as_one_would_write_them_into_a_diary(delivered, starts):
    at = datetime.fromisoformat(f"{delivered}T15:00").replace(tzinfo=PARIS)
    period, found = periods.first_period(at), []
    for _ in starts:
        period = periods.next_period(period, periods.anchor_of(at))
        found.append(period.start.isoformat())
    assert found == starts


def test_a_delivery_late_in_the_evening_counts_on_its_day_in_paris():
    """22:30 UTC on 30 June is already 1 July in Paris."""
    at = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    assert periods.anchor_of(at) == 1
    assert periods.first_period(at) == Period(date(2026, 7, 1), date(2026, 8, 1))


def test_renewals_keep_midnight_across_daylight_saving():
    period = periods.first_period(datetime(2026, 3, 15, 12, tzinfo=PARIS))
    assert period.starts_at == datetime(2026, 3, 14, 23, tzinfo=UTC)
    assert period.ends_at == datetime(2026, 4, 14, 22, tzinfo=UTC)
    assert period.days == 31


def test_the_day_one_joins_on_is_charged():
    period = Period(date(2026, 11, 5), date(2026, 12, 5))
    noon = datetime(2026, 11, 23, 12, tzinfo=PARIS)
    assert periods.share_left(period, noon) == Share(12, 30)
    last_evening = datetime(2026, 12, 4, 23, 59, tzinfo=PARIS)
    assert periods.share_left(period, last_evening) == Share(1, 30)


@pytest.mark.parametrize("day", [date(2026, 11, 4), date(2026, 12, 5)])
def test_nobody_joins_a_period_from_outside(day):
    period = Period(date(2026, 11, 5), date(2026, 12, 5))
    with pytest.raises(ValueError, match="does not lie"):
        periods.share_left(period, midnight(day))


def test_a_termination_can_be_taken_back_until_24_hours_before():
    renewal = date(
        2026, 3, 30
    )  # the day after clocks go forward: 24 hours later the local time is an hour later
    limit = datetime(2026, 3, 28, 23, 0, tzinfo=PARIS)
    assert limit.astimezone(UTC) == midnight(renewal) - timedelta(hours=24)
    assert periods.can_be_undone(renewal, limit)
    assert not periods.can_be_undone(renewal, limit.astimezone(UTC) + timedelta(seconds=1))


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        day_of(datetime(2026, 1, 1))


def test_a_period_has_days():
    with pytest.raises(ValueError, match="cannot end"):
        Period(date(2026, 1, 1), date(2026, 1, 1))
