"""A licence that two sessions release, give back or change at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from models import Account, Event, GiveBack, LicenceGroup
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import idle
from shop.licences.seats.actions import StaleVersion
from shop.sandbox_link import test_points
from shop.subscriptions import unused
from tests.support import groups, racing, running
from tests.support.parties import Bank, Provider


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    made = running.delivered(alice, bank, quantity=3)
    groups.configured(made)
    return groups.fresh(made)


def both_or_neither(group: LicenceGroup) -> bool:
    """Return whether the licence was released and given back; assert that it was not half done."""
    asked = Event.select().where(Event.name == "seat_releasing", Event.by == "alice").count()
    returned = GiveBack.select().count()
    assert (asked, returned) in {(0, 0), (1, 1)}
    return bool(returned)


def release_and_give_back(group: LicenceGroup, version: int) -> bool:
    return unused.release_and_give_back(groups.seat_of(group), version, by="alice")


def test_a_double_click_releases_and_gives_back_once(group: LicenceGroup) -> None:
    version = groups.seat_of(group).version
    with racing.all_meet_at("unused.release", 2):
        outcomes = racing.race(lambda: release_and_give_back(group, version), 2)
    assert sorted(map(str, outcomes)) == ["False", "True"], outcomes
    assert both_or_neither(group)
    queue.drain()
    assert both_or_neither(group)
    groups.check_counts(group)


def against_a_release(group: LicenceGroup) -> list[object]:
    """Release and give back in one session, only release in another, at once."""
    version = groups.seat_of(group).version
    acts = [
        lambda: release_and_give_back(group, version),
        lambda: seats.release(groups.seat_of(group), version, by="bob"),
    ]
    return racing.race(lambda: acts.pop()(), 2)


def test_another_release_at_the_same_time_leaves_both_or_neither(group: LicenceGroup) -> None:
    outcomes = against_a_release(group)
    lost = [each for each in outcomes if isinstance(each, Exception)]
    assert len(lost) == 1, outcomes
    assert isinstance(lost[0], StaleVersion)
    assert both_or_neither(group) == (True in outcomes)


def test_control_without_one_transaction_half_is_done(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unused, "database", SimpleNamespace(atomic=nullcontext))

    def change_first() -> None:
        seat = groups.seat_of(group)
        seats.change_password(seat, seat.version, "", by="bob")

    version = groups.seat_of(group).version
    test_points.hook("seats.release", lambda: _once(change_first))
    try:
        with pytest.raises(StaleVersion):
            release_and_give_back(group, version)
    finally:
        test_points.hook("seats.release", None)
    with pytest.raises(AssertionError):
        both_or_neither(group)


def _once(act: Callable[[], None]) -> None:
    test_points.hook("seats.release", None)
    act()


def test_who_is_told_of_while_released_is_not_counted_twice(
    group: LicenceGroup, provider: Provider
) -> None:
    running.move_on(idle.GRACE)
    seat = groups.seat_of(group)
    acts = [
        lambda: idle.record_sign_ins(group, [seat], {seat.reference: None}),
        lambda: seats.release(seat, seat.version, by="alice"),
    ]
    outcomes = racing.race(lambda: acts.pop()(), 2)
    assert not [each for each in outcomes if isinstance(each, Exception)], outcomes
    assert groups.fresh(group).seats_idle == 0
    groups.check_counts(group)
