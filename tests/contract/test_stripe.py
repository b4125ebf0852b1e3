"""Tests of Stripe only: parameters, errors, events, and the lifetime of idempotency keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shop.errors import PartyRejected, PartyUnavailable, ShopRefused
from shop.payments.gateway import (
    CardChange,
    Checkout,
    CheckoutStatus,
    DisputeState,
    RefundState,
)
from shop.payments.stripe import StripeGateway, answers, payouts
from shop.payments.stripe.calls import connect
from tests.contract import banks
from tests.contract.banks import StripeUnderTest
from tests.contract.serving import Reply
from tests.contract.stripe_server import KEY, WEBHOOK_SECRET, sign
from tests.contract.test_banks import ACCEPTED, charge_of, paid, request_for, stored_card


@pytest.fixture
def stripe() -> Iterator[StripeUnderTest]:
    """Serve Stripe on this machine."""
    with banks.serve_stripe() as served:
        yield served


# --- What Stripe receives --------------------------------------------------------------------


def test_stripe_receives_customer_amount_and_return_url(stripe: StripeUnderTest) -> None:
    checkout = stripe.gateway.start_checkout(request_for(stripe, store_card=True))
    session = stripe.account.objects[checkout.reference]["_wanted"]
    assert session["locale"] == "fr"
    assert session["customer_email"] == "alice@example.com"
    assert session["client_reference_id"] == session["metadata"]["reference"] == "100001"
    assert (
        session["success_url"]
        == session["cancel_url"]
        == "https://shop.example/payment/return/signed"
    )
    assert session["allowed_payment_method_types"] == {"0": "card"}
    price = session["line_items"]["0"]["price_data"]
    assert (price["unit_amount"], price["currency"]) == ("1056", "eur")
    assert price["product_data"]["name"] == "Nuage 100001"
    assert session["payment_intent_data"]["setup_future_usage"] == "off_session"


def test_a_card_is_not_stored_unless_asked_for(stripe: StripeUnderTest) -> None:
    checkout = stripe.gateway.start_checkout(request_for(stripe))
    session = stripe.account.objects[checkout.reference]["_wanted"]
    assert "setup_future_usage" not in session["payment_intent_data"]
    assert session["customer_creation"] == "if_required"


def test_less_than_fifty_cents_is_rejected(stripe: StripeUnderTest) -> None:
    with pytest.raises(PartyRejected) as refusal:
        stripe.gateway.start_checkout(request_for(stripe, amount_cents=49))
    assert refusal.value.code == "amount_too_small"


# --- What Stripe answers ---------------------------------------------------------------------


def test_a_slow_payment_is_processing(stripe: StripeUnderTest) -> None:
    for outcome, status, reason in (
        (True, CheckoutStatus.SUCCEEDED, ""),
        (False, CheckoutStatus.DECLINED, "insufficient_funds"),
    ):
        request = request_for(stripe, key=f"slow-{outcome}")
        checkout = stripe.gateway.start_checkout(request)
        stripe.account.pay(checkout.reference, ACCEPTED, slowly=True)
        processing = stripe.gateway.find_checkout(checkout.reference)
        assert processing.status == CheckoutStatus.PROCESSING
        assert stripe.gateway.close_checkout(checkout.reference) == processing
        stripe.account.settle_slowly(checkout.reference, outcome)
        settled = stripe.gateway.find_checkout(checkout.reference)
        assert (settled.status, settled.reason) == (status, reason)
        headers, body = stripe.notifications(checkout.reference)[-1]
        notification = stripe.gateway.read_notification(headers, body)
        assert notification is not None
        assert notification.subject == settled


def test_a_charge_that_requires_authentication_is_declined(stripe: StripeUnderTest) -> None:
    mandate = stored_card(stripe, "4000002760003184")
    charged = stripe.gateway.charge(charge_of(stripe, mandate))
    assert (charged.status, charged.reason) == (CheckoutStatus.DECLINED, "authentication_failed")


def test_the_country_of_the_card_is_told_by_payments_and_charges(stripe: StripeUnderTest) -> None:
    payment = paid(stripe, "5555555555554444", store_card=True)
    assert payment.card_country == "IE"
    assert payment.mandate is not None
    charged = stripe.gateway.charge(charge_of(stripe, payment.mandate.reference))
    assert charged.card_country == "IE"
    assert stripe.gateway.find_checkout(charged.reference).card_country == "IE"


@pytest.mark.parametrize(
    "intent",
    [{}, {"payment_method": "pm_1"}, {"payment_method": {"type": "link"}},
     {"payment_method": {"card": {"country": None}}}],
)  # fmt: skip
def test_a_card_without_a_country_tells_none(intent: dict[str, Any]) -> None:
    assert answers._card_country(intent) == ""


def test_a_brand_is_shown_by_its_name(stripe: StripeUnderTest) -> None:
    mandate = paid(stripe, "5555555555554444", store_card=True).mandate
    assert mandate is not None
    assert (mandate.brand, mandate.last4) == ("Mastercard", "4444")


def test_a_mandate_of_another_bank_is_rejected(stripe: StripeUnderTest) -> None:
    for mandate in ("", "md_of_the_sandbox", "cus_1", "pm_1/cus_1"):
        with pytest.raises(PartyRejected):
            stripe.gateway.charge(charge_of(stripe, mandate))
        with pytest.raises(PartyRejected):
            stripe.gateway.forget_mandate(mandate)


def test_a_charge_can_be_closed_while_nothing_was_taken(stripe: StripeUnderTest) -> None:
    mandate = stored_card(stripe, "4000000000000341")
    declined = stripe.gateway.charge(charge_of(stripe, mandate))
    assert stripe.gateway.close_checkout(declined.reference).status == CheckoutStatus.CLOSED
    charged = stripe.gateway.charge(charge_of(stripe, stored_card_again(stripe), "renewal-2"))
    assert stripe.gateway.close_checkout(charged.reference) == charged


def stored_card_again(stripe: StripeUnderTest) -> str:
    mandate = paid(stripe, key="order-2", store_card=True).mandate
    assert mandate is not None
    return mandate.reference


def test_each_state_of_a_refund_is_read(stripe: StripeUnderTest) -> None:
    checkout = paid(stripe)
    refund = stripe.gateway.refund(checkout.reference, 1056, "refund-1")
    for status, state in (
        ("pending", RefundState.PENDING),
        ("requires_action", RefundState.PENDING),
        ("succeeded", RefundState.SUCCEEDED),
        ("failed", RefundState.FAILED),
        ("canceled", RefundState.FAILED),
    ):
        stripe.account.objects[refund.reference]["status"] = status
        assert stripe.gateway.find_refund(refund.reference).state == state
        assert stripe.gateway.refund(checkout.reference, 1056, "refund-1").state == state


def test_a_refund_in_an_unknown_state_is_no_answer(stripe: StripeUnderTest) -> None:
    refund = stripe.gateway.refund(paid(stripe).reference, 1056, "refund-1")
    stripe.account.objects[refund.reference]["status"] = "odd"
    with pytest.raises(PartyUnavailable):
        stripe.gateway.find_refund(refund.reference)


@pytest.mark.parametrize(
    "method",
    [
        {"type": "link", "link": {}},
        {"type": "card", "card": {"brand": "visa", "last4": "4242", "exp_month": None}},
        {"type": "card", "card": {"brand": "visa", "exp_month": 1, "exp_year": 2030}},
    ],
)
def test_money_counts_where_the_stored_card_cannot_be_read(
    stripe: StripeUnderTest, method: dict[str, Any]
) -> None:
    checkout = paid(stripe, store_card=True)
    intent = stripe.account.objects[stripe.account.objects[checkout.reference]["payment_intent"]]
    stored = stripe.account.objects[intent["payment_method"]]
    stored.pop("card")
    stored.update(method)
    read = stripe.gateway.find_checkout(checkout.reference)
    assert (read.status, read.amount_cents) == (CheckoutStatus.SUCCEEDED, 1056)
    assert read.mandate is None


def test_an_event_whose_subject_stripe_refuses_to_tell_comes_again(stripe: StripeUnderTest) -> None:
    checkout = paid(stripe)
    headers, body = stripe.notifications(checkout.reference)[-1]
    error = {"type": "invalid_request_error", "code": "account_invalid", "message": "blocked"}
    stripe.faults.answers.append(Reply(403, {"error": error}))
    with pytest.raises(PartyUnavailable):
        stripe.gateway.read_notification(headers, body)


# --- Expired idempotency keys ----------------------------------------------------------------


def test_nothing_is_charged_again_when_stripe_has_forgotten_the_key(
    stripe: StripeUnderTest,
) -> None:
    mandate = stored_card(stripe)
    charged = stripe.gateway.charge(charge_of(stripe, mandate))
    for number in range(105):
        stripe.gateway.charge(charge_of(stripe, mandate, f"other-{number}"))
    before = stripe.balance()
    stripe.account.on_next_day()
    assert stripe.gateway.charge(charge_of(stripe, mandate)) == charged
    with pytest.raises(PartyRejected):
        stripe.gateway.charge(replace(charge_of(stripe, mandate), amount_cents=900))
    assert stripe.balance() == before


def test_nothing_is_refunded_again_when_stripe_has_forgotten_the_key(
    stripe: StripeUnderTest,
) -> None:
    checkout = paid(stripe)
    refund = stripe.gateway.refund(checkout.reference, 56, "refund-1")
    stripe.account.on_next_day()
    assert stripe.gateway.refund(checkout.reference, 56, "refund-1") == refund
    assert stripe.balance() == 1000


def test_control_without_the_search_the_card_is_charged_again(
    stripe: StripeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control of the two tests above: idempotency keys expire."""
    mandate = stored_card(stripe)
    stripe.gateway.charge(charge_of(stripe, mandate))
    stripe.account.on_next_day()
    monkeypatch.setattr("shop.payments.stripe.charges._find_earlier", lambda *_: None)
    stripe.gateway.charge(charge_of(stripe, mandate))
    assert stripe.balance() == 1056 + 880 + 880


