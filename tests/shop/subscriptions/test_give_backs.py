"""Licences given back: no longer charged from the renewal on, and removed at the provider."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from models import (
    Account,
    Addition,
    AdditionStatus,
    GiveBack,
    LicenceGroup,
    Renewal,
    Seat,
    TerminationStatus,
)
from shop import clock
from shop.clock import midnight
from shop.errors import Conflict, Refusal
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.licences.seats.rules import Person
from shop.pricing.periods import Period
from shop.subscriptions import give_backs, previews, terminations
from tests.support import groups, purchases, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """Return a group of three licences, of which the third is in use."""
    group = running.delivered(alice, bank)
    groups.configured(group, 3)
    return group


def test_they_are_gone_with_the_renewal_and_not_charged(
    group: LicenceGroup, provider: Provider
) -> None:
    login_name = next(iter(provider.users))
    password = provider.users[login_name]
    give_backs.give_back_seats(group, [2, 3], by="alice")
    shown = previews.preview(running.subscription_of(group))
    assert shown is not None
    assert (shown.quantity, shown.less) == (1, 2)
    assert provider.can_sign_in(login_name, password)
    running.to_renewal(group)
    running.pass_time(timedelta(minutes=1))
    assert Renewal.get().quantity == 1
    assert Renewal.get().invoice.total_cents == shown.totals.total_cents
    assert not provider.can_sign_in(login_name, password)
    assert provider.tenants[group.domain] == 1
    left = fresh(group)
    assert (left.places_taken, left.seats_total) == (1, 1)
    assert [seat.number for seat in Seat.select().where(Seat.group == group)] == [1]
    assert {row.status for row in GiveBack.select()} == {TerminationStatus.DONE}
    groups.check_counts(group)
    assert list(ledger_proof.find_faults()) == []


def test_a_place_given_back_can_be_ordered_again(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, 300)
    with pytest.raises(Refusal):
        groups.add(group, 1)
    give_backs.give_back_seats(group, [7], by="alice")
    running.to_renewal(group)
    queue.drain()
    order = groups.add(group, 1)
    purchases.pay(order, bank)
    queue.drain()
    assert max(seat.number for seat in Seat.select()) == 301
    assert provider.tenants[group.domain] == 300


def test_they_can_be_kept_until_24_hours_before(group: LicenceGroup) -> None:
    give_backs.give_back_seats(group, [1, 2], by="alice")
    give_backs.undo(group, [2], by="alice")
    assert [row.number for row in give_backs.for_group(group)] == [1]
    renews_on = running.subscription_of(group).renews_on
    assert renews_on is not None
    running.pass_time(midnight(renews_on) - clock.now() - timedelta(hours=23))
    with pytest.raises(Refusal, match="too late"):
        give_backs.undo(group, [1], by="alice")
    running.to_renewal(group)
    assert Renewal.get().quantity == 2


def test_one_licence_stays(group: LicenceGroup) -> None:
    with pytest.raises(Refusal, match="terminate the group"):
        give_backs.give_back_seats(group, [1, 2, 3], by="alice")
    give_backs.give_back_seats(group, [1, 2], by="alice")
    with pytest.raises(Refusal, match="terminate the group"):
        give_backs.give_back_seats(group, [3], by="alice")


def test_a_licence_is_given_back_once(group: LicenceGroup) -> None:
    give_backs.give_back_seats(group, [1], by="alice")
    with pytest.raises(Conflict):
        give_backs.give_back_seats(group, [1], by="alice")
    with pytest.raises(Refusal):
        give_backs.give_back_seats(group, [9], by="alice")
    with pytest.raises(Refusal):
        give_backs.undo(group, [2], by="alice")


def test_a_licence_configured_after_it_was_given_back_ends_too(
    group: LicenceGroup, provider: Provider
) -> None:
    give_backs.give_back_seats(group, [2], by="alice")
    groups.configured(group, 2, Person("Zoé", "Moreau", "zoe.moreau"))
    running.to_renewal(group)
    running.pass_time(timedelta(minutes=1))
    assert len(provider.users) == 1
    assert fresh(group).seats_total == 2


def test_it_waits_for_licences_that_are_being_added(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    give_backs.give_back_seats(group, [1], by="alice")
    renews_on = running.subscription_of(group).renews_on
    assert renews_on is not None
    running.pass_time(midnight(renews_on) - clock.now() - timedelta(minutes=2))
    provider.pending = True
    purchases.pay(groups.add(group, 4), bank)
    queue.drain()
    running.pass_time(timedelta(minutes=5))
    assert Renewal.get().quantity == 6
    assert provider.tenants[group.domain] == 3
    provider.finish()
    for _ in range(3):
        running.pass_time(timedelta(minutes=5))
    assert Addition.get().status == AdditionStatus.INSTALLED
    assert provider.tenants[group.domain] == 6 == fresh(group).seats_total
    groups.check_counts(group)


def test_licences_added_wait_until_others_are_gone(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    give_backs.give_back_seats(group, [1], by="alice")
    provider.pending = True
    running.to_renewal(group)
    assert GiveBack.get().status == TerminationStatus.ENDING
    purchases.pay(groups.add(group, 4), bank)
    queue.drain()
    assert not [key for key in provider.calls if key.startswith("enlarge")]
    provider.finish()
    for _ in range(3):
        running.pass_time(timedelta(minutes=5))
    assert provider.tenants[group.domain] == 6 == fresh(group).seats_total
    far = Period(date(2999, 1, 1), date(2999, 2, 1))
    assert previews.renewal(running.subscription_of(group), far).quantity == 6
    groups.check_counts(group)


def test_a_refusal_of_the_provider_is_asked_again(group: LicenceGroup, provider: Provider) -> None:
    give_backs.give_back_seats(group, [1], by="alice")
    provider.failing = "Not now."
    running.to_renewal(group)
    assert fresh(group).seats_total == 3
    provider.failing = ""
    running.pass_time(timedelta(hours=2))
    assert fresh(group).seats_total == 2 == provider.tenants[group.domain]


def test_a_group_that_ends_forgets_them(group: LicenceGroup) -> None:
    give_backs.give_back_seats(group, [1], by="alice")
    terminations.request_termination(group, by="alice")
    running.to_renewal(group)
    assert GiveBack.get().status == TerminationStatus.UNDONE
