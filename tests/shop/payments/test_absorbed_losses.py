"""What a bank took back of a payment is not refunded again: credit notes absorb it first."""

from __future__ import annotations

from dataclasses import replace

import pytest
import time_machine

from models import (
    Account,
    Dispute,
    Invoice,
    InvoiceStatus,
    Letter,
    Payment,
    PaymentStatus,
    Refund,
    database,
)
from shop import mail, money_acts, vat
from shop.invoicing import credit_notes, lost_parts
from shop.jobs import queue
from shop.operations import monitoring
from shop.orders import withdrawals
from shop.payments import notifications, refunds
from shop.payments.gateway import Dispute as Told
from shop.payments.gateway import DisputeState, Notification, RefundState
from shop.subscriptions import corrections
from shop.text import formats
from tests.support import billing, groups, purchases, racing, running
from tests.support.groups import fresh
from tests.support.letters import plain
from tests.support.money_books import balance_of, perform
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

LOST = DisputeState.LOST


def notify(bank: Bank, told: Told) -> None:
    """Apply news of a dispute, three times: it may come again."""
    bank.disputes[told.reference] = told
    for _ in range(3):
        notifications.apply_notification(Notification("e", told))


def paid(account: Account, bank: Bank, lost: int = 0) -> tuple[Invoice, Payment, Told]:
    """Return an invoice of 105.60 EUR paid by card, of which the bank took a part back."""
    invoice = billing.due(account)
    payment = billing.pay(invoice, bank)
    told = bank.dispute(
        payment.checkout or "", lost or 3_000, state=LOST, withdrawn_cents=lost or 3_000
    )
    notify(bank, told)
    return fresh(invoice), payment, told


def credit(invoice: Invoice, net_cents: int | None = None) -> Invoice:
    """Return the credit note of an invoice, or of an amount of it, after its refunds."""
    left = credit_notes.remaining_of(fresh(invoice))
    positions = left if net_cents is None else credit_notes.amounts_of(left, net_cents)
    with database.atomic():
        note = credit_notes.credit(
            fresh(invoice), positions, "An error.", by="operator", by_amount=True
        )
    queue.drain()
    return fresh(note)


def rows() -> list[tuple[int, str]]:
    return [(row.cents, row.status) for row in Refund.select().order_by(Refund.id)]


def test_a_credit_note_of_what_the_bank_took_back_refunds_nothing(
    alice: Account, bank: Bank, visitor: Visitor
) -> None:
    invoice, _, _ = paid(alice, bank)
    note = credit(invoice, 2_500)  # 30.00 EUR with VAT
    assert (note.status, note.absorbed_cents, note.refund_cents) == ("refunded", 3_000, 0)
    assert rows() == []
    assert balance_of(alice) == 0, "nothing stays open on the account of customers"
    billing.assert_no_fault()
    letter = plain(mail.text_of(Letter.get(Letter.kind == "credit_note_issued")))
    assert "Votre banque vous a déjà rendu ce montant" in letter
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{note.number}")
    assert visitor.sees("Votre banque vous a déjà rendu ce montant")


def test_a_larger_credit_note_refunds_what_is_more_than_the_bank_took_back(
    alice: Account, bank: Bank, visitor: Visitor
) -> None:
    invoice, _, _ = paid(alice, bank)
    note = credit(invoice, 5_000)
    assert rows() == [(3_000, "succeeded")]
    letter = plain(mail.text_of(Letter.get(Letter.kind == "credit_note_issued")))
    for cents in (3_000, note.refund_cents):
        assert plain(formats.money(cents, "fr")) in letter
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{note.number}")
    assert visitor.sees("Votre banque vous en a déjà rendu")
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_a_smaller_credit_note_leaves_the_rest_of_the_loss_to_the_next_one(
    alice: Account, bank: Bank
) -> None:
    invoice, payment, _ = paid(alice, bank)
    credit(invoice, 1_000)
    assert rows() == []
    assert balance_of(alice) == 1_800
    billing.assert_no_fault()
    credit(invoice)
    assert rows() == [(7_560, "succeeded")]
    assert balance_of(alice) == 0
    assert fresh(payment).status == PaymentStatus.LOST, "all of it went back"
    billing.assert_no_fault()


@pytest.mark.parametrize("net_cents", [1_000, 2_500, 5_000, None])
def test_a_dispute_won_afterwards_makes_what_was_absorbed_due_for_refund(
    alice: Account, bank: Bank, net_cents: int | None
) -> None:
    invoice, payment, told = paid(alice, bank)
    note = credit(invoice, net_cents)
    notify(bank, replace(told, state=DisputeState.WON, withdrawn_cents=0))
    assert fresh(note).is_refund_due
    billing.assert_no_fault()
    queue.drain()
    note = fresh(note)
    assert (note.status, note.absorbed_cents, note.refund_cents) == (
        "refunded", 0, note.total_cents,
    )  # fmt: skip
    assert sum(cents for cents, _ in rows()) == note.total_cents
    assert bank.balance() == invoice.total_cents - note.total_cents
    assert fresh(payment).status == PaymentStatus.SUCCEEDED
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_a_part_that_the_bank_gives_back_is_refunded_of_the_newest_note(
    alice: Account, bank: Bank
) -> None:
    invoice, _, told = paid(alice, bank)
    first, second = credit(invoice, 1_000), credit(invoice, 1_000)
    notify(bank, replace(told, withdrawn_cents=1_000))
    queue.drain()
    assert [fresh(each).absorbed_cents for each in (first, second)] == [1_000, 0]
    assert sorted(rows()) == [(200, "succeeded"), (1_200, "succeeded")]
    billing.assert_no_fault()