# --- Errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Reply(500, {"error": {"type": "api_error", "message": "Oh"}}),
        Reply(502, "<html>"),
        Reply(200, "no object"),
        Reply(200, {"id": "cs_1", "object": "checkout.session", "status": "odd"}),
        Reply(409, {"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}),
        Reply(429, {"error": {"type": "invalid_request_error", "code": "rate_limit"}}),
    ],
)
def test_an_invalid_answer_counts_as_unavailable(stripe: StripeUnderTest, answer: Reply) -> None:
    stripe.faults.answers.append(answer)
    with pytest.raises(PartyUnavailable):
        stripe.gateway.start_checkout(request_for(stripe))


def test_the_retry_after_of_stripe_is_respected(stripe: StripeUnderTest) -> None:
    error = {"error": {"type": "invalid_request_error", "code": "rate_limit"}}
    stripe.faults.answers.append(Reply(429, error, {"Retry-After": "7"}))
    with pytest.raises(PartyUnavailable) as unavailable:
        stripe.gateway.start_checkout(request_for(stripe))
    assert unavailable.value.retry_after == 7


def test_no_redirect_is_followed(stripe: StripeUnderTest) -> None:
    elsewhere = Reply(307, {}, {"Location": "/v1/checkout/sessions"})
    never_asked = Reply(500, {"error": {"type": "api_error", "message": "Oh"}})
    stripe.faults.answers += [elsewhere, never_asked]
    with pytest.raises(PartyUnavailable):
        stripe.gateway.start_checkout(request_for(stripe))
    assert stripe.faults.answers == [never_asked]


