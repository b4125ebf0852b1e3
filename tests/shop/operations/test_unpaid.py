"""What customers owe: figures by stage, alarms, and the operator's list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import Account, Card, Payment
from shop import clock
from shop.operations import monitoring, unpaid
from shop.payments import cards
from shop.subscriptions import dunning, period_billing
from tests.support import billing, running
from tests.support.parties import Bank, Provider

QUIET = {"unpaid_invoices": 0, "suspended_services": 0, "declined_charges": 0}


def alarms() -> dict[str, int]:
    """Return the alarms about unpaid renewals."""
    return {name: number for name, number in monitoring.alarms().items() if name in QUIET}


def stages() -> dict[str, tuple[int, int]]:
    """Return number and cents of unpaid invoices, by stage, where there are any."""
    found = unpaid.by_stage()
    assert tuple(found.numbers) == tuple(found.cents) == unpaid.STAGES
    return {
        name: (found.numbers[name], found.cents[name])
        for name in found.numbers
        if found.numbers[name]
    }


def test_an_unpaid_renewal_is_counted_by_stage_and_raises_alarms_before_and_after_suspension(
    app: Flask, client: FlaskClient, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    assert (stages(), alarms()) == ({}, QUIET)
    running.to_renewal(group)
    assert stages() == {"reminded": (1, 3168)}
    seen = []
    for wait in dunning.WAITS:
        seen.append((*stages(), *alarms().values()))
        running.pass_time(wait + timedelta(minutes=1))
    assert seen == [
        ("reminded", 0, 0, 0), ("reminded_after_3_days", 0, 0, 0),
        ("reminded_after_7_days", 1, 0, 0),
    ]  # fmt: skip
    assert stages() == {"suspended": (1, 3168)}
    assert alarms() == {"unpaid_invoices": 1, "suspended_services": 1, "declined_charges": 0}
    figures = client.get("/metrics").text
    assert 'shop_unpaid_invoices{stage="suspended"} 1.0' in figures
    assert 'shop_unpaid_cents{stage="suspended"} 3168.0' in figures
    assert 'shop_services{status="suspended"} 1.0' in figures
    running.pass_time(dunning.NOTICE_AFTER)
    assert stages() == {"notice_given": (1, 3168)}
    # Paying resumes the service, whose running period is then due, too.
    billing.pay(running.owed(group), bank)
    billing.pay(running.owed(group), bank)
    assert (stages(), alarms()) == ({}, QUIET)


def test_an_invoice_issued_ahead_is_not_owed_yet(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    period_billing.bill_ahead(running.subscription_of(group))
    assert stages() == {}
    assert list(unpaid.listed()) == []


def test_many_declined_charges_raise_an_alarm_for_a_day(
    client: FlaskClient, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="0341")
    running.to_renewal(group)
    assert alarms()["declined_charges"] == 0, "one card"
    payment = Payment.get(Payment.card.is_null(False))
    for number in range(2, unpaid.LEAST_DECLINED + 1):
        Payment.create(
            invoice=billing.due(alice), card=payment.card, status="declined", key=f"k-{number}",
            amount_cents=1, created_at=clock.now(), settled_at=clock.now(),
        )  # fmt: skip
    assert alarms()["declined_charges"] == unpaid.LEAST_DECLINED
    figures = client.get("/metrics").text
    assert 'shop_charges{answer="declined"} 3.0' in figures
    assert 'shop_declined_share{of="charges"} 1.0' in figures
    assert unpaid.too_many_declined({"declined": 3, "charged": 12}) == 0, "a fifth is usual"
    running.move_on(unpaid.A_DAY + timedelta(minutes=1))
    assert alarms()["declined_charges"] == 0


def test_the_operator_lists_what_is_unpaid(
    app: Flask, alice: Account, bob: Account, bank: Bank, provider: Provider
) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["billing", "unpaid"]).output == "0 unpaid, 0.00 EUR\n"
    declined = running.delivered(alice, bank, card="0341")
    without = running.delivered(bob, bank, 1, card="")
    running.to_renewal(declined)
    *lines, total = run(args=["billing", "unpaid"]).output.splitlines()
    assert total == "2 unpaid, 42.24 EUR"
    first, second = (line.split() for line in lines)
    due = running.owed(declined)
    assert first == [
        due.number, str(due.due_on), alice.nic_handle, "31.68", "EUR", "reminded", "card", "0341",
        declined.name,
    ]  # fmt: skip
    assert second[2:] == [bob.nic_handle, "10.56", "EUR", "reminded", "no", "card", without.name]
    cards.remove_card(Card.get(), by="alice")
    assert "card 0341" not in run(args=["billing", "unpaid"]).output


@pytest.mark.parametrize("status", ["paid", "refunded"])
def test_a_settled_invoice_is_not_listed(
    app: Flask, alice: Account, bank: Bank, provider: Provider, status: str
) -> None:
    invoice = billing.due(alice)
    assert [row.service for row in unpaid.listed()] == [None]
    billing.pay(invoice, bank) if status == "paid" else billing.credit(invoice)
    assert billing.fresh(invoice).status == status
    assert list(unpaid.listed()) == []
