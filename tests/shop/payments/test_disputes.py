"""What happens at the bank without the shop: disputes, refunds of its own, changed cards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import (
    Account,
    Card,
    Dispute,
    DisputeStatus,
    Event,
    Invoice,
    InvoiceStatus,
    Job,
    LedgerEntry,
    Letter,
    LicenceGroup,
    Payment,
    Refund,
    SubscriptionStatus,
)
from shop import clock, mail
from shop.invoicing import credit_notes, ledger_proof
from shop.jobs import queue
from shop.operations import monitoring
from shop.payments import disputes, gateway, notifications, outcomes
from shop.payments.gateway import CardChange, DisputeState, Notification, RefundState
from shop.pricing.lines import positions_of
from shop.subscriptions import period_billing
from shop.text import formats
from tests.support import billing, purchases, running
from tests.support.groups import fresh
from tests.support.letters import plain
from tests.support.parties import CARD, Bank, Provider
from tests.support.visitor import Visitor


def notify(subject: gateway.Refund | gateway.Dispute | CardChange) -> None:
    """Apply a notification, three times: it may come again."""
    for _ in range(3):
        notifications.apply_notification(Notification("e", subject))


def paid(account: Account, bank: Bank) -> tuple[Invoice, Payment]:
    """Return an invoice paid on the bank's page, and its payment."""
    invoice = billing.due(account)
    return invoice, billing.pay(invoice, bank)


def kinds() -> list[tuple[str, int]]:
    """Return what the ledger says about refunds and disputes, oldest first."""
    about = LedgerEntry.refund.is_null(False) | LedgerEntry.dispute.is_null(False)
    rows = LedgerEntry.select().where(about).order_by(LedgerEntry.id)
    return [(row.kind, row.cents) for row in rows]


def letters(kind: str) -> int:
    return Letter.select().where(Letter.kind == kind).count()


# --- Disputes --------------------------------------------------------------------------------


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_is_on_record_until_it_is_decided(
    app: Flask, alice: Account, bank: Bank, visitor: Visitor, won: bool
) -> None:
    invoice, payment = paid(alice, bank)
    checkout = payment.checkout or ""
    notify(bank.dispute(checkout, 3000, reason="fraudulent"))
    assert kinds() == []
    assert monitoring.alarms()["open_disputes"] == 1
    notify(bank.dispute(checkout, 3000, withdrawn_cents=3000, reason="fraudulent"))
    assert kinds() == [("withdrawn", 3000)]
    assert letters("payment_disputed") == 1
    billing.assert_balanced()
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{invoice.number}")
    assert visitor.sees("contestés auprès de votre banque")
    run = app.test_cli_runner().invoke
    assert "30.00 withdrawn" in run(args=["billing", "disputes"]).output
    state = DisputeState.WON if won else DisputeState.LOST
    left = 0 if won else 3000
    notify(bank.dispute(checkout, 3000, state=state, withdrawn_cents=left))
    assert Dispute.get().status == (DisputeStatus.WON if won else DisputeStatus.LOST)
    assert kinds() == [("withdrawn", 3000)] + ([("reinstated", -3000)] if won else [])
    billing.assert_balanced()
    assert monitoring.alarms()["open_disputes"] == 0
    assert "No dispute." in run(args=["billing", "disputes"]).output
    assert invoice.number in run(args=["billing", "disputes", "--all"]).output
    visitor.open(f"/manager/account/bills/{invoice.number}")
    assert visitor.sees("l’a maintenu" if won else "a repris 30,00 €")
    billing.assert_no_fault()