def test_a_wrong_key_is_a_refusal_of_the_shop(stripe: StripeUnderTest) -> None:
    client = connect("sk_test_unknown", base_addresses={"api": stripe.faults.url})
    with pytest.raises(ShopRefused):
        StripeGateway("", WEBHOOK_SECRET, client).start_checkout(request_for(stripe))


def test_a_stripe_that_cannot_be_reached_is_unavailable(stripe: StripeUnderTest) -> None:
    client = connect(KEY, base_addresses={"api": "http://127.0.0.1:1"})
    with pytest.raises(PartyUnavailable):
        StripeGateway(KEY, WEBHOOK_SECRET, client).start_checkout(request_for(stripe))


# --- Events ----------------------------------------------------------------------------------


def test_events_of_other_objects_are_ignored(stripe: StripeUnderTest) -> None:
    checkout = paid(stripe)
    session = stripe.account.objects[checkout.reference]
    intent = stripe.account.objects[session["payment_intent"]]
    for kind, subject in (
        ("customer.created", {"id": "cus_1", "object": "customer"}),
        ("checkout.session.completed", {"id": "cs_of_another_shop", "metadata": {}}),
        ("payment_intent.succeeded", intent),
    ):
        stripe.account.add_event(kind, subject)
        assert stripe.gateway.read_notification(*sign(stripe.account.events[-1])) is None


def test_the_events_of_a_charge_describe_it(stripe: StripeUnderTest) -> None:
    charged = stripe.gateway.charge(charge_of(stripe, stored_card(stripe)))
    headers, body = stripe.notifications(charged.reference)[-1]
    notification = stripe.gateway.read_notification(headers, body)
    assert notification is not None
    assert notification.subject == charged


def test_an_old_event_tells_how_the_checkout_stands_now(stripe: StripeUnderTest) -> None:
    checkout = stripe.gateway.start_checkout(request_for(stripe))
    stripe.account.add_event(
        "checkout.session.completed", stripe.account.objects[checkout.reference]
    )
    headers, body = sign(stripe.account.events[-1])
    stripe.gateway.close_checkout(checkout.reference)
    notification = stripe.gateway.read_notification(headers, body)
    assert notification is not None
    assert isinstance(notification.subject, Checkout)
    assert notification.subject.status == CheckoutStatus.CLOSED


