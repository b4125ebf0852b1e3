"""Licences that nobody uses: who never signs in, what that costs, and giving them back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from models import Account, Event, Letter, LicenceGroup, Seat
from shop import clock
from shop.errors import Conflict, Refusal
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import Person, idle
from shop.licences.seats.actions import StaleVersion
from shop.subscriptions import (
    give_backs,
    price_changes,
    renewals,
    sign_ins,
    terminations,
    unused,
)
from tests.support import groups, queries, running
from tests.support.groups import CAMILLE, ZOE
from tests.support.parties import Bank, Provider

Drain = Callable[[], int]


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """A group of three licences: Camille's, Zoé's, and one that is not configured."""
    made = running.delivered(alice, bank, quantity=3)
    groups.configured(made, 1, CAMILLE)
    groups.configured(made, 2, ZOE)
    return groups.fresh(made)


def sign_in(provider: Provider, group: LicenceGroup, person: Person = CAMILLE) -> None:
    address = f"{person.login}@{group.domain}"
    assert provider.can_sign_in(address, provider.users[address])


def read_sign_ins() -> None:
    """Do what the worker does in a day: begin, and go on until everybody was asked about."""
    sign_ins.begin_reading()
    queue.drain()
    for _ in range(20):
        running.move_on(sign_ins.PACE)
        queue.drain()


def idle_of(group: LicenceGroup) -> list[str | None]:
    groups.check_counts(group)
    return [seat.login for seat in idle.of_group(group).rows]


def test_who_never_signed_in_within_thirty_days_is_idle(
    group: LicenceGroup, provider: Provider
) -> None:
    sign_in(provider, group, CAMILLE)
    running.move_on(timedelta(days=29))
    read_sign_ins()
    assert (idle_of(group), provider.sign_ins_asked) == ([], []), "they have time until tomorrow"
    running.move_on(timedelta(days=1))
    assert unused.of_group(groups.fresh(group)).is_unknown
    read_sign_ins()
    assert idle_of(group) == ["zoe"]
    told = unused.of_group(groups.fresh(group))
    assert (told.unconfigured, told.idle, told.number) == (1, 1, 2)
    assert (told.price_cents, told.cents) == (880, 1760)
    assert not told.is_unknown
    assert told.seen_at is not None


def test_who_signed_in_once_is_not_asked_about_again(
    group: LicenceGroup, provider: Provider
) -> None:
    sign_in(provider, group, CAMILLE)
    running.move_on(timedelta(days=31))
    read_sign_ins()
    assert [len(users) for users in provider.sign_ins_asked] == [2]
    sign_in(provider, group, ZOE)
    running.move_on(timedelta(days=1))
    read_sign_ins()
    assert [len(users) for users in provider.sign_ins_asked] == [2, 1]
    assert idle_of(group) == []
    running.move_on(timedelta(days=1))
    read_sign_ins()
    assert len(provider.sign_ins_asked) == 2


def test_a_provider_that_does_not_tell_makes_nobody_idle(
    group: LicenceGroup, provider: Provider
) -> None:
    running.move_on(timedelta(days=31))
    read_sign_ins()
    assert idle_of(group) == ["camille.dupont", "zoe"]
    provider.sign_ins = None
    running.move_on(timedelta(days=1))
    read_sign_ins()
    assert idle_of(group) == []
    told = unused.of_group(groups.fresh(group))
    assert (told.idle, told.is_unknown, told.seen_at) == (0, True, None)


def test_a_silent_provider_leaves_what_was_known_and_the_next_group_its_turn(
    group: LicenceGroup, provider: Provider, alice: Account, bank: Bank
) -> None:
    other = running.delivered(alice, bank)
    groups.configured(other)
    running.move_on(timedelta(days=31))
    provider.silent = True
    sign_ins.begin_reading()
    for _ in range(30):
        running.move_on(timedelta(minutes=30))
        queue.drain()
    provider.silent = False
    assert idle_of(group) == []
    running.move_on(timedelta(days=1))
    read_sign_ins()
    assert len(idle_of(group)) == 2
    assert len(idle_of(other)) == 1


def test_many_people_are_asked_about_in_bounded_calls_at_a_pace(
    group: LicenceGroup, provider: Provider, monkeypatch: pytest.MonkeyPatch, alice: Account,
    bank: Bank,
) -> None:  # fmt: skip
    other = running.delivered(alice, bank)
    groups.configured(other)
    monkeypatch.setattr(sign_ins, "MOST_SIGN_INS", 1)
    running.move_on(timedelta(days=31))
    sign_ins.begin_reading()
    queue.drain()
    assert len(provider.sign_ins_asked) == 1
    queue.drain()
    assert len(provider.sign_ins_asked) == 1, "not before its pace"
    read_sign_ins()
    assert [len(users) for users in provider.sign_ins_asked] == [1, 1, 1]
    assert len(idle_of(group)) == 2
    assert len(idle_of(other)) == 1


def test_the_worker_begins_once_a_day(group: LicenceGroup, provider: Provider) -> None:
    running.move_on(timedelta(days=31))
    for _ in range(2):
        renewals.queue_runs()
        queue.drain()
    assert len(provider.sign_ins_asked) == 1


def test_a_change_of_an_idle_licence_is_counted(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    running.move_on(timedelta(days=31))
    read_sign_ins()
    for number, act in ((1, seats.edit), (2, None)):
        seat = groups.seat_of(group, number)
        if act:
            act(seat, seat.version, Person("Lou", "Petit", "lou"), by="alice")
        else:
            seats.release(seat, seat.version, by="alice")
        drain()
        groups.check_counts(group)
    assert idle_of(group) == []
    assert unused.of_group(groups.fresh(group)).unconfigured == 2
    read_sign_ins()
    assert idle_of(group) == [], "asked today already"
    running.move_on(timedelta(days=1))
    read_sign_ins()
    assert idle_of(group) == ["lou"]


def test_a_new_holder_has_thirty_days_again(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    running.move_on(timedelta(days=31))
    seat = groups.seat_of(group)
    seats.release(seat, seat.version, by="alice")
    drain()
    groups.configured(group, 1, Person("Lou", "Petit", "lou"))
    read_sign_ins()
    assert idle_of(group) == ["zoe"]


def test_licences_given_back_cost_nothing_any_more(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    running.move_on(timedelta(days=31))
    read_sign_ins()
    give_backs.give_back_seats(groups.fresh(group), [1, 3], by="alice")
    assert idle_of(group) == ["zoe"]
    assert unused.of_group(groups.fresh(group)).number == 1
    running.move_on(timedelta(days=1))
    read_sign_ins()
    assert idle_of(group) == ["zoe"]


def test_nobody_is_idle_in_a_group_that_has_ended(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    running.move_on(timedelta(days=31))
    read_sign_ins()
    assert len(idle_of(group)) == 2
    terminations.request_termination(groups.fresh(group), by="alice")
    assert unused.of_group(groups.fresh(group)).cents == 0, "it does not renew"


def test_the_price_is_that_of_the_next_renewal(group: LicenceGroup, provider: Provider) -> None:
    assert unused.of_group(group).price_cents == 880
    price_changes.change_price("business", 1000, clock.now() + timedelta(days=1))
    price_changes.announce_all()
    assert unused.of_group(group).price_cents == 880, "announced for the renewal after"
    running.to_renewal(group)
    assert unused.of_group(group).price_cents == 1000


def test_reading_what_nobody_uses_reads_no_whole_table(
    group: LicenceGroup, provider: Provider, alice: Account
) -> None:
    for read in (
        lambda: unused.of_group(group),
        lambda: idle.of_group(group),
        lambda: idle.next_to_ask(0, 0, 10),
        lambda: unused.groups_needing_attention(alice, 10),
    ):
        assert queries.scanned_by(read) == []
    with queries.recorded() as statements:
        unused.of_group(group)
    assert len(statements) == 1


# --- Release and give back -------------------------------------------------------------------


def given_back(group: LicenceGroup) -> list[int]:
    return [row.number for row in give_backs.for_group(group)]


def test_a_licence_is_released_and_given_back_in_one_step(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = groups.seat_of(group)
    assert unused.release_and_give_back(seat, seat.version, by="alice")
    assert given_back(group) == [1]
    drain()
    assert groups.seat_of(group).status == "unconfigured"
    assert f"{CAMILLE.login}@{group.domain}" not in provider.users
    kinds = [row.kind for row in Letter.select().where(
        Letter.kind.in_(["licences_given_back", "licence_released"])
    )]  # fmt: skip
    assert sorted(kinds) == ["licence_released", "licences_given_back"]
    groups.check_counts(group)


def test_the_same_form_sent_again_changes_nothing(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = groups.seat_of(group)
    version = seat.version
    assert unused.release_and_give_back(seat, version, by="alice")
    assert not unused.release_and_give_back(groups.seat_of(group), version, by="alice")
    drain()
    give_backs.give_back_seats(groups.fresh(group), [2], by="alice")
    assert not unused.release_and_give_back(groups.seat_of(group), version, by="alice")
    assert given_back(group) == [1, 2]
    assert Event.select().where(Event.name == "seat_releasing").count() == 1


def test_what_is_refused_leaves_both_undone(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = groups.seat_of(group)
    with pytest.raises(StaleVersion):
        unused.release_and_give_back(seat, seat.version - 1, by="alice")
    assert given_back(group) == []
    give_backs.give_back_seats(groups.fresh(group), [2], by="alice")
    other = groups.seat_of(group, 2)
    with pytest.raises(Conflict, match="given back already"):
        unused.release_and_give_back(other, other.version, by="alice")
    assert groups.seat_of(group, 2).status == "active"
    give_backs.give_back_seats(groups.fresh(group), [3], by="alice")
    with pytest.raises(Refusal, match="At least one licence stays"):
        unused.release_and_give_back(seat, seat.version, by="alice")
    assert groups.seat_of(group).status == "active"
    assert given_back(group) == [2, 3]
    assert Seat.select().where(Seat.status == "releasing").count() == 0
