"""Office Attach after the order: its group, its licences, and the e-mails about them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from models import (
    Account,
    ExchangeService,
    GroupStatus,
    Letter,
    LetterStatus,
    LicenceGroup,
    Order,
    Seat,
    SeatStatus,
)
from shop import mail
from shop.errors import Refusal
from shop.exchange import attached_licences, services
from shop.licences import seats
from shop.orders import attach, orders
from tests.support import exchange, groups, letters
from tests.support.exchange import HERE, letters_of
from tests.support.parties import Provider
from tests.support.visitor import Visitor


@pytest.fixture
def inside(visitor: Visitor, alice: Account, service: ExchangeService) -> Visitor:
    """Alice, signed in."""
    visitor.log_in(alice)
    return visitor


def test_the_letter_of_the_order_says_what_follows(service: ExchangeService) -> None:
    exchange.attached(service, 3)
    text = mail.text_of(letters_of("attach_ordered")[0])
    for said in ("exchange-atelier", "26,40", "31,68", "8,80"):
        assert said in text, said
    assert letters.plain(text)


def test_owners_ticked_get_their_credentials_in_their_mailbox(
    service: ExchangeService, alice: Account
) -> None:
    exchange.attached(service, 2, tells_owner=True)
    own, theirs = letters_of("licence_active"), letters_of("licence_for_owner")
    assert [letter.recipient for letter in theirs] == ["p01@atelier.example", "p02@atelier.example"]
    assert {letter.recipient for letter in own} == {alice.email}
    assert all(letter.is_secret and "First" not in letter.text for letter in theirs)
    text = mail.text_of(theirs[0])
    assert "First 01 Last 01" in text
    assert "Mot de passe" in text
    assert alice.nic_handle not in text


@pytest.mark.parametrize("again", ["by the customer", "by the operator"])
def test_the_owners_letter_sent_again_goes_to_the_owner(
    again: str, service: ExchangeService, alice: Account, app: Flask,
    drain: Callable[[], int],
) -> None:  # fmt: skip
    exchange.attached(service, 1, tells_owner=True)
    (letter,) = letters_of("licence_for_owner")
    if again == "by the customer":
        assert mail.send_again(letter, by=alice.nic_handle)
    else:
        Letter.update(status=LetterStatus.FAILED).where(Letter.id == letter.id).execute()
        app.test_cli_runner().invoke(args=["letters", "retry"])
    drain()
    (letter,) = letters_of("licence_for_owner")
    assert letter.recipient == "p01@atelier.example"


def test_the_owners_letter_bears_the_owners_name(service: ExchangeService, alice: Account) -> None:
    exchange.attached(service, 1, tells_owner=True)
    (own,), (theirs,) = (
        letters_of("licence_active"),
        letters_of("licence_for_owner"),
    )
    assert mail.compose(own, [])["To"] == "Alice Lefèvre <alice@atelier.example>"
    assert mail.compose(theirs, [])["To"] == "First 01 Last 01 <p01@atelier.example>"
    theirs.addressee = ""
    assert mail.compose(theirs, [])["To"] == "p01@atelier.example"


def test_the_next_holder_of_a_licence_is_not_told_of_in_the_mailbox(
    service: ExchangeService, drain: Callable[[], int]
) -> None:
    exchange.attached(service, 1, tells_owner=True)
    seat = Seat.get()
    seats.release(seat, seat.version, by="alice")
    drain()
    seat = Seat.get()
    seats.configure(seat, seat.version, groups.ZOE, by="alice")
    drain()
    assert len(letters_of("licence_for_owner")) == 1
    assert attached_licences.licences_of(list(services.active_accounts(service))) == {}
    seat = Seat.get()
    seats.release(seat, seat.version, by="alice")
    drain()
    seat = Seat.get()
    seats.configure(seat, seat.version, seats.Person("A", "B", "p01"), by="alice")
    drain()
    assert len(letters_of("licence_for_owner")) == 1


def test_an_owner_is_told_after_a_failed_activation_was_tried_again(
    clock: time_machine.Traveller,
    service: ExchangeService,
    provider: Provider,
    drain: Callable[[], int],
) -> None:
    requested = exchange.attach_request(service, 1, tells_owner=True)
    attach.place_order(requested, exchange.seen(requested))
    provider.pending = True
    drain()
    provider.finish()
    provider.failing = "no capacity"
    drain_until_error(clock, drain)
    provider.failing = ""
    seat = Seat.get()
    assert seat.status == SeatStatus.ERROR
    seats.retry(seat, seat.version, by="alice")
    drain()
    assert Seat.get().status == SeatStatus.ACTIVE
    assert len(letters_of("licence_for_owner")) == 1


def drain_until_error(clock: time_machine.Traveller, drain: Callable[[], int]) -> None:
    for _ in range(5):
        clock.shift(120)
        drain()


def test_what_cannot_be_installed_says_so_and_is_tried_again(
    inside: Visitor, service: ExchangeService, provider: Provider, drain: Callable[[], int]
) -> None:
    provider.failing = "The domain is taken."
    requested = exchange.attach_request(service, 2)
    order = attach.place_order(requested, exchange.seen(requested))
    drain()
    inside.open(HERE)
    assert inside.sees("L’installation n’a pas abouti")
    provider.failing = ""
    inside.follow(f"Commande {order.number}")
    inside.press("Réessayer")
    drain()
    inside.open(HERE)
    assert inside.sees("2 licences actives")
    groups.check_counts(LicenceGroup.get())


def test_an_impossible_installation_is_given_up_and_the_offer_returns(
    inside: Visitor, service: ExchangeService, provider: Provider, drain: Callable[[], int]
) -> None:
    requested = exchange.attach_request(service, 2)
    order = attach.place_order(requested, exchange.seen(requested))
    with pytest.raises(Refusal):
        orders.refund_order(order, by="operator")
    provider.failing = "The domain is taken."
    drain()
    orders.refund_order(Order.get(), by="operator")
    provider.failing = ""
    drain()
    inside.open(f"/manager/account/orders/{order.number}")
    assert inside.sees("Rien n’a été débité, et son offre peut de nouveau être utilisée")
    assert LicenceGroup.get().status == GroupStatus.CANCELLED
    inside.open(HERE)
    assert inside.sees("Profitez de cette offre")
    assert exchange.attached(service, 2).seats_active == 2
