"""Services suspended, resumed and ended by the operator; what a resumption charges, said before."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from models import (
    Account,
    Event,
    GroupStatus,
    Invoice,
    InvoiceKind,
    Letter,
    LicenceGroup,
    Renewal,
    SubscriptionStatus,
    Termination,
    database,
)
from shop import clock
from shop.clock import midnight
from shop.errors import Refusal
from shop.invoicing import account_credits, credit_notes, ledger_proof, receivables
from shop.jobs import queue
from shop.overviews import resumptions, services
from shop.overviews.resumptions import Resumption
from shop.payments import payments
from shop.pricing import periods
from shop.subscriptions import (
    interventions,
    period_billing,
    resumption,
    subscriptions,
    terminations,
)
from shop.subscriptions.renewal_price import Preview
from shop.text import formats
from tests.support import billing, groups, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

REASON = "Un abus a été signalé."


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return running.delivered(alice, bank)


def letter(kind: str) -> str:
    """Return the text of the only e-mail of a kind, on one line."""
    return " ".join(Letter.get(Letter.kind == kind).text.split())


def charged() -> list[int]:
    """Return the amounts of all invoices, oldest first."""
    rows = Invoice.select().where(Invoice.kind == InvoiceKind.INVOICE).order_by(Invoice.id)
    return [row.total_cents for row in rows]


def resumed(group: LicenceGroup) -> Resumption | None:
    """Return what the page of a service says about its resumption."""
    shown = services.find_service(group.account, group.name)
    assert shown is not None
    return resumptions.of_service(shown, receivables.unpaid_invoices(group.id))


def due(group: LicenceGroup) -> list[Preview]:
    """Return what resuming a service charges today."""
    row = running.subscription_of(group)
    return period_billing.due_on_resumption(row, subscriptions.paid_ahead(row))


def over(group: LicenceGroup) -> None:
    """Let time pass until the paid month of a suspended service is over, and ten days more."""
    day = running.subscription_of(group).period_end + timedelta(days=10)
    running.pass_time(midnight(day) - clock.now() + timedelta(hours=9))


def until(group: LicenceGroup) -> date:
    """Return the day of the running month's end."""
    return periods.period_of(clock.today(), running.subscription_of(group).anchor).end


# --- By command ------------------------------------------------------------------------------


def test_the_operator_suspends_and_resumes_with_a_reason_on_record(
    app: Flask, group: LicenceGroup, provider: Provider
) -> None:
    seat = groups.configured(group)
    login = f"{seat.login}@{group.domain}"
    run = app.test_cli_runner().invoke
    assert run(args=["services", "suspend", group.name]).exit_code == 2
    assert run(args=["services", "suspend", group.name, "--reason", " "]).exit_code == 1
    done = run(args=["services", "suspend", group.name, "--reason", REASON])
    assert done.exit_code == 0, done.output
    queue.drain()
    row = running.subscription_of(group)
    assert (fresh(group).status, row.status) == (GroupStatus.SUSPENDED, "suspended")
    assert row.hold_reason == REASON
    assert not provider.can_sign_in(login, provider.users[login])
    assert REASON in letter("service_suspended_by_us")
    noted = Event.select().where(Event.note == REASON, Event.by == "operator")
    assert {event.subject for event in noted} == {"group", "subscription"}
    assert REASON in run(args=["services", "suspended"]).output
    again = run(args=["services", "suspend", group.name, "--reason", REASON])
    assert "suspended already" in again.output
    done = run(args=["services", "resume", group.name, "--reason", "C'est réglé."])
    assert done.exit_code == 0, done.output
    queue.drain()
    row = running.subscription_of(group)
    assert (fresh(group).status, row.status, row.hold_reason) == ("installed", "active", "")
    assert provider.can_sign_in(login, provider.users[login])
    assert "C'est réglé." in letter("service_resumed_by_us")
    assert "No service is suspended." in run(args=["services", "suspended"]).output
    assert "not suspended" in run(args=["services", "resume", group.name, "--reason", "x"]).output
    assert "no service nothing" in run(args=["services", "end", "nothing", "--reason", "x"]).output
    assert len(charged()) == 1
    assert list(ledger_proof.find_faults()) == []


