"""A licence's password for its holder: by a link that shows it once, within 72 hours."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import Account, Event, GroupStatus, Handover, Letter, LicenceGroup, Seat, SeatStatus
from shop import mail, transitions
from shop.delivery import handovers
from shop.errors import Conflict, Refusal
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import seat_states
from shop.operations import audit, key_rotation
from shop.personal_data import blanking, retention
from shop.security import encryption, rate_limits
from tests.support import cast, groups, racing
from tests.support.client import browser
from tests.support.groups import CAMILLE
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

Drain = Callable[[], int]

HERS = "camille@home.example"


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank, 3)


def configured(group: LicenceGroup, recipient: str | None = HERS) -> Seat:
    seat = groups.seat_of(group)
    seats.configure(seat, seat.version, CAMILLE, "alice", recipient)
    queue.drain()
    return found(group)


def found(group: LicenceGroup, number: int = 1) -> Seat:
    seat = groups.seat_of(group, number)
    seat.group = groups.fresh(group)
    return seat


def letters(kind: str = "licence_link") -> list[Letter]:
    return list(Letter.select().where(Letter.kind == kind).order_by(Letter.id))


def token_of(letter: Letter) -> str:
    return re.search(r"/licence/([\w-]{43})", mail.html_of(letter))[1]


def password_of(provider: Provider) -> str:
    [password] = provider.users.values()
    return password


# --- Sending ---------------------------------------------------------------------------------


def test_the_person_gets_a_link_and_nobody_gets_the_password(
    group: LicenceGroup, provider: Provider
) -> None:
    seat = configured(group)
    assert seat.status == SeatStatus.ACTIVE
    assert not letters("licence_active")
    [letter] = letters()
    assert letter.recipient == HERS
    assert letter.is_secret
    text = mail.text_of(letter)
    assert password_of(provider) not in text + mail.html_of(letter)
    assert f"{CAMILLE.login}@{group.domain}" in text
    # Nothing that the customer wrote stands in an e-mail to an address that nobody proved.
    for written in (CAMILLE.first_name, CAMILLE.last_name, group.display_name, "Atelier"):
        assert written not in text + mail.html_of(letter) + letter.subject
    assert [row for row in audit.find_faults(timedelta(0)) if "credentials" in row] == []


def test_a_password_told_to_nobody_is_written_nowhere(
    group: LicenceGroup, provider: Provider
) -> None:
    seat = configured(group, "")
    assert not letters()
    assert not letters("licence_active")
    assert handovers.of_seat(seat) is None
    assert Handover.get().secret == ""
    assert [row for row in audit.find_faults(timedelta(0)) if "credentials" in row] == []


def test_without_a_choice_the_customer_gets_it_as_before(group: LicenceGroup) -> None:
    configured(group, None)
    assert len(letters("licence_active")) == 1
    assert not Handover.select().exists()


def test_a_new_password_is_sent_the_same_way_and_ends_the_former_link(
    group: LicenceGroup, provider: Provider
) -> None:
    seat = configured(group)
    former = token_of(letters()[0])
    seats.change_password(seat, seat.version, "", "alice", recipient="camille@work.example")
    assert handovers.reveal(former) is None
    queue.drain()
    assert not letters("seat_password_changed")
    assert letters()[1].recipient == "camille@work.example"
    shown = handovers.reveal(token_of(letters()[1]))
    assert shown.password == password_of(provider)


def test_the_choice_survives_a_refusal_of_the_provider(
    group: LicenceGroup, provider: Provider
) -> None:
    provider.failing = "no capacity"
    seat = configured(group)
    assert seat.status == SeatStatus.ERROR
    assert not letters()
    provider.failing = ""
    seats.retry(seat, seat.version, by="alice")
    queue.drain()
    assert [letter.recipient for letter in letters()] == [HERS]
    assert not letters("licence_active")


def test_a_release_ends_the_link_and_forgets_the_password(group: LicenceGroup) -> None:
    seat = configured(group)
    seats.release(seat, seat.version, by="alice")
    assert handovers.reveal(token_of(letters()[0])) is None
    assert Handover.get().secret == ""
    queue.drain()
    assert found(group).status == SeatStatus.UNCONFIGURED


def test_the_end_of_the_group_ends_the_links(group: LicenceGroup) -> None:
    configured(group)
    seat_states.end_seats(group, by="test")
    assert Handover.get().secret == ""
    assert handovers.reveal(token_of(letters()[0])) is None


@pytest.mark.parametrize("typed", ["", "camille", "camille@", "a b@home.example", "x" * 260])
def test_what_is_no_address_is_refused(group: LicenceGroup, typed: str) -> None:
    with pytest.raises(Refusal) as refusal:
        handovers.read_recipient(typed, group)
    assert refusal.value.field == "recipient"


def test_the_mailbox_of_the_licence_itself_is_refused(group: LicenceGroup) -> None:
    with pytest.raises(Refusal, match="this very password"):
        handovers.read_recipient(f"Zoe@{group.domain.upper()}", group)
    assert handovers.read_recipient(" Camille@Home.Example ", group) == HERS


# --- Reading ---------------------------------------------------------------------------------


def test_the_password_is_shown_once_and_then_gone(group: LicenceGroup, provider: Provider) -> None:
    seat = configured(group)
    token = token_of(letters()[0])
    kept = Handover.get()
    assert token not in (kept.token_digest, kept.secret)
    assert password_of(provider) not in kept.secret
    shown = handovers.reveal(token)
    assert (shown.address, shown.password) == next(iter(provider.users.items()))
    assert handovers.reveal(token) is None
    kept = Handover.get()
    assert kept.is_read
    assert kept.secret == ""
    names = [row.name for row in Event.select().where(Event.subject_id == seat.id)]
    assert names.count("seat_link_sent") == names.count("seat_link_read") == 1


def test_of_several_presses_at_the_same_moment_one_shows_it(
    group: LicenceGroup, provider: Provider
) -> None:
    configured(group)
    token = token_of(letters()[0])
    outcomes = racing.race(lambda: handovers.reveal(token), 6)
    shown = [outcome for outcome in outcomes if outcome is not None]
    assert len(shown) == 1, outcomes
    assert shown[0].password == password_of(provider)
    assert Event.select().where(Event.name == "seat_link_read").count() == 1


def test_a_press_and_a_new_link_at_the_same_moment_show_it_once(
    group: LicenceGroup, provider: Provider
) -> None:
    seat = configured(group)
    token = token_of(letters()[0])
    todo = [
        lambda: handovers.reveal(token),
        lambda: handovers.send_again(seat, HERS, by="alice"),
    ]
    outcomes = racing.race(lambda: todo.pop()(), 2)
    was_shown = any(isinstance(outcome, handovers.Credentials) for outcome in outcomes)
    was_refused = any(isinstance(outcome, Conflict) for outcome in outcomes)
    assert was_shown == was_refused, outcomes
    assert len(letters()) == (1 if was_shown else 2)


def test_a_link_dies_after_72_hours(group: LicenceGroup, clock: time_machine.Traveller) -> None:
    configured(group)
    token = token_of(letters()[0])
    clock.shift(timedelta(hours=72) - timedelta(minutes=1))
    assert handovers.is_open(handovers.find_handover(token))
    clock.shift(timedelta(minutes=1))
    assert not handovers.is_open(handovers.find_handover(token))
    assert handovers.reveal(token) is None
    assert not Handover.get().is_read


def test_a_new_link_replaces_one_that_was_not_read(
    group: LicenceGroup, provider: Provider, clock: time_machine.Traveller
) -> None:
    seat = configured(group)
    clock.shift(timedelta(hours=80))
    handovers.send_again(seat, "camille@work.example", by="alice")
    queue.drain()
    first, second = letters()
    assert second.recipient == "camille@work.example"
    assert handovers.find_handover(token_of(first)) is None
    assert handovers.reveal(token_of(second)).password == password_of(provider)
    with pytest.raises(Conflict):
        handovers.send_again(found(group), HERS, by="alice")


def test_a_suspended_group_sends_no_link(group: LicenceGroup) -> None:
    configured(group)
    transitions.move(group, GroupStatus.SUSPENDED, by="test")
    with pytest.raises(Conflict):
        handovers.send_again(found(group), HERS, by="alice")


def test_an_address_gets_no_more_emails_than_any_that_is_not_proved(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[object, str]] = []
    seat = configured(group)
    monkeypatch.setattr(
        rate_limits, "count_attempt", lambda item, what, who: counted.append((item, what))
    )
    handovers.send_again(seat, HERS, by="alice")
    assert (rate_limits.CONFIRMATIONS_PER_EMAIL, "email-proof") in counted

    def refuse(*_: object) -> None:
        raise rate_limits.RateLimited("Too many", 60)

    monkeypatch.setattr(rate_limits, "count_attempt", refuse)
    with pytest.raises(Refusal) as refusal:
        handovers.count_recipient(HERS)
    assert refusal.value.field == "recipient"


def test_the_email_waits_until_the_customer_has_proved_their_own_address(
    group: LicenceGroup, alice: Account
) -> None:
    configured(group)
    [letter] = letters()
    letter.status = "queued"
    assert not letter.awaits_proof(alice)
    alice.email_proved_at = None
    assert letter.awaits_proof(alice)


# --- What is kept ----------------------------------------------------------------------------


def test_passwords_are_encrypted_anew_with_a_new_key(
    group: LicenceGroup, provider: Provider
) -> None:
    configured(group)
    before = Handover.get().secret
    assert key_rotation.reseal_all()[0] > 0
    after = Handover.get().secret
    assert after != before
    assert encryption.unseal(after) == password_of(provider)


def test_links_go_thirty_days_after_they_expired(
    group: LicenceGroup, clock: time_machine.Traveller
) -> None:
    configured(group)
    clock.shift(timedelta(days=32))
    assert retention.run_retention()["links"] == 0
    clock.shift(timedelta(days=2))
    assert retention.run_retention()["links"] == 1
    assert not Handover.select().exists()


def test_an_erasure_forgets_addresses_and_passwords(group: LicenceGroup) -> None:
    configured(group)
    seat_states.end_seats(group, by="test")
    blanking.blank_people(group)
    assert not Handover.select().exists()
    assert HERS not in {letter.recipient for letter in letters()}


# --- The pages -------------------------------------------------------------------------------


@pytest.fixture
def here(visitor: Visitor, alice: Account, group: LicenceGroup) -> str:
    visitor.log_in(alice)
    return f"/manager/groups/{group.name}"


PERSON = {"first_name": "Camille", "last_name": "Dupont", "login": "camille.dupont"}


def test_the_customer_chooses_the_person_and_sees_that_it_was_read(
    visitor: Visitor, here: str, app: Flask, provider: Provider, drain: Drain
) -> None:
    visitor.open(f"{here}/seats/1/configuration")
    visitor.press("Valider", **PERSON, send_to="person", recipient="nonsense")
    assert visitor.response.status_code == 422
    assert visitor.sees("ressemble pas à une adresse e-mail")
    assert visitor.find("input", value="nonsense") is not None
    visitor.press("Valider", send_to="person", recipient=HERS)
    drain()
    visitor.open(here)
    assert visitor.sees("Mot de passe pas encore lu")

    holder = Visitor(browser(app))
    link = f"/fr/licence/{token_of(letters()[0])}"
    for _ in range(2):  # as programs that search e-mails for viruses do
        assert holder.open(link).status_code == 200
        assert password_of(provider) not in holder.response.text
    assert holder.response.headers["Cache-Control"] == "no-store"
    assert holder.response.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in holder.response.headers["X-Robots-Tag"]
    holder.press("Afficher le mot de passe")
    assert holder.sees(password_of(provider))
    assert holder.response.headers["Cache-Control"] == "no-store"
    assert holder.open(link).status_code == 410
    assert holder.sees("Le mot de passe a déjà été affiché")
    assert password_of(provider) not in holder.response.text

    visitor.open(here)
    assert visitor.sees("Mot de passe lu")
    visitor.open(f"{here}/seats/1/link")
    assert visitor.sees(HERS)
    assert visitor.sees("Lu le")


def test_a_link_that_was_not_read_is_sent_again_to_a_better_address(
    visitor: Visitor, alice: Account, group: LicenceGroup, clock: time_machine.Traveller
) -> None:
    configured(group)
    clock.shift(timedelta(hours=73))
    here = f"/manager/groups/{group.name}"
    visitor.log_in(alice)
    visitor.open(here)
    assert visitor.sees("Lien expiré, non lu")
    visitor.open(f"{here}/seats/1/link")
    assert visitor.press("Envoyer un nouveau lien", recipient="x").status_code == 422
    visitor.press("Envoyer un nouveau lien", recipient="camille@work.example")
    assert visitor.sees("Un nouveau lien est en route vers camille@work.example.")
    assert visitor.sees("Pas encore lu")
    assert letters()[1].recipient == "camille@work.example"


def test_a_link_that_leads_nowhere_is_not_found(app: Flask, group: LicenceGroup) -> None:
    stranger = browser(app)
    for token in ("x" * 43, "0"):
        assert stranger.get(f"/fr/licence/{token}").status_code == 404
        assert stranger.ask("POST", f"/fr/licence/{token}").status_code == 404


def test_a_stranger_sees_nothing_of_a_link(app: Flask, group: LicenceGroup) -> None:
    configured(group)
    visitor = Visitor(browser(app))
    visitor.log_in(cast.register(cast.CHARLIE))
    address = f"/manager/groups/{group.name}/seats/1/link"
    assert visitor.client.get(address).status_code == 404
    assert visitor.client.ask("POST", address, {"recipient": HERS}).status_code == 404
    assert len(letters()) == 1
