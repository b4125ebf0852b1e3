"""The shop with Stripe as its bank: notifications, polling, retries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from models import Account, Card, Job, JobStatus, Order, OrderStatus, Payment, PaymentStatus
from shop.jobs import queue
from shop.payments import gateways as shop_banks
from tests.contract import banks
from tests.contract.banks import StripeUnderTest
from tests.contract.serving import Reply
from tests.contract.test_banks import ACCEPTED
from tests.support import purchases


@pytest.fixture
def stripe(app: object) -> Iterator[StripeUnderTest]:
    """Serve Stripe on this machine as the shop's bank."""
    with banks.serve_stripe() as served, shop_banks.gateway.using(served.gateway):
        yield served


@pytest.fixture
def webhook_client(app: Flask) -> FlaskClient:
    """Make an HTTP client of the shop's webhooks, without page checks."""
    return FlaskClient(app, app.response_class)


def notify(webhook_client: FlaskClient, stripe: StripeUnderTest, payment: Payment) -> int:
    """Post Stripe's latest notification of a payment to the shop; return the status."""
    headers, body = stripe.notifications(payment.checkout)[-1]
    return webhook_client.post("/notifications/bank", data=body, headers=headers).status_code


def test_a_notification_of_stripe_pays_the_order_once(
    alice: Account, stripe: StripeUnderTest, webhook_client: FlaskClient
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order, store_card=True)
    stripe.account.pay(payment.checkout, ACCEPTED)
    assert [notify(webhook_client, stripe, payment) for _ in range(3)] == [204, 204, 204]
    assert Order.get_by_id(order.id).status == OrderStatus.PAID
    assert stripe.balance() == order.total_cents
    assert Job.select().where(Job.kind == "deliver_order").count() == 1
    card = Card.get()
    assert (card.account, card.brand, card.last4) == (alice, "Visa", "4242")


def test_a_forged_notification_pays_nothing(
    alice: Account, stripe: StripeUnderTest, webhook_client: FlaskClient
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    stripe.account.pay(payment.checkout, ACCEPTED)
    _, body = stripe.notifications(payment.checkout)[-1]
    for forged in ({}, {"Stripe-Signature": "t=1,v1=00"}):
        assert (
            webhook_client.post("/notifications/bank", data=body, headers=forged).status_code == 403
        )
    assert Order.get_by_id(order.id).is_payable


def test_a_notification_is_refused_while_stripe_is_unavailable(
    alice: Account, stripe: StripeUnderTest, webhook_client: FlaskClient
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    stripe.account.pay(payment.checkout, ACCEPTED)
    stripe.fail_next()
    assert notify(webhook_client, stripe, payment) == 503
    assert Order.get_by_id(order.id).is_payable
    assert notify(webhook_client, stripe, payment) == 204
    assert Order.get_by_id(order.id).status == OrderStatus.PAID


def test_a_payment_without_a_notification_is_found_by_polling(
    alice: Account,
    stripe: StripeUnderTest,
    clock: time_machine.Traveller,
    drain: Callable[[], int],
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    stripe.account.pay(payment.checkout, ACCEPTED)
    clock.shift(shop_banks.WATCH_FIRST)
    queue.run_job(Job.get(Job.kind == "watch_payment").id)
    assert Payment.get_by_id(payment.id).status == PaymentStatus.SUCCEEDED


def test_a_job_respects_the_retry_after_of_stripe(
    alice: Account, stripe: StripeUnderTest, clock: time_machine.Traveller
) -> None:
    purchases.start_paying(purchases.place(alice))
    clock.shift(shop_banks.WATCH_FIRST)
    error = {"error": {"type": "invalid_request_error", "code": "rate_limit"}}
    stripe.faults.answers.append(Reply(429, error, {"Retry-After": "900"}))
    job = Job.get(Job.kind == "watch_payment")
    queue.run_job(job.id)
    again = Job.get_by_id(job.id)
    assert again.status == JobStatus.QUEUED
    assert again.run_at - job.run_at >= timedelta(seconds=900)
    assert "RateLimitError" in again.error
