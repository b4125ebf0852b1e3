"""How many SQL statements an order and a renewal take.

The numbers are exact: a change that needs more has to say so here, and one that needs fewer lowers
them.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pytest
import time_machine

from models import Account, Job, Payment, Subscription
from shop.jobs import priorities, queue
from shop.payments.gateway import CheckoutStatus
from shop.subscriptions import renewals
from tests.support import purchases, queries
from tests.support.client import CheckingClient, browser
from tests.support.journeys import Shopper
from tests.support.parties import Bank, Provider

pytestmark = pytest.mark.one_database

REQUESTS = 87
"""Of the requests in which a known customer orders both offers, pays, and reads the order."""

JOBS = {
    "deliver_order": [19],
    "install_group": [24, 27],
    "invoice_order": [22],
    "send_letter": [19, 15],
}
"""Of each job of that order, from the look for it until it is finished, as they ran."""

RENEWAL = 22
"""Of one renewal with its invoice and e-mail."""


def order(client: CheckingClient, account: Account, bank: Bank) -> list[str]:
    """Order and pay; return the statements of the requests."""
    shopper = Shopper(client, "fr")
    with queries.recorded() as asked:
        shopper.open("/fr/")
        shopper.open("/fr/office-365-business")
        shopper.choose(5, 2)
        shopper.carry_on()
        shopper.identify(account)
        shopper.confirm()
        page = shopper.address
        shopper.go_to_bank()
    payment = Payment.select().order_by(Payment.id.desc()).get()
    assert payment.checkout is not None
    bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED)
    with queries.recorded() as asked_later:
        client.post("/notifications/bank", data=payment.checkout, headers={"X-Signed": "yes"})
        shopper.open(page)
    return asked + asked_later


def run_jobs() -> dict[str, list[int]]:
    """Run the jobs that are due as a worker does; return the statements of each, by kind."""
    counts: dict[str, list[int]] = defaultdict(list)
    while due := priorities.due_jobs(1):
        kind = Job.get_by_id(due[0]).kind
        with queries.recorded() as asked:
            assert queue.run_next()
        counts[kind].append(len(asked))
    return counts


def test_an_order_takes_no_more_statements_than_before(
    client: CheckingClient, bank: Bank, provider: Provider, alice: Account, bob: Account
) -> None:
    # The first order makes what is kept: pages of the catalogue, the files of the contracts.
    order(client, bob, bank)
    run_jobs()
    asked = order(browser(client.application), alice, bank)
    assert (len(asked), dict(run_jobs())) == (REQUESTS, JOBS)


def test_a_renewal_takes_no_more_statements_than_before(
    clock: time_machine.Traveller, bank: Bank, provider: Provider, alice: Account, bob: Account
) -> None:
    for account in (bob, alice):
        purchases.pay(purchases.place(account), bank)
    queue.drain()
    clock.shift(timedelta(days=32))
    first, second = Subscription.select().order_by(Subscription.id)
    renewals.renew(first.id, first.renews_on)
    with queries.recorded() as asked:
        renewals.renew(second.id, second.renews_on)
    assert len(asked) == RENEWAL
