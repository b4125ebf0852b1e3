"""To the bank and back: with or without a cookie, before or after its notification, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from models import Account, Event, Job, Letter, Order, OrderStatus, Payment, PaymentStatus
from shop.payments import outcomes
from shop.payments.gateway import CheckoutStatus
from tests.support.client import CheckingClient, browser
from tests.support.journeys import Shopper
from tests.support.parties import Bank

BANK = "https://bank.example/pay/"


@pytest.fixture(params=["fr", "en"])
def shopper(client: CheckingClient, request: pytest.FixtureRequest) -> Shopper:
    return Shopper(client, request.param)


def go_to_bank(shopper: Shopper, account: Account, renewals: str = "self") -> str:
    """Order and press "Pay by card". Return the checkout's reference at the bank."""
    if not shopper.address.endswith("/payments"):
        shopper.order(account)
    pressed = shopper.go_to_bank(renewals)
    assert pressed.location.startswith(BANK), pressed.status
    return pressed.location.removeprefix(BANK)


def tell_shop(app: Flask, checkout: str, *, signed: bool = True) -> TestResponse:
    """Send the bank's notification to the shop."""
    headers = {"X-Signed": "yes"} if signed else {}
    return browser(app).post("/notifications/bank", data=checkout.encode(), headers=headers)


def way_back(bank: Bank, checkout: str) -> str:
    return bank.requests[checkout].return_url.removeprefix("http://localhost")


def status_of(order: Order) -> str:
    return Order.get_by_id(order.id).status


# --- The way back ------------------------------------------------------------------------------