@pytest.mark.parametrize(
    ("secret", "age"), [("whsec_of_another", 0), ("", 0), (WEBHOOK_SECRET, 301)]
)
def test_a_forged_or_old_event_is_rejected(
    stripe: StripeUnderTest, secret: str, age: float
) -> None:
    stripe.account.add_event("checkout.session.completed", {"id": "cs_1", "metadata": {"key": "k"}})
    event = stripe.account.events[-1]
    with pytest.raises(PartyRejected):
        stripe.gateway.read_notification(*sign(event, secret, time.time() - age))


@pytest.mark.parametrize("event", [{}, {"type": "checkout.session.completed"}, [], "text", None])
def test_an_event_that_cannot_be_read_is_rejected(stripe: StripeUnderTest, event: object) -> None:
    with pytest.raises(PartyRejected):
        stripe.gateway.read_notification(*sign(event))


def test_a_revoked_mandate_removes_its_card(stripe: StripeUnderTest) -> None:
    mandate = stored_card(stripe)
    for status, subject in (("active", None), ("inactive", CardChange(mandate, None))):
        stripe.account.add_event(
            "mandate.updated",
            {"id": "mandate_1", "status": status, "payment_method": mandate.partition("/")[2]},
        )
        notification = stripe.gateway.read_notification(*sign(stripe.account.events[-1]))
        assert (notification and notification.subject) == subject


def test_an_inquiry_that_was_closed_withdraws_nothing(stripe: StripeUnderTest) -> None:
    made = stripe.account.open_dispute(paid(stripe).reference, 1056)
    made.update(status="warning_closed", balance_transactions=[])
    found = stripe.gateway.find_dispute(made["id"])
    assert (found.state, found.withdrawn_cents) == (DisputeState.WON, 0)


def test_an_event_waits_while_stripe_does_not_answer(stripe: StripeUnderTest) -> None:
    checkout = paid(stripe)
    headers, body = stripe.notifications(checkout.reference)[-1]
    stripe.fail_next()
    with pytest.raises(PartyUnavailable):
        stripe.gateway.read_notification(headers, body)
    assert stripe.gateway.read_notification(headers, body) is not None


# --- Payouts ---------------------------------------------------------------------------------

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def test_a_payout_made_by_hand_lists_no_lines(stripe: StripeUnderTest) -> None:
    paid(stripe)
    stripe.account.pay_out(automatic=False)
    (payout,) = stripe.gateway.list_payouts(BEGINNING).rows
    assert (payout.is_automatic, payout.lists_lines) == (False, False)


def test_the_lines_of_a_payout_may_come_later(stripe: StripeUnderTest) -> None:
    paid(stripe)
    made = stripe.account.pay_out()
    made["reconciliation_status"] = "in_progress"
    (payout,) = stripe.gateway.list_payouts(BEGINNING).rows
    assert (payout.is_automatic, payout.lists_lines) == (True, False)


@pytest.mark.parametrize(
    ("status", "state"),
    [("in_transit", "pending"), ("paid", "paid"), ("canceled", "failed"), ("failed", "failed")],
)
def test_a_payout_is_under_way_done_or_failed(
    stripe: StripeUnderTest, status: str, state: str
) -> None:
    paid(stripe)
    stripe.account.pay_out()["status"] = status
    (payout,) = stripe.gateway.list_payouts(BEGINNING).rows
    assert payout.state == state


def test_fees_of_stripes_own_are_fees_without_an_amount(stripe: StripeUnderTest) -> None:
    paid(stripe)
    fee = stripe.account.charge_fee(210)
    payout = stripe.account.pay_out()
    lines = {line.reference: line for line in stripe.gateway.list_payout_lines(payout["id"]).rows}
    line = lines[fee["id"]]
    assert (line.kind, line.gross_cents, line.fee_cents, line.source) == ("fee", 0, 210, "")
    assert sum(line.net_cents for line in lines.values()) == payout["amount"]


def test_lists_are_read_page_by_page(
    stripe: StripeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payouts, "AT_ONCE", 2)
    for number in range(3):
        paid(stripe, key=f"order-{number}")
    payout = stripe.account.pay_out()
    first = stripe.gateway.list_payout_lines(payout["id"])
    second = stripe.gateway.list_payout_lines(payout["id"], first.after)
    assert second.after == ""
    assert len({line.source for line in first.rows + second.rows}) == 3


@pytest.mark.parametrize("broken", [{"status": "lost"}, {"amount": None}, {"arrival_date": "x"}])
def test_a_payout_that_cannot_be_read_is_no_answer(
    stripe: StripeUnderTest, broken: dict[str, object]
) -> None:
    stripe.account.pay_out().update(broken)
    with pytest.raises(PartyUnavailable):
        stripe.gateway.list_payouts(BEGINNING)
