"""Seats: configuration, changes and release, and the answers of the provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import Account, Letter, LicenceGroup, Seat, SeatAct, SeatStatus, database
from shop import mail
from shop.errors import Conflict, Refusal
from shop.licences import seats
from shop.licences.seats import Person, seat_states
from shop.licences.seats.actions import StaleVersion
from shop.operations import monitoring
from shop.subscriptions import subscriptions
from tests.support import groups
from tests.support.groups import CAMILLE, ZOE
from tests.support.parties import Bank, Provider

Drain = Callable[[], int]


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank)


def letters(kind: str) -> list[Letter]:
    return list(Letter.select().where(Letter.kind == kind).order_by(Letter.id))


def test_a_configured_seat_becomes_its_holders(group: LicenceGroup, provider: Provider) -> None:
    seat = groups.configured(group)
    assert (seat.status, seat.full_name, seat.login) == ("active", "Camille Dupont", CAMILLE.login)
    address = f"camille.dupont@{group.domain}"
    assert list(provider.users) == [address]
    groups.check_counts(group)


def test_the_letter_brings_the_very_password_the_provider_has(
    group: LicenceGroup, provider: Provider
) -> None:
    groups.configured(group)
    [letter] = letters("licence_active")
    [(address, password)] = provider.users.items()
    assert len(password) == 16
    assert letter.is_secret
    assert password not in letter.text
    text = mail.text_of(letter)
    assert address in text
    assert password in text
    assert "/portal" in text


def test_a_secret_is_forgotten_once_the_letter_is_written(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = groups.seat_of(group)
    seats.configure(seat, 1, CAMILLE, by="alice")
    assert groups.fresh(seat).secret
    drain()
    assert groups.fresh(seat).secret == ""


def test_an_answer_that_got_lost_makes_no_second_account(
    clock: time_machine.Traveller, group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    provider.forgetful = 1
    groups.configured(group)
    clock.shift(timedelta(minutes=1))
    drain()
    assert groups.seat_of(group).status == SeatStatus.ACTIVE
    assert len([act for act in provider.acts if act.startswith("create")]) == 1
    assert len(letters("licence_active")) == 1


def test_a_seat_waits_for_a_provider_that_takes_its_time(
    clock: time_machine.Traveller, group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    provider.pending = True
    seat = groups.configured(group)
    assert seat.status == SeatStatus.ACTIVATING
    clock.shift(timedelta(hours=2))
    drain()
    provider.finish()
    clock.shift(timedelta(minutes=5))
    drain()
    assert groups.fresh(seat).status == SeatStatus.ACTIVE
    assert groups.consumption(group) == [1]


@pytest.mark.parametrize("act", ["configure", "edit", "password", "release"])
def test_what_stays_pending_raises_an_alarm_and_ends_in_an_error(
    clock: time_machine.Traveller, group: LicenceGroup, provider: Provider, drain: Drain, act: str
) -> None:
    if act == "configure":
        provider.pending = True
        seat = groups.configured(group)
    else:
        seat = groups.configured(group)
        provider.pending = True
        begin = {
            "edit": lambda: seats.edit(seat, seat.version, ZOE, by="alice"),
            "password": lambda: seats.change_password(seat, seat.version, "", by="alice"),
            "release": lambda: seats.release(seat, seat.version, by="alice"),
        }
        begin[act]()
        drain()
    assert monitoring.alarms()["late_licences"] == 0
    clock.shift(timedelta(hours=4, minutes=1))
    drain()
    assert monitoring.alarms()["late_licences"] == 1
    clock.shift(timedelta(hours=20))
    drain()
    seat = groups.fresh(seat)
    assert (seat.status, seat.error_code) == (SeatStatus.ERROR, "unfinished")
    assert monitoring.alarms()["late_licences"] == 0
    provider.finish()
    seats.retry(seat, seat.version, by="alice")
    drain()
    ended = SeatStatus.UNCONFIGURED if act == "release" else SeatStatus.ACTIVE
    assert groups.fresh(seat).status == ended
    assert len(provider.users) == (0 if act == "release" else 1)
    groups.check_counts(group)


def test_a_refusal_is_shown_and_can_be_asked_for_again(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    provider.failing, provider.code = "Somebody else has it.", "address_taken"
    seat = groups.configured(group)
    assert (seat.status, seat.act, seat.error_code) == ("error", "activate", "address_taken")
    assert groups.consumption(group) == []
    provider.failing = ""
    seats.retry(seat, seat.version, by="alice")
    drain()
    assert groups.fresh(seat).status == SeatStatus.ACTIVE
    groups.check_counts(group)


def test_a_login_that_was_taken_can_be_corrected_after_the_error(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    provider.failing = "no"
    seat = groups.configured(group)
    provider.failing = ""
    seats.edit(seat, seat.version, ZOE, by="alice")
    drain()
    assert groups.fresh(seat).login == "zoe"
    assert list(provider.users) == [f"zoe@{group.domain}"]
    assert len(letters("licence_active")) == 1


def test_a_provider_silent_for_good_ends_in_an_error_and_leaves_nothing_behind(
    clock: time_machine.Traveller, group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    """The last response was lost: the account exists, and the next attempt adopts it."""
    provider.forgetful = 1
    seat = groups.configured(group)
    provider.silent = True
    for _ in range(12):
        clock.shift(timedelta(hours=2))
        drain()
    seat = groups.fresh(seat)
    assert (seat.status, seat.error_code) == (SeatStatus.ERROR, "unavailable")
    provider.silent = False
    seats.edit(seat, seat.version, ZOE, by="alice")
    drain()
    assert groups.fresh(seat).status == SeatStatus.ACTIVE
    assert list(provider.users) == [f"zoe@{group.domain}"]
    assert provider.users[f"zoe@{group.domain}"] in mail.text_of(letters("licence_active")[0])


def test_releasing_after_a_failed_activation_takes_away_what_was_made(
    clock: time_machine.Traveller, group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    provider.forgetful = 1
    seat = groups.configured(group)
    provider.silent = True
    for _ in range(12):
        clock.shift(timedelta(hours=2))
        drain()
    provider.silent = False
    seat = groups.fresh(seat)
    seats.release(seat, seat.version, by="alice")
    drain()
    assert groups.fresh(seat).status == SeatStatus.UNCONFIGURED
    assert provider.users == {}
    assert groups.consumption(group) == []
    assert letters("licence_released") == []


def test_an_edit_changes_the_account(group: LicenceGroup, provider: Provider, drain: Drain) -> None:
    seat = groups.configured(group)
    seats.edit(seat, seat.version, ZOE, by="alice")
    assert groups.fresh(seat).status == SeatStatus.UPDATING
    drain()
    assert groups.fresh(seat).status == SeatStatus.ACTIVE
    assert list(provider.users) == [f"zoe@{group.domain}"]
    assert groups.consumption(group) == [1]
    groups.check_counts(group)


def test_a_chosen_password_reaches_the_provider_and_the_letter(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = groups.configured(group)
    seats.change_password(seat, seat.version, "Chouette-42", by="alice")
    drain()
    assert list(provider.users.values()) == ["Chouette-42"]
    assert "Chouette-42" in mail.text_of(letters("seat_password_changed")[0])


def test_a_password_left_blank_is_generated(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = groups.configured(group)
    before = list(provider.users.values())
    seats.change_password(seat, seat.version, "", by="alice")
    drain()
    after = list(provider.users.values())
    assert after != before
    assert len(after[0]) == 16


def test_a_released_seat_has_no_holder_and_can_be_given_again(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = groups.configured(group)
    seats.release(seat, seat.version, by="alice")
    drain()
    seat = groups.fresh(seat)
    assert (seat.status, seat.shown_login, seat.first_name) == ("unconfigured", "configureme", "")
    assert provider.users == {}
    assert len(letters("licence_released")) == 1
    assert groups.configured(group).status == SeatStatus.ACTIVE
    assert groups.consumption(group) == [1, -1, 1]
    assert len(letters("licence_active")) == 2
    groups.check_counts(group)


def test_releasing_during_activation_is_refused_and_the_activation_goes_on(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = seats.configure(groups.seat_of(group), 1, CAMILLE, by="alice")
    with pytest.raises(Refusal, match="wait until it is done"):
        seats.release(seat, seat.version, by="bob")
    drain()
    assert groups.fresh(seat).status == SeatStatus.ACTIVE


def test_a_form_of_an_older_version_is_refused_and_shows_the_holder(
    group: LicenceGroup, provider: Provider
) -> None:
    old = groups.seat_of(group)
    groups.configured(group)
    with pytest.raises(StaleVersion) as refusal:
        seats.configure(old, old.version, ZOE, by="bob")
    assert isinstance(refusal.value, Conflict)
    assert refusal.value.seat.full_name == "Camille Dupont"
    assert len(letters("licence_active")) == 1


def test_an_edit_does_not_overwrite_one_that_is_done_already(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = groups.configured(group)
    seats.edit(groups.fresh(seat), seat.version, ZOE, by="alice")
    drain()
    with pytest.raises(StaleVersion):
        seats.edit(seat, seat.version, CAMILLE, by="bob")
    assert groups.fresh(seat).login == "zoe"


def test_a_login_is_unique_in_its_group_whatever_its_case(
    group: LicenceGroup, provider: Provider
) -> None:
    groups.configured(group)
    shouted = Person("Camille", "Durand", "CAMILLE.dupont")
    with pytest.raises(Refusal, match="has this login") as refusal:
        seats.configure(groups.seat_of(group, 2), 1, shouted, by="alice")
    assert refusal.value.field == "login"
    groups.check_counts(group)


def test_another_group_may_have_the_same_login(
    group: LicenceGroup, alice: Account, bank: Bank, provider: Provider
) -> None:
    groups.configured(group)
    other = groups.installed(alice, bank, 1, "pro_plus")
    assert groups.configured(other).status == SeatStatus.ACTIVE


def test_nothing_changes_in_a_suspended_group(group: LicenceGroup, provider: Provider) -> None:
    LicenceGroup.update(status="suspended").execute()
    with pytest.raises(Refusal, match="cannot be changed"):
        seats.configure(groups.seat_of(group), 1, CAMILLE, by="alice")


def test_seats_end_with_their_group(group: LicenceGroup, provider: Provider, drain: Drain) -> None:
    from shop import transitions

    held = groups.configured(group)
    waiting = seats.configure(groups.seat_of(group, 2), 1, groups.ZOE, by="alice")
    assert waiting.secret
    with database.atomic():
        subscriptions.terminate_group(group, by="operator")
    drain()
    groups.check_counts(group)
    assert {seat.status for seat in Seat.select()} == {SeatStatus.ENDED}
    assert groups.fresh(group).seats_by_status[SeatStatus.ENDED] == 3
    assert (groups.fresh(waiting).secret, groups.fresh(waiting).act) == ("", SeatAct.NONE)
    assert groups.fresh(held).login == groups.CAMILLE.login
    assert provider.users == {}
    assert groups.consumption(group) == [+1, -1]
    last = transitions.history(held)[-1]
    assert (last.name, last.from_status, last.by) == ("seat_ended", "active", "operator")


def test_no_seat_is_added_to_a_group_that_has_ended(group: LicenceGroup) -> None:
    with database.atomic():
        subscriptions.terminate_group(group, by="operator")
    with pytest.raises(seat_states.GroupEnded):
        seat_states.create_seats(group, group.line, 4, 1)
    assert Seat.select().count() == 3


def test_work_under_way_in_a_terminated_group_is_left(
    group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    seat = seats.configure(groups.seat_of(group), 1, CAMILLE, by="alice")
    LicenceGroup.update(status="terminated").execute()
    drain()
    assert groups.fresh(seat).status == SeatStatus.ACTIVATING
    assert provider.users == {}


def test_every_seat_has_its_record(group: LicenceGroup, provider: Provider) -> None:
    from shop import transitions

    seat = groups.configured(group)
    told = [(event.name, event.by) for event in transitions.history(seat)]
    assert told == [("seat_activating", "alice"), ("seat_active", "provider")]
    assert Seat.get().act == SeatAct.NONE
