"""Renewals: every period of every group is charged once, however often the billing run repeats."""

from __future__ import annotations

from datetime import date

from models import Account, InvoiceStatus, Renewal
from shop.invoicing import ledger_proof
from shop.subscriptions import renewals
from tests.support import letters, running
from tests.support.parties import Bank, Provider


def test_a_month_later_the_next_is_charged_to_the_stored_card(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    due = renewals.preview(running.subscription_of(group))
    assert due is not None
    running.to_renewal(group)
    renewal = Renewal.get()
    assert renewal.invoice.status == InvoiceStatus.PAID
    assert renewal.invoice.total_cents == due.totals.total_cents == 3 * 880 * 12 // 10
    assert renewal.period_start == due.period.start
    assert list(ledger_proof.find_faults()) == []


def test_its_email_says_that_the_card_is_charged_automatically(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    card = "se terminant par 4242"
    first = letters.the(alice, "invoice_issued").text
    assert card not in " ".join(first.split()), "the first month was paid"
    running.to_renewal(group)
    said = letters.the(alice, "invoice_issued").text
    assert card in " ".join(said.split())


def test_running_again_changes_nothing(alice: Account, bank: Bank, provider: Provider) -> None:
    running.to_renewal(running.delivered(alice, bank))
    assert vars(renewals.run_renewals()) == {"renewed": 0, "ended": 0, "failed": 0}
    assert Renewal.select().count() == 1


def test_a_run_never_looks_ahead(alice: Account, bank: Bank, provider: Provider) -> None:
    running.delivered(alice, bank)
    assert vars(renewals.run_renewals(date(2999, 1, 1))) == {"renewed": 0, "ended": 0, "failed": 0}
