"""Refunds: done when the bank says so, failed ones asked for again, transfers by the operator."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from models import (
    Account,
    Invoice,
    InvoiceStatus,
    LedgerEntry,
    Letter,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from shop import clock as shop_clock
from shop.errors import Refusal
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.operations import audit, monitoring
from shop.orders import orders
from shop.payments import gateway, notifications, payments, refunds
from shop.payments.gateway import CheckoutStatus, Notification, RefundState
from shop.payments.refundables import RefundableNote
from tests.support import billing, purchases
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor


def credited(account: Account, bank: Bank, state: RefundState = RefundState.PENDING) -> Invoice:
    """Return the credit note of an invoice paid by card, whose refund has that state."""
    invoice = billing.due(account)
    billing.pay(invoice, bank)
    bank.refunding = state
    note = billing.credit(billing.fresh(invoice))
    queue.drain()
    return fresh(note)


def the_refund(bank: Bank) -> gateway.Refund:
    """Return the newest refund at the bank."""
    return list(bank.refunds.values())[-1]


def notify(bank: Bank, state: RefundState, reason: str = "") -> None:
    """Set the state of the newest refund at the bank, and notify the shop."""
    notifications.apply_notification(
        Notification("e", bank.tell_refund(the_refund(bank), state, reason))
    )


def letters(kind: str) -> int:
    return Letter.select().where(Letter.kind == kind).count()


def kinds() -> list[str]:
    """Return the kinds of ledger entries about refunds, oldest first."""
    about = LedgerEntry.select().where(LedgerEntry.refund.is_null(False)).order_by(LedgerEntry.id)
    return [entry.kind for entry in about]


# --- Credit notes ----------------------------------------------------------------------------


def test_a_pending_refund_is_not_done(alice: Account, bank: Bank, visitor: Visitor) -> None:
    note = credited(alice, bank)
    assert (note.status, note.paid_at) == (InvoiceStatus.DUE, None)
    assert Refund.get().status == RefundStatus.PENDING
    assert kinds() == []
    billing.assert_balanced()
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{note.number}")
    assert visitor.sees("À rembourser")
    assert not visitor.sees("Remboursé le")
    notify(bank, RefundState.SUCCEEDED)
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert kinds() == ["refunded"]
    billing.assert_balanced()
    visitor.open(f"/manager/account/bills/{note.number}")
    assert visitor.sees("Remboursé le")


def test_a_refund_without_a_notification_is_found_by_looking_it_up(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    note = credited(alice, bank)
    clock.shift(refunds.LOOK_AGAIN)
    queue.drain()
    assert fresh(note).is_refund_due
    bank.tell_refund(the_refund(bank), RefundState.SUCCEEDED)
    clock.shift(refunds.LOOK_AGAIN)
    queue.drain()
    assert fresh(note).status == InvoiceStatus.REFUNDED


def test_a_refund_that_fails_days_later_is_due_again_and_raises_an_alarm(
    app: Flask, alice: Account, bank: Bank, clock: time_machine.Traveller, visitor: Visitor
) -> None:
    note = credited(alice, bank, RefundState.SUCCEEDED)
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert monitoring.alarms()["failed_refunds"] == 0
    bank.tell_refund(the_refund(bank), RefundState.FAILED, "closed_account")
    clock.shift(refunds.LOOK_BACK + refunds.LOOK_AGAIN)
    queue.drain()
    note = fresh(note)
    assert (note.status, note.paid_at) == (InvoiceStatus.DUE, None)
    assert kinds() == ["refunded", "returned"]
    assert letters("refund_failed") == 1
    assert monitoring.alarms()["failed_refunds"] == 1
    number = Refund.get().id
    said = f"refund {number} failed, and the money was neither asked for again nor transferred"
    assert list(ledger_proof.find_faults()) == [said]
    assert said in list(audit.find_faults())
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{note.number}")
    assert visitor.sees("La banque n’a pas effectué ce remboursement")
    run = app.test_cli_runner().invoke
    assert "failed closed_account" in run(args=["billing", "refunds"]).output
    bank.refunding = RefundState.SUCCEEDED
    assert run(args=["billing", "retry-refund", note.number]).exit_code == 0
    queue.drain()
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert [row.status for row in Refund.select().order_by(Refund.id)] == ["failed", "succeeded"]
    assert letters("credit_note_refunded") == 1
    assert monitoring.alarms()["failed_refunds"] == 0
    assert bank.balance() == 0
    billing.assert_balanced()
    assert "No refund is waiting." in run(args=["billing", "refunds"]).output


@pytest.mark.parametrize("state", [RefundState.PENDING, RefundState.SUCCEEDED])
def test_each_news_of_a_refund_counts_once(alice: Account, bank: Bank, state: RefundState) -> None:
    credited(alice, bank, state)
    old = the_refund(bank)
    for _ in range(3):
        notify(bank, RefundState.SUCCEEDED)
    notifications.apply_notification(
        Notification("late", gateway.Refund(old.reference, old.amount_cents, RefundState.PENDING))
    )
    assert kinds() == ["refunded"]
    for _ in range(3):
        notify(bank, RefundState.FAILED)
    assert kinds() == ["refunded", "returned"]
    notify(bank, RefundState.SUCCEEDED)
    assert Refund.get().has_failed
    assert letters("refund_failed") == 1


def test_a_refund_whose_answer_was_lost_is_made_once(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    bank.losing = 0
    invoice = billing.due(alice)
    billing.pay(invoice, bank)
    note = billing.credit(billing.fresh(invoice))
    bank.losing = 1
    queue.drain()
    assert Refund.get().status == RefundStatus.ASKED
    notify(bank, RefundState.SUCCEEDED)  # known by its key alone
    assert fresh(note).status == InvoiceStatus.REFUNDED
    clock.shift(timedelta(minutes=1))
    queue.drain()
    assert len(bank.refunds) == 1
    billing.assert_balanced()


def test_only_a_failed_refund_is_asked_for_again(alice: Account, bank: Bank) -> None:
    note = credited(alice, bank)
    with pytest.raises(Refusal, match="Only a refund that failed"):
        refunds.ask_again(RefundableNote(note), by="operator")
    notify(bank, RefundState.SUCCEEDED)
    with pytest.raises(Refusal, match="Only a refund that failed"):
        refunds.ask_again(RefundableNote(note), by="operator")


def test_a_refund_of_nobody_changes_nothing(alice: Account, bank: Bank) -> None:
    credited(alice, bank)
    stranger = gateway.Refund("re_unknown", 5, RefundState.FAILED, "cs_unknown")
    notifications.apply_notification(Notification("e", stranger))
    assert Refund.get().status == RefundStatus.PENDING


# --- Whole payments --------------------------------------------------------------------------


def test_an_order_whose_refund_comes_back_is_open_again(
    app: Flask, alice: Account, bank: Bank, provider: Provider, visitor: Visitor
) -> None:
    provider.failing = "No."
    order = purchases.place(alice)
    purchases.pay(order, bank)
    queue.drain()
    bank.refunding = RefundState.PENDING
    orders.refund_order(fresh(order), by="operator")
    queue.drain()
    assert fresh(order).status == OrderStatus.DELIVERY_FAILED
    assert letters("payment_refunded") == 0
    visitor.log_in(alice)
    visitor.open(f"/fr/order/{order.number}")
    assert visitor.sees("Votre paiement vous est rendu")
    assert not visitor.sees("Réessayer")
    notify(bank, RefundState.SUCCEEDED)
    assert fresh(order).status == OrderStatus.REFUNDED
    assert Payment.get().status == PaymentStatus.REFUNDED
    assert letters("payment_refunded") == 1
    notify(bank, RefundState.FAILED)
    assert fresh(order).status == OrderStatus.DELIVERY_FAILED
    assert Payment.get().status == PaymentStatus.REFUND_DUE
    visitor.open(f"/fr/order/{order.number}")
    assert visitor.sees("La banque n’a pas effectué ce remboursement")
    assert not visitor.sees("Remboursée")
    bank.refunding = RefundState.SUCCEEDED
    run = app.test_cli_runner().invoke
    assert run(args=["billing", "retry-refund", str(order.number)]).exit_code == 0
    queue.drain()
    assert fresh(order).status == OrderStatus.REFUNDED
    assert letters("payment_refunded") == 2
    assert bank.balance() == 0
    billing.assert_balanced()


def test_the_refund_of_a_late_payment_is_done_when_the_bank_says_so(
    alice: Account, bank: Bank
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    orders.cancel_order(order, by=alice.nic_handle)
    bank.refunding = RefundState.PENDING
    bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    notifications.apply_notification(Notification("e", bank.checkouts[payment.checkout or ""]))
    queue.drain()
    assert fresh(payment).status == PaymentStatus.REFUND_DUE
    assert letters("payment_refunded") == 0
    billing.assert_balanced()
    notify(bank, RefundState.SUCCEEDED)
    assert fresh(payment).status == PaymentStatus.REFUNDED
    assert letters("payment_refunded") == 1
    billing.assert_balanced()


# --- Transfers -------------------------------------------------------------------------------


def transferred(number: object, day: str = "", reference: str = "VIR-7") -> list[str]:
    """Return the command that records a transfer, of today by default."""
    day = day or shop_clock.today().isoformat()
    return ["billing", "mark-refunded", str(number), "--date", day, "--reference", reference]


def test_money_paid_by_transfer_goes_back_by_transfer(
    app: Flask, alice: Account, bank: Bank, visitor: Visitor, clock: time_machine.Traveller
) -> None:
    invoice = billing.due(alice)
    payments.record_manual_payment(invoice, by="operator")
    note = billing.credit(billing.fresh(invoice))
    clock.shift(timedelta(days=2))
    queue.drain()
    assert fresh(note).is_refund_due
    assert bank.refunds == {}
    assert monitoring.alarms()["refunds_to_transfer"] == 1
    billing.assert_no_fault()
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{note.number}")
    assert visitor.sees("À rembourser")
    assert visitor.sees("nous virons cette somme")
    run = app.test_cli_runner().invoke
    assert "to transfer" in run(args=["billing", "refunds"]).output
    assert "Missing option" in run(args=["billing", "mark-refunded", note.number]).output
    assert "Only a refund that failed" in run(args=["billing", "retry-refund", note.number]).output
    tomorrow = (shop_clock.today() + timedelta(days=1)).isoformat()
    assert "lies ahead" in run(args=transferred(note.number, tomorrow)).output
    assert "ten years" in run(args=transferred(note.number, "1926-11-01")).output
    assert "Give the reference" in run(args=transferred(note.number, reference=" ")).output
    yesterday = shop_clock.today() - timedelta(days=1)
    assert run(args=transferred(note.number, yesterday.isoformat())).exit_code == 0
    row = Refund.get()
    assert (row.status, row.reference) == (RefundStatus.SUCCEEDED, "VIR-7")
    assert shop_clock.day_of(fresh(note).paid_at) == yesterday
    letter = Letter.get(Letter.kind == "credit_note_refunded")
    assert "VIR-7" in letter.text
    visitor.open(f"/manager/account/bills/{note.number}")
    assert visitor.sees("Remboursé le")
    assert monitoring.alarms()["refunds_to_transfer"] == 0
    assert "Nothing is to be refunded" in run(args=transferred(note.number)).output
    billing.assert_balanced()


def test_an_order_paid_by_transfer_is_refunded_by_transfer(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "No."
    order = purchases.place(alice)
    payments.record_manual_payment(order, by="operator")
    queue.drain()
    orders.refund_order(fresh(order), by="operator")
    queue.drain()
    assert fresh(order).status == OrderStatus.DELIVERY_FAILED
    assert monitoring.alarms()["refunds_to_transfer"] == 1
    assert app.test_cli_runner().invoke(args=transferred(order.number)).exit_code == 0
    assert fresh(order).status == OrderStatus.REFUNDED
    assert "VIR-7" in Letter.get(Letter.kind == "payment_refunded").text
    billing.assert_balanced()


def test_what_the_bank_failed_to_give_back_is_transferred(
    app: Flask, alice: Account, bank: Bank
) -> None:
    note = credited(alice, bank, RefundState.FAILED)
    assert fresh(note).is_refund_due
    assert app.test_cli_runner().invoke(args=transferred(note.number)).exit_code == 0
    assert [row.method for row in Refund.select().order_by(Refund.id)] == ["card", "manual"]
    assert monitoring.alarms()["failed_refunds"] == 0
    billing.assert_balanced()


# --- The webhook -----------------------------------------------------------------------------


def test_the_webhook_takes_news_of_refunds(app: Flask, alice: Account, bank: Bank) -> None:
    note = credited(alice, bank)
    client = FlaskClient(app, app.response_class)
    made = bank.tell_refund(the_refund(bank), RefundState.SUCCEEDED)
    answer = client.post("/notifications/bank", data=made.reference, headers={"X-Signed": "yes"})
    assert answer.status_code == 204
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert Order.select().count() == 0