@pytest.mark.parametrize("outcome", ["lost", "won"])
def test_a_credit_note_of_a_contested_payment_waits_and_absorbs_what_is_lost(
    alice: Account, bank: Bank, clock: time_machine.Traveller, outcome: str
) -> None:
    invoice = billing.due(alice)
    payment = billing.pay(invoice, bank)
    told = bank.dispute(payment.checkout or "", 3_000, withdrawn_cents=3_000)
    notify(bank, told)
    notes = [credit(invoice, 2_500), credit(invoice, 1_500)]
    assert rows() == [(3_000, "asked"), (1_800, "asked")]
    left = 3_000 if outcome == "lost" else 0
    notify(bank, replace(told, state=DisputeState(outcome), withdrawn_cents=left))
    clock.shift(refunds.WHILE_CONTESTED)
    queue.drain()
    expected = [(3_000, "failed"), (1_800, "succeeded")]
    assert rows() == (expected if left else [(3_000, "succeeded"), (1_800, "succeeded")])
    assert [fresh(note).status for note in notes] == ["refunded", "refunded"]
    assert sum(fresh(note).absorbed_cents for note in notes) == left
    assert monitoring.alarms()["failed_refunds"] == 0
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_goodwill_comes_back_to_the_balance_after_what_the_bank_took_back(
    alice: Account, bank: Bank
) -> None:
    perform(money_acts.goodwill(alice, 2_000))
    invoice, _, told = paid(alice, bank)
    first = credit(invoice, 2_500)
    assert (first.absorbed_cents, first.kept_cents, first.refund_cents) == (3_000, 0, 0)
    last = credit(invoice)
    assert (last.absorbed_cents, last.kept_cents) == (0, 2_000)
    assert rows() == [(5_560, "succeeded")]
    assert balance_of(alice) == -2_000, "the goodwill is for the next invoice"
    billing.assert_no_fault()
    notify(bank, replace(told, state=DisputeState.WON, withdrawn_cents=0))
    queue.drain()
    assert rows()[1:] == [(3_000, "succeeded")]
    assert balance_of(alice) == -2_000
    billing.assert_no_fault()


def test_a_correction_that_takes_vat_off_refunds_nothing_the_bank_took_back(
    alice: Account, bank: Bank
) -> None:
    Account.update(vat_number="DE136695976", vat_status="confirmed").execute()
    invoice, _, told = paid(Account.get_by_id(alice.id), bank)
    made = corrections.correct(
        invoice,
        {"country": "DE", "postcode": "10117", "city": "Berlin", "company": "Gros GmbH",
         "siren": "", "vat_number": "DE136695976"},
        "VAT number.", by="operator",
    )  # fmt: skip
    queue.drain()
    note = fresh(made.credit_note)
    assert (note.absorbed_cents, note.kept_cents, made.refunded_cents) == (1_760, 8_800, 0)
    assert rows() == []
    assert balance_of(alice) == 1_240
    billing.assert_no_fault()
    credit(made.invoice)
    assert rows() == [(7_560, "succeeded")]
    assert balance_of(alice) == 0
    billing.assert_no_fault()
    notify(bank, replace(told, state=DisputeState.WON, withdrawn_cents=0))
    queue.drain()
    assert bank.balance() == 0
    billing.assert_no_fault()


