"""Office Attach without a stored card: the bank registers one first, and charges nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from models import (
    Account,
    Attach,
    Card,
    CardSetup,
    Seat,
)
from shop import clock as shop_clock
from shop import transitions
from shop.payments import card_setups, cards
from shop.payments.gateway import CheckoutStatus
from tests.support import exchange
from tests.support.exchange import HERE, letters_of, nothing_happened
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor


@pytest.fixture
def cardless(visitor: Visitor, alice: Account, bank: Bank, provider: Provider) -> Visitor:
    """Alice, signed in, with a service and no card."""
    exchange.service(alice, 3)
    visitor.log_in(alice)
    visitor.open(f"{HERE}/attach/review")
    return visitor


def to_the_bank(visitor: Visitor, bank: Bank) -> str:
    """Confirm with a changed login. Return the checkout at the bank."""
    name = next(
        field.get("name", "")
        for field in visitor._page().iter("input")
        if field.get("name", "").startswith("login-")
    )
    answer = visitor.press(
        "Valider", **{name: "my.own.login", "owners": True, "accepted": True, "renewal": True}
    )
    assert answer.status_code == 303
    reference = list(bank.checkouts)[-1]
    assert answer.location == bank.checkouts[reference].url
    return reference


def test_without_a_card_one_is_registered_first_and_nothing_charged(
    cardless: Visitor, bank: Bank, drain: Callable[[], int]
) -> None:
    assert cardless.sees("Aucune carte n’est encore enregistrée")
    reference = to_the_bank(cardless, bank)
    request = bank.requests[reference]
    assert (request.amount_cents, request.store_card) == (0, True)
    assert nothing_happened()
    bank.tell(reference, CheckoutStatus.SUCCEEDED)
    cardless.open(request.return_url)
    assert cardless.sees("Votre carte est enregistrée")
    assert cardless.sees("4242")
    assert cardless.find("input", value="my.own.login") is not None
    assert nothing_happened()
    cardless.press("Valider")
    drain()
    assert Attach.get().licences == 3
    assert "my.own.login" in {seat.login for seat in Seat.select()}
    assert len(letters_of("licence_for_owner")) == 3
    assert Card.select().count() == 1
    assert CardSetup.get().typed == {}
    assert bank.balance() == 0


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (CheckoutStatus.DECLINED, "card_declined", "Votre banque a refusé la carte"),
        (CheckoutStatus.DECLINED, "expired_card", "La carte a expiré"),
        (CheckoutStatus.DECLINED, "authentication_failed", "authentification forte"),
        (CheckoutStatus.CLOSED, "", "Aucune carte n’a été enregistrée"),
        (CheckoutStatus.PROCESSING, "", "La banque confirme votre carte"),
    ],
)
def test_a_card_that_is_not_registered_leaves_everything_typed(
    cardless: Visitor, bank: Bank, status: CheckoutStatus, reason: str, said: str
) -> None:
    reference = to_the_bank(cardless, bank)
    bank.tell(reference, status, reason)
    cardless.open(bank.requests[reference].return_url)
    assert cardless.sees(said)
    assert cardless.find("input", value="my.own.login") is not None
    assert not Card.select().exists()
    to_the_bank(cardless, bank)
    assert nothing_happened()


def test_a_silent_bank_loses_nothing_typed(cardless: Visitor, bank: Bank) -> None:
    bank.silent = True
    answer = cardless.press("Valider", accepted=True, renewal=True, owners=True)
    assert answer.status_code == 422
    assert cardless.sees("La banque ne répond pas")
    assert cardless.find("input", id="accepted", checked="") is not None
    assert nothing_happened()


def test_the_banks_word_counts_once_and_by_every_way(
    clock: time_machine.Traveller, cardless: Visitor, bank: Bank, drain: Callable[[], int]
) -> None:
    reference = to_the_bank(cardless, bank)
    bank.tell(reference, CheckoutStatus.SUCCEEDED)
    notify = {"X-Signed": "yes"}
    for _ in range(2):
        answer = cardless.client.post("/notifications/bank", data=reference, headers=notify)
        assert answer.status_code == 204
    clock.shift(3600)
    drain()
    assert Card.select().count() == 1
    setup = card_setups.CHECKOUTS.by_checkout(reference)
    assert setup is not None
    assert [event.to_status for event in transitions.history(setup)] == ["open", "succeeded"]


def test_a_registration_without_a_notification_is_looked_up(
    clock: time_machine.Traveller, cardless: Visitor, bank: Bank, drain: Callable[[], int]
) -> None:
    bank.tell(to_the_bank(cardless, bank), CheckoutStatus.SUCCEEDED)
    clock.shift(3600)
    drain()
    assert Card.select().count() == 1


def test_the_way_back_needs_no_cookie(cardless: Visitor, app: Flask, bank: Bank) -> None:
    reference = to_the_bank(cardless, bank)
    stranger = Visitor(app.test_client())
    stranger.open(bank.requests[reference].return_url)
    assert stranger.sees("La banque confirme votre carte")
    bank.tell(reference, CheckoutStatus.SUCCEEDED)
    stranger.open(bank.requests[reference].return_url)
    assert stranger.sees("Votre carte est enregistrée")
    assert not stranger.sees("my.own.login")


def test_a_registry_entry_of_another_company_fills_in_nothing(
    cardless: Visitor, app: Flask, bank: Bank, charlie: Account
) -> None:
    to_the_bank(cardless, bank)
    exchange.service(charlie, 2, name="exchange-charlie")
    theirs = Visitor(app.test_client())
    theirs.log_in(charlie)
    setup = card_setups.CHECKOUTS.by_checkout(list(bank.checkouts)[-1])
    assert setup is not None
    theirs.open(f"/manager/exchange/exchange-charlie/attach/review?card={setup.id}")
    assert theirs.response.status_code == 200
    assert theirs.find("input", value="my.own.login") is None


def test_a_removed_card_is_not_a_stored_card_and_an_expired_one_is_the_banks_to_judge(
    clock: time_machine.Traveller, alice: Account, bank: Bank
) -> None:
    exchange.with_card(alice, bank)
    assert cards.stored_card(alice) is not None
    clock.move_to("2031-01-01")
    assert cards.stored_card(alice) is not None
    Card.update(removed_at=shop_clock.now()).execute()
    assert cards.stored_card(alice) is None