def test_the_operator_ends_a_service_with_a_reason(
    app: Flask, alice: Account, group: LicenceGroup, provider: Provider
) -> None:
    period_billing.bill_ahead(running.subscription_of(group))
    terminations.request_termination(group, by="alice")
    run = app.test_cli_runner().invoke
    done = run(args=["services", "end", group.name, "--reason", REASON])
    assert done.exit_code == 0, done.output
    queue.drain()
    assert fresh(group).status == GroupStatus.TERMINATED
    assert running.subscription_of(group).status == SubscriptionStatus.TERMINATED
    assert group.domain not in provider.tenants
    kept = Termination.get(Termination.cause == "operator")
    assert (kept.status, kept.reason, kept.ends_on) == ("done", REASON, clock.today())
    assert REASON in letter("service_terminated")
    assert receivables.unpaid_invoices(group.id) == []
    assert run(args=["services", "end", group.name, "--reason", REASON]).exit_code == 1
    assert list(ledger_proof.find_faults()) == []


def test_a_reason_is_neither_empty_nor_cut(group: LicenceGroup) -> None:
    for reason in ("", "\t\n", "x" * 256):
        for act in (interventions.suspend, interventions.resume, interventions.end_service):
            with pytest.raises(Refusal):
                act(group, reason, by="operator")
    assert fresh(group).status == GroupStatus.INSTALLED
    assert interventions.suspend(group, "x" * 255, by="operator").hold_reason == "x" * 255


# --- While the operator suspends -------------------------------------------------------------


def test_a_service_suspended_by_the_operator_is_not_charged_nor_ended(
    group: LicenceGroup,
) -> None:
    interventions.suspend(group, REASON, by="operator")
    for _ in range(4):
        running.pass_time(timedelta(days=31))
    assert len(charged()) == 1
    assert fresh(group).status == GroupStatus.SUSPENDED
    assert Termination.select().count() == 0