@pytest.mark.parametrize("told_first", [True, False])
def test_the_customer_may_come_back_before_or_after_the_banks_word(
    app: Flask, shopper: Shopper, alice: Account, bank: Bank, told_first: bool
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    if told_first:
        assert tell_shop(app, checkout).status_code == 204
    shopper.open(way_back(bank, checkout))
    order = shopper.ordered()
    assert shopper.sees(shopper.say("Paiement reçu", "Payment received"))
    if not told_first:
        assert tell_shop(app, checkout).status_code == 204
    assert status_of(order) == OrderStatus.PAID
    assert Letter.select().where(Letter.kind == "payment_received").count() == 1


def test_the_way_back_needs_no_cookie(
    app: Flask, shopper: Shopper, alice: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    elsewhere = Shopper(browser(app), shopper.language)
    elsewhere.client.set_cookie("language", shopper.language)
    elsewhere.open(way_back(bank, checkout))
    assert elsewhere.response.status_code == 200
    assert elsewhere.sees(shopper.say("Paiement reçu", "Payment received"))
    order = Order.get()
    assert status_of(order) == OrderStatus.PAID
    for known in (alice.email, alice.last_name, alice.street, alice.nic_handle):
        assert known not in elsewhere.response.text
    elsewhere.open(way_back(bank, checkout))
    assert elsewhere.sees(shopper.say("Paiement reçu", "Payment received"))
    elsewhere.follow(shopper.say("Voir ma commande", "See my order"))
    assert elsewhere.address == f"/login?next=/{shopper.language}/order/{order.number}"


def test_another_accounts_cookie_sees_nothing_more(
    app: Flask, shopper: Shopper, alice: Account, charlie: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    stranger = Shopper(browser(app), shopper.language)
    stranger.log_in(charlie)
    stranger.open(way_back(bank, checkout))
    assert alice.last_name not in stranger.response.text
    assert stranger.response.status_code == 200


def test_a_forged_way_back_leads_nowhere(
    shopper: Shopper, alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = go_to_bank(shopper, alice)
    page, _, reference = way_back(bank, checkout).partition("?payment=")
    body, _, signature = reference.rpartition(".")
    other = outcomes.CHECKOUTS._signer().dumps(Payment.get().id + 1)
    forged = [
        f"{body}.{signature[::-1]}", f"{other.rpartition('.')[0]}.{signature}", body, "1", ".",
        f"{body}.", other, reference + "x", reference.upper(),
    ]  # fmt: skip
    stranger = browser(shopper.client.application)
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    for made_up in forged:
        assert shopper.client.get(f"/payment/return/{made_up}").status_code == 404, made_up
        assert stranger.get(f"{page}?payment={made_up}").status_code == 303, made_up
        assert shopper.client.get(f"{page}?payment={made_up}").status_code == 200, made_up
    assert stranger.get(f"{page[:-1]}?payment={reference}").location.startswith("/login")
    assert Payment.get().status == PaymentStatus.OPEN
    assert stranger.get(f"{page}?payment={reference}").status_code == 200
    assert Payment.get().status == PaymentStatus.SUCCEEDED


def test_the_bank_sends_the_customer_back_to_the_page_itself(
    shopper: Shopper, alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    page, _, reference = way_back(bank, checkout).partition("?")
    assert page == f"/{shopper.language}/order/{Order.get().number}"
    for _ in range(2):
        shopper.open(f"{page}?{reference}")
        assert shopper.response.status_code == 200
        assert shopper.sees(shopper.say("Paiement reçu", "Payment received"))
        # Nobody asks the bank again for what it has said.
        monkeypatch.delattr(type(bank), "find_checkout", raising=False)
    assert Letter.select().where(Letter.kind == "payment_received").count() == 1


def test_a_payment_begun_in_the_customer_area_returns_by_an_address_of_its_own(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    reference = way_back(bank, checkout).partition("?payment=")[2]
    assert outcomes.CHECKOUTS.by_signature(reference) == Payment.get()
    shopper.open(f"/payment/return/{reference}")
    assert shopper.sees(shopper.say("Paiement reçu", "Payment received"))
    assert status_of(shopper.ordered()) == OrderStatus.PAID


def test_who_pays_again_from_the_customer_area_returns_there(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    number = Order.get().number
    there = f"/manager/account/orders/{number}"
    form = {"renewals": "self"}
    assert shopper.client.ask("POST", f"{there}/payments", form).location == f"{BANK}{checkout}"
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    returned = shopper.client.get(way_back(bank, checkout))
    assert (returned.status_code, returned.location) == (303, there)


@pytest.mark.parametrize(
    ("status", "french", "english"),
    [
        (CheckoutStatus.OPEN, "confirme votre paiement", "confirming your payment"),
        (CheckoutStatus.PROCESSING, "confirme votre paiement", "confirming your payment"),
        (CheckoutStatus.DECLINED, "Rien n’a été débité", "Nothing was charged"),
        (CheckoutStatus.CLOSED, "Rien n’a été débité", "Nothing was charged"),
    ],
)
def test_without_a_cookie_too_the_outcome_is_told(
    app: Flask,
    shopper: Shopper,
    alice: Account,
    bank: Bank,
    status: CheckoutStatus,
    french: str,
    english: str,
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.tell(checkout, status)
    elsewhere = Shopper(browser(app), shopper.language)
    elsewhere.client.set_cookie("language", shopper.language)
    elsewhere.open(way_back(bank, checkout))
    assert elsewhere.sees(shopper.say(french, english))


def test_with_the_bank_silent_the_order_says_it_is_being_confirmed(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.silent = True
    page = way_back(bank, checkout)
    shopper.open(page)
    assert shopper.ordered().is_payable
    assert shopper.response.status_code == 200
    pressed = shopper.client.ask("POST", f"{page.partition('?')[0]}/payments")
    assert pressed.status_code == 422, "no second charge while the first is not known"
    assert Payment.select().count() == 1


def test_that_the_bank_does_not_answer_stays_on_the_page(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    shopper.order(alice, 1)
    bank.silent = True
    assert shopper.go_to_bank().status_code == 422
    assert shopper.sees(shopper.say("Rien n’a été débité", "Nothing was charged"))
    assert "every 2s" not in shopper.response.text, "or the next refresh would remove it"
    shopper.open(shopper.address.removesuffix("/payments"))
    assert not shopper.sees(shopper.say("est encore ouverte", "is still open")), "it never was"


def test_a_declined_card_can_be_followed_by_another(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.tell(checkout, CheckoutStatus.DECLINED, "card_declined")
    shopper.open(way_back(bank, checkout))
    assert shopper.sees(shopper.say("refusé", "declined"))
    pressed = shopper.press(shopper.say("Payer par carte", "Pay by card"))
    second = pressed.location.removeprefix(BANK)
    assert second != checkout
    bank.tell(second, CheckoutStatus.SUCCEEDED)
    shopper.open(way_back(bank, second))
    assert status_of(shopper.ordered()) == OrderStatus.PAID


def test_walking_away_and_paying_later_takes_the_same_page_up(
    shopper: Shopper, alice: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    shopper.open(f"/manager/account/orders/{Order.get().number}")
    # The customer area speaks alice's language.
    pressed = shopper.press("Payer par carte")
    assert pressed.location == BANK + checkout
    assert len(bank.checkouts) == 1


# --- The bank's notification -------------------------------------------------------------------


def test_an_unsigned_notification_is_refused(
    app: Flask, shopper: Shopper, alice: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    assert tell_shop(app, checkout, signed=False).status_code == 403
    assert status_of(Order.get()) == OrderStatus.AWAITING_PAYMENT


def test_a_notification_replayed_is_welcome_and_pays_once(
    app: Flask, shopper: Shopper, alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    checkout = go_to_bank(shopper, alice, "card")
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    assert {tell_shop(app, checkout).status_code for _ in range(20)} == {204}
    assert [row.status for row in Payment.select()] == [PaymentStatus.SUCCEEDED]
    assert Event.select().where(Event.name == "order_paid").count() == 1
    assert Job.select().where(Job.kind == "deliver_order").count() == 1
    assert Letter.select().where(Letter.kind == "payment_received").count() == 1


def test_a_notification_about_an_unknown_checkout_changes_nothing(
    app: Flask, shopper: Shopper, alice: Account, bank: Bank
) -> None:
    checkout = go_to_bank(shopper, alice)
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    Payment.update(checkout="checkout-of-another-shop").execute()
    assert tell_shop(app, checkout).status_code == 204
    assert status_of(Order.get()) == OrderStatus.AWAITING_PAYMENT


def test_a_success_for_a_cancelled_order_goes_back(
    app: Flask, shopper: Shopper, alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    checkout = go_to_bank(shopper, alice)
    order = Order.get()
    shopper.open(f"/{shopper.language}/order/{order.number}")
    shopper.press(shopper.say("Oui, annuler la commande", "Yes, cancel the order"))
    assert status_of(order) == OrderStatus.CANCELLED
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    assert tell_shop(app, checkout).status_code == 204
    drain()
    assert Payment.get().status == PaymentStatus.REFUNDED
    shopper.open(way_back(bank, checkout))
    assert shopper.sees(shopper.say("Annulée", "Cancelled"))