def test_two_payments_of_which_one_is_lost_in_part_give_back_what_is_left(
    alice: Account, bank: Bank
) -> None:
    place = vat.PlaceOfSupply("DE", "10117", "DE136695976", vat_confirmed=True)
    wrong = billing.due(alice, treatment=vat.treatment_of(place))
    first = billing.pay(wrong, bank)
    made = corrections.correct(wrong, {"street": "1 rue Haute"}, "Error.", by="operator")
    billing.pay(made.invoice, bank)
    notify(bank, bank.dispute(first.checkout or "", 3_000, state=LOST, withdrawn_cents=3_000))
    note = credit(made.invoice)
    assert note.absorbed_cents == 3_000
    assert rows() == [(5_800, "succeeded"), (1_760, "succeeded")]
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_what_the_previous_release_credited_absorbs_before_it_is_refunded(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    payment = billing.pay(invoice, bank)
    with database.atomic():
        positions = credit_notes.amounts_of(credit_notes.remaining_of(invoice), 2_500)
        note = credit_notes.credit(
            fresh(invoice), positions, "An error.", by="operator", by_amount=True
        )
    notify(bank, bank.dispute(payment.checkout or "", 3_000, state=LOST, withdrawn_cents=3_000))
    queue.drain()
    assert rows() == []
    assert (fresh(note).status, fresh(note).absorbed_cents) == ("refunded", 3_000)
    billing.assert_no_fault()


def test_a_refund_that_failed_is_asked_again_without_what_the_bank_took_back_since(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    payment = billing.pay(invoice, bank)
    bank.refunding = RefundState.FAILED
    note = credit(invoice, 5_000)
    notify(bank, bank.dispute(payment.checkout or "", 3_000, state=LOST, withdrawn_cents=3_000))
    bank.refunding = RefundState.SUCCEEDED
    perform(money_acts.retry_refund(note))
    queue.drain()
    assert rows() == [(6_000, "failed"), (3_000, "succeeded")]
    assert monitoring.alarms()["failed_refunds"] == 0
    billing.assert_no_fault()


def test_a_withdrawal_refunds_what_the_bank_has_not_given_back(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    order = groups.add(group, 2)
    purchases.pay(order, bank)
    queue.drain()
    payment, before = Payment.get(Payment.order == order), bank.balance()
    told = bank.dispute(payment.checkout, 700, state=LOST, withdrawn_cents=700)
    notify(bank, told)
    withdrawals.withdraw(fresh(order), by="alice")
    queue.drain()
    assert Refund.get().cents == payment.amount_cents - 700
    assert bank.balance() == before - payment.amount_cents, "700 by the dispute, the rest by us"
    letter = plain(mail.text_of(Letter.get(Letter.kind == "withdrawal_received")))
    assert plain(formats.money(payment.amount_cents - 700, "fr")) in letter
    assert balance_of(alice) == 0
    billing.assert_no_fault()
    notify(bank, replace(told, state=DisputeState.WON, withdrawn_cents=0))
    queue.drain()
    assert bank.balance() == before - payment.amount_cents
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_a_withdrawal_before_delivery_says_what_goes_back_beside_the_loss(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "No."
    order = purchases.place(alice)
    purchases.pay(order, bank)
    queue.drain()
    payment = Payment.get()
    notify(bank, bank.dispute(payment.checkout, 700, state=LOST, withdrawn_cents=700))
    withdrawals.withdraw(fresh(order), by="alice")
    queue.drain()
    assert rows() == [(payment.amount_cents - 700, "succeeded")]
    letter = plain(mail.text_of(Letter.get(Letter.kind == "withdrawal_received")))
    assert plain(formats.money(payment.amount_cents - 700, "fr")) in letter
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_staff_refund_of_a_failed_delivery_what_the_bank_has_not_given_back(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "No."
    order = purchases.place(alice)
    purchases.pay(order, bank)
    queue.drain()
    payment = Payment.get()
    told = bank.dispute(payment.checkout, 700, state=LOST, withdrawn_cents=700)
    notify(bank, told)
    perform(money_acts.refund(fresh(order)))
    queue.drain()
    assert rows() == [(payment.amount_cents - 700, "succeeded")]
    assert fresh(payment).status == PaymentStatus.LOST
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_credits_at_once_absorb_a_loss_once(alice: Account, bank: Bank) -> None:
    invoice, _, _ = paid(alice, bank)
    racing.race(lambda: perform(money_acts.credit(fresh(invoice), net_cents=1_500)), 3)
    queue.drain()
    notes = list(Invoice.select().where(Invoice.kind == "credit_note"))
    assert notes
    total = sum(note.total_cents for note in notes)
    assert sum(note.absorbed_cents for note in notes) == min(3_000, total)
    assert sum(cents for cents, _ in rows()) == max(0, total - 3_000)
    assert Dispute.get().absorbed_cents == min(3_000, total)
    billing.assert_no_fault()


def test_a_payment_lost_in_whole_after_all_is_owed_less_what_was_credited(
    alice: Account, bank: Bank
) -> None:
    invoice, payment, told = paid(alice, bank)
    note = credit(invoice, 2_500)
    notify(bank, replace(told, withdrawn_cents=10_560))
    assert fresh(payment).status == PaymentStatus.LOST
    assert fresh(invoice).balance_cents == 7_560
    billing.assert_no_fault()
    notify(bank, replace(told, state=DisputeState.WON, withdrawn_cents=0))
    queue.drain()
    assert fresh(invoice).status == InvoiceStatus.PAID
    assert fresh(note).refund_cents == 3_000
    assert rows() == [(3_000, "succeeded")]
    billing.assert_no_fault()


def test_a_dispute_won_after_all_was_paid_again_gives_everything_back_once(
    alice: Account, bank: Bank
) -> None:
    invoice, payment, told = paid(alice, bank)
    credit(invoice, 2_500)
    notify(bank, replace(told, withdrawn_cents=10_560))
    billing.pay(fresh(invoice), bank)
    notify(bank, replace(told, state=DisputeState.WON, withdrawn_cents=0))
    queue.drain()
    assert rows() == [(10_560, "succeeded")]
    assert fresh(payment).status == PaymentStatus.REFUNDED
    assert balance_of(alice) == 0
    billing.assert_no_fault()
    assert lost_parts.open_of(Payment.select()) == 0