def test_payment_does_not_resume_what_the_operator_suspended(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    interventions.suspend(group, REASON, by="operator")
    payments.record_manual_payment(running.owed(group), by="operator")
    queue.drain()
    assert fresh(group).status == GroupStatus.SUSPENDED
    assert len(charged()) == 2
    shown = resumed(group)
    assert shown is not None
    assert (shown.hold_reason, shown.settlement.left_cents) == (REASON, 0)
    interventions.resume(group, "Réglé.", by="operator")
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE


def test_a_month_paid_ahead_counts_after_a_suspension(alice: Account, group: LicenceGroup) -> None:
    ahead = period_billing.bill_ahead(running.subscription_of(group))
    payments.record_manual_payment(ahead, by="operator")
    interventions.suspend(group, REASON, by="operator")
    over(group)
    assert due(group) == []
    interventions.resume(group, "Réglé.", by="operator")
    row = running.subscription_of(group)
    assert row.period_end == row.renews_on == until(group)
    assert len(charged()) == 2
    assert Renewal.get().opened_at is not None
    running.to_renewal(group)
    assert len(charged()) == 3
    assert list(ledger_proof.find_faults()) == []


def test_after_a_month_paid_ahead_and_a_longer_suspension_the_rest_is_charged(
    group: LicenceGroup,
) -> None:
    payments.record_manual_payment(
        period_billing.bill_ahead(running.subscription_of(group)), by="operator"
    )
    interventions.suspend(group, REASON, by="operator")
    for _ in range(2):
        running.pass_time(timedelta(days=31))
    (rest,) = due(group)
    interventions.resume(group, "Réglé.", by="operator")
    assert charged()[2:] == [rest.totals.total_cents]
    assert running.subscription_of(group).period_end == until(group)
    assert list(ledger_proof.find_faults()) == []


def test_an_unpaid_service_resumed_by_the_operator_still_owes(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    owed = running.owed(group)
    run = app.test_cli_runner().invoke
    done = run(args=["services", "resume", group.name, "--reason", "Virement annoncé."])
    assert f"Still owed: 31.68 EUR, invoice {owed.number}" in done.output
    queue.drain()
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    payments.record_manual_payment(owed, by="operator")
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    assert list(ledger_proof.find_faults()) == []


# --- What paying starts ----------------------------------------------------------------------


@pytest.mark.parametrize("card", ["", "4242"])
def test_what_paying_charges_beside_the_debt_is_known_before(
    alice: Account, bank: Bank, provider: Provider, card: str
) -> None:
    group = running.suspended(alice, bank)
    over(group)
    if card:
        running.charge_to(group, billing.card(alice))
    shown = resumed(group)
    assert shown is not None
    assert (shown.hold_reason, shown.ends_on) == ("", None)
    assert shown.settlement.left_cents > 0
    assert (shown.period.start, shown.period.end) == (clock.today(), until(group))
    assert (shown.card is not None) == bool(card)
    payments.record_manual_payment(running.owed(group), by="operator")
    queue.drain()
    assert charged()[-1] == shown.settlement.left_cents
    assert len(charged()) == 3
    assert fresh(group).status == GroupStatus.INSTALLED
    assert bool(receivables.unpaid_invoices(group.id)) == (not card)


@pytest.mark.parametrize("balance", [500, 100_000])
def test_what_the_balance_pays_of_a_resumption_is_known_before(
    visitor: Visitor, alice: Account, bank: Bank, provider: Provider, balance: int
) -> None:
    group = running.suspended(alice, bank)
    over(group)
    with database.atomic():
        account_credits.grant_goodwill(alice, balance, "Une panne.", by="staff:camille")
    shown = resumed(group)
    assert shown is not None
    visitor.log_in(alice)
    visitor.open(f"/manager/services/{group.name}")
    part, left = shown.settlement.from_balance_cents, shown.settlement.left_cents
    assert visitor.sees(formats.money(part, "fr"))
    assert visitor.sees("payés par le solde de votre compte") == (not left)
    assert visitor.sees(f"S’y ajoutent {formats.money(part, 'fr')}") == bool(left)
    payments.record_manual_payment(running.owed(group), by="operator")
    queue.drain()
    invoice = Invoice.select().order_by(Invoice.id.desc()).first()
    assert (invoice.offset_cents, invoice.balance_cents) == (part, left)


def test_within_the_paid_month_paying_charges_nothing_more(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    shown = resumed(group)
    assert shown is not None
    assert (shown.hold_reason, shown.ends_on, shown.charged) == ("", None, [])
    payments.record_manual_payment(running.owed(group), by="operator")
    assert len(charged()) == 2
    assert resumed(group) is None


def test_a_customer_who_asked_for_the_end_is_charged_nothing_more(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    over(group)
    terminations.request_termination(group, by="alice")
    shown = resumed(group)
    assert shown is not None
    assert (shown.ends_on, shown.when_kept) == (until(group), False)
    payments.record_manual_payment(running.owed(group), by="operator")
    queue.drain()
    assert len(charged()) == 2
    assert fresh(group).status == GroupStatus.SUSPENDED
    running.pass_time(midnight(until(group)) - clock.now() + timedelta(minutes=1))
    assert fresh(group).status == GroupStatus.TERMINATED
    assert len(charged()) == 2
    assert list(ledger_proof.find_faults()) == []


def test_keeping_a_paid_service_resumes_it_for_the_amount_shown(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    over(group)
    terminations.request_termination(group, by="alice")
    payments.record_manual_payment(running.owed(group), by="operator")
    shown = resumed(group)
    assert shown is not None
    assert shown.when_kept
    resumption.undo_termination(group, by="alice")
    assert fresh(group).status == GroupStatus.INSTALLED
    assert charged()[2:] == [shown.settlement.left_cents]
    assert list(ledger_proof.find_faults()) == []


def test_keeping_a_service_written_off_does_not_resume_it(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    over(group)
    invoice = running.owed(group)
    credit_notes.credit(invoice, credit_notes.remaining_of(invoice), "Perte.", by="operator")
    terminations.request_termination(group, by="alice")
    assert not resumption.resumes_when_kept(running.subscription_of(group), [])
    resumption.undo_termination(group, by="alice")
    assert fresh(group).status == GroupStatus.SUSPENDED
    assert len(charged()) == 2


def test_the_operator_resumes_a_service_that_ends_without_charging_more(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    over(group)
    terminations.request_termination(group, by="alice")
    interventions.resume(group, "Pour copier vos données.", by="operator")
    assert fresh(group).status == GroupStatus.INSTALLED
    assert len(charged()) == 2
    row = subscriptions.for_group(group)
    assert row is not None
    assert row.renews_on == until(group)
    running.to_renewal(group)
    assert fresh(group).status == GroupStatus.TERMINATED
    assert len(charged()) == 2