def test_a_dispute_without_notifications_is_found_by_looking_it_up(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    _, payment = paid(alice, bank)
    checkout = payment.checkout or ""
    notify(bank.dispute(checkout, 500, withdrawn_cents=500))
    clock.shift(disputes.LOOK_AGAIN)
    queue.drain()
    assert Dispute.get().is_open
    bank.dispute(checkout, 500, state=DisputeState.WON)
    clock.shift(disputes.LOOK_AGAIN)
    queue.drain()
    assert kinds() == [("withdrawn", 500), ("reinstated", -500)]
    billing.assert_balanced()


def test_the_card_of_a_disputed_renewal_is_charged_no_more(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    running.to_renewal(group)
    charged = Payment.get(Payment.card.is_null(False))
    notify(bank.dispute(charged.checkout, charged.amount_cents, withdrawn_cents=3168))
    assert Card.get().removed_at is not None
    running.to_renewal(group)
    assert Payment.select().where(Payment.card.is_null(False)).count() == 1
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    assert "4242" in Letter.get(Letter.kind == "payment_disputed").text


def test_the_card_kept_with_a_disputed_order_is_charged_no_more(alice: Account, bank: Bank) -> None:
    payment = purchases.pay(purchases.place(alice), bank, store_card=True)
    card = Card.get()
    notify(bank.dispute(payment.checkout or "", 100))
    assert fresh(card).removed_at is not None
    assert Event.select().where(Event.subject == "card", Event.note == "disputed").count() == 1


def test_the_dispute_of_another_shop_changes_nothing(alice: Account, bank: Bank) -> None:
    paid(alice, bank)
    notify(gateway.Dispute("dp_1", "cs_of_another", 500, withdrawn_cents=500))
    assert Dispute.select().count() == 0


def test_money_refunded_and_withdrawn_is_found(alice: Account, bank: Bank) -> None:
    invoice, payment = paid(alice, bank)
    billing.credit(billing.fresh(invoice))
    queue.drain()
    whole = payment.amount_cents
    notify(bank.dispute(payment.checkout or "", whole, withdrawn_cents=whole))
    said = f"more of payment {payment.id} was refunded than received"
    assert said in list(ledger_proof.find_faults())


# --- Refunds of the dashboard ----------------------------------------------------------------


def test_a_partial_refund_of_the_dashboard_is_on_record_until_it_is_explained(
    app: Flask, alice: Account, bank: Bank, visitor: Visitor
) -> None:
    invoice, payment = paid(alice, bank)
    made = bank.refund_of_itself(payment.checkout or "", 500)
    notify(made)
    assert kinds() == [("refunded", 500)]
    assert letters("refunded_by_bank") == 1
    assert monitoring.alarms()["unexplained_refunds"] == 1
    said = f"the bank made the refund {made.reference} on its own, and nobody explained it"
    assert list(ledger_proof.find_faults()) == [said]
    assert billing.fresh(invoice).status == InvoiceStatus.PAID
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{invoice.number}")
    assert visitor.sees("Remboursé par la banque le")
    run = app.test_cli_runner().invoke
    assert f"made by the bank as {made.reference}" in run(args=["billing", "refunds"]).output
    command = ["billing", "explain-refund", made.reference, "A gesture of goodwill."]
    assert run(args=command).exit_code == 0
    assert Refund.get().explanation == "A gesture of goodwill."
    assert monitoring.alarms()["unexplained_refunds"] == 0
    assert "explained, or asked for, before" in run(args=command).output
    billing.assert_balanced()


def test_a_credit_note_for_a_refund_of_the_dashboard_gives_nothing_back_again(
    app: Flask, alice: Account, bank: Bank
) -> None:
    invoice, payment = paid(alice, bank)
    made = bank.refund_of_itself(payment.checkout or "", invoice.total_cents, RefundState.PENDING)
    notify(made)
    run = app.test_cli_runner().invoke
    wrong = ["billing", "credit", invoice.number, "Why.", "--refunded", made.reference]
    wrong += ["--line", "1", "--quantity", "1"]
    assert "another amount" in run(args=wrong).output
    assert Invoice.select().where(Invoice.kind == "credit_note").count() == 0
    command = ["billing", "credit", invoice.number, "An error.", "--refunded", made.reference]
    assert run(args=command).exit_code == 0
    queue.drain()
    note = Invoice.get(Invoice.kind == "credit_note")
    assert note.is_refund_due
    assert len(bank.refunds) == 1
    notify(bank.tell_refund(made, RefundState.SUCCEEDED))
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert bank.balance() == 0
    billing.assert_balanced()


def test_a_credit_note_after_the_refund_of_the_dashboard_is_refunded_at_once(
    app: Flask, alice: Account, bank: Bank
) -> None:
    invoice, payment = paid(alice, bank)
    made = bank.refund_of_itself(payment.checkout or "", invoice.total_cents)
    notify(made)
    command = ["billing", "credit", invoice.number, "An error.", "--refunded", made.reference]
    assert app.test_cli_runner().invoke(args=command).exit_code == 0
    queue.drain()
    assert Invoice.get(Invoice.kind == "credit_note").status == InvoiceStatus.REFUNDED
    assert len(bank.refunds) == 1
    billing.assert_balanced()


def test_a_refund_of_the_dashboard_in_place_of_one_that_failed_is_that_one(
    alice: Account, bank: Bank
) -> None:
    invoice, payment = paid(alice, bank)
    bank.refunding = RefundState.FAILED
    note = billing.credit(billing.fresh(invoice))
    queue.drain()
    assert fresh(note).is_refund_due
    notify(bank.refund_of_itself(payment.checkout or "", note.total_cents))
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert monitoring.alarms()["failed_refunds"] == 0
    assert monitoring.alarms()["unexplained_refunds"] == 0
    billing.assert_balanced()


def test_a_refund_of_the_dashboard_that_comes_back_is_none(alice: Account, bank: Bank) -> None:
    _, payment = paid(alice, bank)
    made = bank.refund_of_itself(payment.checkout or "", 500)
    notify(made)
    notify(bank.tell_refund(made, RefundState.FAILED))
    assert kinds() == [("refunded", 500), ("returned", -500)]
    assert monitoring.alarms()["unexplained_refunds"] == 0
    assert monitoring.alarms()["failed_refunds"] == 0
    billing.assert_balanced()


def test_a_late_payment_refunded_in_the_dashboard_counts_as_given_back(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    payment = billing.pay(invoice, bank)
    bank.refunding = RefundState.FAILED
    Payment.update(status="closed").where(Payment.id == payment.id).execute()
    Invoice.update(status="due", paid_at=None).where(Invoice.id == invoice.id).execute()
    LedgerEntry.delete().where(LedgerEntry.kind == "paid").execute()
    billing.credit(billing.fresh(invoice))
    late = fresh(payment)
    outcomes.CHECKOUTS.settle(late, bank.checkouts[payment.checkout or ""])
    queue.drain()
    notify(bank.refund_of_itself(payment.checkout or "", payment.amount_cents))
    assert fresh(payment).status == "refunded"
    billing.assert_balanced()


# --- Cards -----------------------------------------------------------------------------------


def test_a_card_renewed_at_the_bank_is_shown_as_it_is(alice: Account, bank: Bank) -> None:
    card = billing.card(alice)
    renewed = replace(CARD, last4="4343", expiry_year=2037)
    notify(CardChange(card.mandate, renewed))
    found = fresh(card)
    assert (found.last4, found.expiry_year, found.removed_at) == ("4343", 2037, None)


def test_a_card_removed_at_the_bank_is_charged_no_more_and_its_customer_told(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    notify(CardChange(Card.get().mandate, None))
    assert Card.get().removed_at is not None
    assert letters("card_removed") == 1
    running.to_renewal(group)
    assert not Payment.select().where(Payment.card.is_null(False)).exists()
    notify(CardChange("md_of_nobody", None))
    assert letters("card_removed") == 1


# --- Lost ------------------------------------------------------------------------------------


def lose(bank: Bank, payment: Payment, cents: int = 0) -> gateway.Dispute:
    """Let the bank take a payment back, in part where ``cents`` says so."""
    cents = cents or payment.amount_cents
    made = bank.dispute(
        payment.checkout or "", cents, state=DisputeState.LOST, withdrawn_cents=cents
    )
    notify(made)
    return made


def test_an_invoice_whose_payment_is_lost_is_owed_again_and_can_be_paid(
    alice: Account, bank: Bank, visitor: Visitor
) -> None:
    invoice, payment = paid(alice, bank)
    lose(bank, payment)
    assert fresh(payment).status == "lost"
    again = billing.fresh(invoice)
    assert (again.status, again.paid_at, again.balance_cents) == ("unpaid", None, 10560)
    assert letters("dispute_lost") == 1
    billing.assert_balanced()
    outcomes.CHECKOUTS.settle(fresh(payment), bank.checkouts[payment.checkout or ""])
    assert fresh(payment).status == "lost"
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{invoice.number}")
    assert visitor.sees("Impayée")
    assert visitor.sees("Payer par carte")
    billing.pay(again, bank)
    assert billing.fresh(invoice).status == InvoiceStatus.PAID
    billing.assert_no_fault()


def test_an_invoice_that_still_counts_as_paid_after_a_lost_dispute_is_a_fault(
    alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice, payment = paid(alice, bank)
    monkeypatch.setattr(disputes.losses, "apply_decision", lambda *_, **__: None)
    lose(bank, payment)
    said = f"the bank took the payment of invoice {invoice.number} back for good"
    assert [fault for fault in ledger_proof.find_faults() if fault.startswith(said)]


def test_a_payment_that_counts_as_lost_and_was_not_taken_back_is_a_fault(
    alice: Account, bank: Bank
) -> None:
    _, payment = paid(alice, bank)
    Payment.update(status="lost").where(Payment.id == payment.id).execute()
    said = f"payment {payment.id} counts as lost, and not all of it was taken back"
    assert said in list(ledger_proof.find_faults())


def test_a_payment_lost_in_part_is_shown_and_owes_nothing_again(
    alice: Account, bank: Bank, visitor: Visitor
) -> None:
    invoice, payment = paid(alice, bank)
    lose(bank, payment, 3000)
    assert billing.fresh(invoice).status == InvoiceStatus.PAID
    billing.assert_balanced()
    visitor.log_in(alice)
    for page in (f"/manager/account/bills/{invoice.number}", "/manager/account/bills"):
        visitor.open(page)
        assert visitor.sees("Reprise en partie")
        assert "badge-good" not in visitor.response.text
    assert letters("dispute_lost") == 1
    key = Letter.get(Letter.kind == "dispute_lost").key
    assert key == f"dispute_lost:{Dispute.get().id}", "the previous release had this key"


def test_a_dispute_won_after_all_pays_the_invoice_again(alice: Account, bank: Bank) -> None:
    invoice, payment = paid(alice, bank)
    made = lose(bank, payment)
    notify(replace(made, state=DisputeState.WON, withdrawn_cents=0))
    assert fresh(payment).status == "succeeded"
    assert billing.fresh(invoice).status == InvoiceStatus.PAID
    billing.assert_balanced()


@pytest.mark.parametrize("paid_again", [True, False])
def test_a_dispute_won_after_the_invoice_was_settled_is_refunded(
    alice: Account, bank: Bank, paid_again: bool
) -> None:
    invoice, payment = paid(alice, bank)
    made = lose(bank, payment)
    if paid_again:
        billing.pay(billing.fresh(invoice), bank)
    else:
        billing.credit(billing.fresh(invoice), "A loss.")
    billing.assert_balanced()
    notify(bank.dispute(made.checkout, made.amount_cents, state=DisputeState.WON))
    queue.drain()
    assert fresh(payment).status == "refunded"
    assert bank.balance() == (invoice.total_cents if paid_again else 0)
    billing.assert_balanced()


def test_the_lost_payment_of_an_order_makes_its_invoice_owed(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = billing.delivered(alice, bank)
    lose(bank, Payment.get(Payment.order == order))
    assert billing.invoice_of(order).is_unpaid
    billing.assert_no_fault()
    billing.pay(billing.invoice_of(order), bank)
    assert billing.invoice_of(order).status == InvoiceStatus.PAID
    billing.assert_balanced()


def test_an_order_whose_payment_is_lost_before_its_delivery_is_invoiced_as_owed(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = purchases.place(alice)
    lose(bank, purchases.pay(order, bank))
    billing.assert_balanced()
    queue.drain()
    assert billing.invoice_of(fresh(order)).is_payable
    billing.assert_balanced()


def test_a_service_whose_renewal_is_lost_is_unpaid_until_it_is_paid_again(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    running.to_renewal(group)
    lose(bank, Payment.get(Payment.card.is_null(False)))
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    billing.pay(running.owed(group), bank)
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    billing.assert_balanced()


TOLD_OF_A_LOSS = {
    "fr": ("votre banque a repris le paiement", "n’est plus débitée", "À régler avant le"),
    "en": ("your bank took the payment", "is not charged again", "To be paid before"),
}


def lost_renewal(account: Account, bank: Bank) -> LicenceGroup:
    """Return a group whose renewal was charged to its card, and taken back by the bank."""
    group = running.delivered(account, bank)
    running.to_renewal(group)
    lose(bank, Payment.get(Payment.card.is_null(False)))
    return group


@pytest.mark.parametrize("language", TOLD_OF_A_LOSS)
def test_a_lost_renewal_is_reminded_of_after_3_and_7_days_and_suspended_after_14(
    alice: Account, bank: Bank, provider: Provider, language: str
) -> None:
    alice.language = language
    alice.save()
    group = lost_renewal(alice, bank)
    invoice, lost_at = running.owed(group), clock.now()
    last_day = formats.day(clock.day_of(lost_at + timedelta(days=14)), language)
    seen = [(letters("payment_failed"), running.subscription_of(group).status)]
    for days in (3, 7, 14):
        running.pass_time(lost_at + timedelta(days=days, minutes=-1) - clock.now())
        seen.append((letters("payment_failed"), running.subscription_of(group).status))
        running.pass_time(timedelta(minutes=2))
        assert list(ledger_proof.find_faults()) == []
        lost_at += timedelta(minutes=1)  # each delay counts from the stage before
    assert seen == [(0, "past_due"), (0, "past_due"), (1, "past_due"), (2, "past_due")]
    assert (letters("payment_failed"), letters("service_suspended")) == (2, 1)
    assert running.subscription_of(group).is_suspended
    told = Letter.select().where(Letter.kind.in_(["dispute_lost", "payment_failed"]))
    for letter in told:
        said = plain(mail.text_of(letter))
        assert TOLD_OF_A_LOSS[language][2] in said
        assert plain(last_day) in said
        assert invoice.number in said
        if letter.kind == "payment_failed":
            assert all(words in said for words in TOLD_OF_A_LOSS[language])
    assert Payment.select().where(Payment.invoice == invoice).count() == 1, "charged once"
    billing.pay(running.owed(group), bank)
    queue.drain()
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    billing.assert_balanced()


def test_paying_a_lost_renewal_ends_its_reminders_and_another_loss_begins_them_anew(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = lost_renewal(alice, bank)
    running.pass_time(timedelta(days=3, minutes=1))
    again = billing.pay(running.owed(group), bank)
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    running.pass_time(timedelta(days=1))
    lose(bank, again)
    # The second reminder of the first loss was due on the seventh day.
    running.pass_time(timedelta(days=3, minutes=-1))
    assert letters("payment_failed") == 1
    for days, sent in ((0, 2), (4, 3), (7, 3)):
        running.pass_time(timedelta(days=days, minutes=2))
        assert letters("payment_failed") == sent
    assert running.subscription_of(group).is_suspended
    assert list(ledger_proof.find_faults()) == []


def test_a_lost_renewal_is_charged_to_another_card_of_the_service_after_3_days(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    running.to_renewal(group)
    charged = Payment.get(Payment.card.is_null(False))
    notify(bank.dispute(charged.checkout or "", charged.amount_cents))
    running.charge_to(group, billing.card(alice))
    lose(bank, charged)
    said = plain(mail.text_of(Letter.get(Letter.kind == "dispute_lost")))
    assert "en est débitée le" in said
    invoice = running.owed(group)
    running.pass_time(timedelta(days=3, minutes=1))
    assert fresh(invoice).status == InvoiceStatus.PAID
    paid_with = Payment.get(Payment.invoice == invoice, Payment.status == "succeeded").card
    assert paid_with != charged.card
    assert (letters("payment_failed"), running.subscription_of(group).status) == (
        0,
        SubscriptionStatus.ACTIVE,
    )
    assert list(ledger_proof.find_faults()) == []


def test_only_the_rest_of_a_lost_renewal_is_asked_for(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    running.to_renewal(group)
    charged = Payment.get(Payment.card.is_null(False))
    invoice = charged.invoice
    credit_notes.credit(
        invoice, (credit_notes.part_of(positions_of(invoice)[0], 1),), "Goodwill.", by="operator"
    )
    queue.drain()
    rest = invoice.total_cents - fresh(invoice).credited_cents
    assert 0 < rest < invoice.total_cents
    lose(bank, charged, rest)
    assert running.owed(group).balance_cents == rest
    running.pass_time(timedelta(days=3, minutes=1))
    said = plain(mail.text_of(Letter.get(Letter.kind == "payment_failed")))
    assert plain(formats.money(rest, "fr")) in said
    assert list(ledger_proof.find_faults()) == []


def test_a_renewal_issued_ahead_and_lost_is_collected_from_its_day_on(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    ahead = period_billing.bill_ahead(running.subscription_of(group))
    lose(bank, billing.pay(ahead, bank))
    assert billing.fresh(ahead).is_unpaid
    running.pass_time(timedelta(days=4))
    assert (letters("payment_failed"), running.subscription_of(group).status) == (
        0,
        SubscriptionStatus.ACTIVE,
    )
    running.to_renewal(group)
    assert letters("payment_failed") == 1
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    assert list(ledger_proof.find_faults()) == []


def test_a_lost_renewal_that_nothing_reminds_of_is_a_fault(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = lost_renewal(alice, bank)
    assert list(ledger_proof.find_faults()) == []
    Job.delete().where(Job.kind == "collect_invoice", Job.status == "queued").execute()
    number = running.owed(group).number
    said = f"the bank took the payment of renewal {number} back for good, and nothing reminds of it"
    assert list(ledger_proof.find_faults()) == [said]


def test_a_credit_of_an_invoice_owed_again_gives_nothing_back(alice: Account, bank: Bank) -> None:
    invoice, payment = paid(alice, bank)
    lose(bank, payment)
    note = billing.credit(billing.fresh(invoice), "A loss.")
    queue.drain()
    assert note.status == InvoiceStatus.REFUNDED
    assert Refund.select().count() == 0
    billing.assert_balanced()
