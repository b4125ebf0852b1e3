"""Refunds of an invoice that more than one payment paid: of each, what is left of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from models import (
    Account,
    Invoice,
    InvoiceStatus,
    Letter,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    database,
)
from shop import clock, mail, money_acts, vat
from shop.errors import Conflict, Refusal
from shop.invoicing import credit_notes, lost_parts
from shop.jobs import queue
from shop.operations import monitoring
from shop.payments import (
    disputes,
    gateway,
    manual_refunds,
    notifications,
    payments,
    refunds,
    taken_back,
)
from shop.payments.gateway import DisputeState, Notification, RefundState
from shop.payments.refundables import RefundableNote
from shop.settings import current
from shop.subscriptions import corrections
from tests.support import billing, letters, racing
from tests.support.groups import fresh
from tests.support.money_books import perform
from tests.support.parties import Bank

GERMANY = vat.PlaceOfSupply("DE", "10117", "DE136695976", vat_confirmed=True)


def corrected(account: Account) -> Invoice:
    """Return an invoice of 105.60 EUR of which the 88.00 EUR paid for a wrong one pay a part."""
    wrong = Invoice.get(Invoice.account == account)
    made = corrections.correct(wrong, {"street": "1 rue Haute"}, "Error.", by="operator")
    assert (made.invoice.total_cents, made.due_cents) == (10_560, 1_760)
    return made.invoice


@pytest.fixture
def paid_twice(alice: Account, bank: Bank) -> Invoice:
    """Return an invoice that a payment of 88.00 EUR and one of 17.60 EUR paid by card."""
    billing.pay(billing.due(alice, treatment=vat.treatment_of(GERMANY)), bank)
    rest = corrected(alice)
    billing.pay(rest, bank)
    return fresh(rest)


def credit(invoice: Invoice, net_cents: int | None = None) -> Invoice:
    """Return the credit note of an invoice, or of an amount of it, before its refunds."""
    left = credit_notes.remaining_of(invoice)
    positions = left if net_cents is None else credit_notes.amounts_of(left, net_cents)
    with database.atomic():
        return credit_notes.credit(invoice, positions, "An error.", by="operator", by_amount=True)


def rows() -> list[tuple[int, str]]:
    return [(row.cents, row.status) for row in Refund.select().order_by(Refund.id)]


def assert_all_is_back(bank: Bank) -> None:
    assert bank.balance() == 0
    billing.assert_no_fault()


def test_each_payment_gives_back_what_it_paid(paid_twice: Invoice, bank: Bank) -> None:
    note = credit(paid_twice)
    queue.drain()
    assert rows() == [(8_800, "succeeded"), (1_760, "succeeded")]
    assert {row.payment_id for row in Refund.select()} == {
        payment.id for payment in lost_parts.kept_for(paid_twice)
    }
    assert len({row.key for row in Refund.select()}) == 2
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert Letter.select().where(Letter.kind == "credit_note_refunded").count() == 0
    assert_all_is_back(bank)


def test_a_part_larger_than_what_is_left_of_one_payment_is_split(
    paid_twice: Invoice, bank: Bank
) -> None:
    credit(paid_twice, 7_000)
    queue.drain()
    assert rows() == [(8_400, "succeeded")]
    credit(fresh(paid_twice))
    queue.drain()
    assert rows()[1:] == [(400, "succeeded"), (1_760, "succeeded")]
    assert_all_is_back(bank)


def test_two_credit_notes_at_once_do_not_promise_the_same_money(
    paid_twice: Invoice, bank: Bank
) -> None:
    credit(paid_twice, 7_000)
    credit(fresh(paid_twice))
    queue.drain()
    assert sum(cents for cents, _ in rows()) == 10_560
    assert all(status == "succeeded" for _, status in rows())
    assert_all_is_back(bank)


def test_two_workers_ask_once_for_each_part(paid_twice: Invoice, bank: Bank) -> None:
    note = credit(paid_twice)
    racing.race(lambda: refunds.refund_credit_note(note.id), 4)
    refunds.refund_credit_note(note.id)
    assert rows() == [(8_800, "asked"), (1_760, "asked")]
    queue.drain()
    assert_all_is_back(bank)


def test_two_workers_share_what_is_left_between_two_notes(paid_twice: Invoice, bank: Bank) -> None:
    notes = iter([credit(paid_twice, 4_400), credit(fresh(paid_twice))])
    racing.race(lambda: refunds.refund_credit_note(next(notes).id), 2)
    of_each = {
        payment.amount_cents: sum(row.cents for row in payment.refunds)
        for payment in lost_parts.kept_for(paid_twice)
    }
    assert of_each == {8_800: 8_800, 1_760: 1_760}
    queue.drain()
    assert_all_is_back(bank)


def test_control_without_counting_refunds_on_their_way_the_same_money_is_promised_twice(
    paid_twice: Invoice, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken_back, "refundable_of", taken_back.left_of)
    for note in (credit(paid_twice, 4_400), credit(fresh(paid_twice))):
        refunds.refund_credit_note(note.id)
    assert [cents for cents, _ in rows()] == [5_280, 5_280], "both of a payment of 88.00 EUR"


def test_a_credit_note_is_due_until_its_last_part_is_given_back(
    paid_twice: Invoice, bank: Bank
) -> None:
    bank.refunding = RefundState.PENDING
    note = credit(paid_twice)
    queue.drain()
    first, second = list(bank.refunds.values())
    for made, status in ((second, "due"), (first, "refunded")):
        told = bank.tell_refund(made, RefundState.SUCCEEDED)
        for _ in range(3):
            notifications.apply_notification(Notification("e", told))
        assert fresh(note).status == status
        billing.assert_balanced()
    back = Notification("e", bank.tell_refund(first, RefundState.FAILED, "closed_account"))
    notifications.apply_notification(back)
    assert fresh(note).is_refund_due
    assert monitoring.alarms()["failed_refunds"] == 1


def with_a_part_that_failed(paid: Invoice, bank: Bank) -> tuple[Invoice, gateway.Refund]:
    """Credit an invoice that two payments paid: the refund of the first fails, and that of the
    second, which is returned, is pending."""
    bank.refunding = RefundState.PENDING
    note = credit(paid)
    queue.drain()
    first, second = list(bank.refunds.values())
    told = bank.tell_refund(first, RefundState.FAILED)
    notifications.apply_notification(Notification("e", told))
    return note, second


def test_a_part_that_failed_is_asked_for_again_alone(paid_twice: Invoice, bank: Bank) -> None:
    note, second = with_a_part_that_failed(paid_twice, bank)
    assert monitoring.alarms()["failed_refunds"] == 1
    last = RefundableNote(note).latest()
    assert last is not None
    assert last.has_failed, "what is still to be done is said, though a later part is pending"
    bank.refunding = RefundState.SUCCEEDED
    act = perform(money_acts.retry_refund(fresh(note)))
    queue.drain()
    assert act.cents == 8_800
    assert rows() == [(8_800, "failed"), (1_760, "pending"), (8_800, "succeeded")]
    assert monitoring.alarms()["failed_refunds"] == 0
    told = bank.tell_refund(second, RefundState.SUCCEEDED)
    notifications.apply_notification(Notification("e", told))
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert_all_is_back(bank)
    with pytest.raises(Refusal, match="Only a refund that failed"):
        refunds.ask_again(RefundableNote(note), by="operator")


def test_a_transfer_gives_back_the_part_that_failed(paid_twice: Invoice, bank: Bank) -> None:
    bank.refunding = RefundState.FAILED
    note = credit(paid_twice)
    queue.drain()
    assert monitoring.alarms()["failed_refunds"] == 2
    wanted = money_acts.mark_refunded(note, day=clock.today(), reference="VIR-9")
    assert perform(wanted).cents == 10_560
    assert rows()[2:] == [(8_800, "succeeded"), (1_760, "succeeded")]
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert monitoring.alarms()["failed_refunds"] == 0
    billing.assert_balanced()


@pytest.mark.parametrize(
    "asked_for",
    [
        money_acts.retry_refund,
        lambda note: money_acts.mark_refunded(note, day=clock.today(), reference="VIR-9"),
    ],
    ids=["of the bank", "by transfer"],
)
def test_an_act_that_waits_is_not_confirmed_for_another_amount(
    paid_twice: Invoice, bank: Bank, asked_for: Callable[[Invoice], money_acts.Wanted]
) -> None:
    note, second = with_a_part_that_failed(paid_twice, bank)
    with current.using(replace(current(), desk_approval_cents=0)):
        act = perform(asked_for(fresh(note)))
    assert (act.cents, act.is_waiting) == (8_800, True)
    told = bank.tell_refund(second, RefundState.FAILED)
    notifications.apply_notification(Notification("f", told))
    with pytest.raises(Conflict, match="has changed"):
        money_acts.confirm(act, by="staff:sacha")
    assert fresh(act).is_waiting
    assert rows() == [(8_800, "failed"), (1_760, "failed")]


def test_what_a_transfer_paid_goes_back_by_transfer_and_what_a_card_paid_to_it(
    app: Flask, alice: Account, bank: Bank
) -> None:
    billing.pay(billing.due(alice, treatment=vat.treatment_of(GERMANY)), bank)
    rest = corrected(alice)
    payments.record_manual_payment(rest, by="operator")
    note = credit(fresh(rest))
    with pytest.raises(Refusal, match="still being asked"):
        manual_refunds.record_transfer(
            RefundableNote(note), by="operator", day=clock.today(), reference="VIR-1"
        )
    queue.drain()
    assert rows() == [(8_800, "succeeded"), (1_760, "asked")]
    assert fresh(note).is_refund_due
    assert monitoring.alarms()["refunds_to_transfer"] == 1
    wanted = money_acts.mark_refunded(note, day=clock.today(), reference="VIR-9")
    assert perform(wanted).cents == 1_760
    assert fresh(note).status == InvoiceStatus.REFUNDED
    assert_all_is_back(bank)


def test_both_paid_by_transfer_go_back_by_one_transfer(alice: Account) -> None:
    wrong = billing.due(alice, treatment=vat.treatment_of(GERMANY))
    payments.record_manual_payment(wrong, by="operator")
    rest = corrected(alice)
    payments.record_manual_payment(rest, by="operator")
    note = credit(fresh(rest))
    queue.drain()
    wanted = money_acts.mark_refunded(note, day=clock.today(), reference="VIR-9")
    assert perform(wanted).cents == 10_560
    assert rows() == [(8_800, "succeeded"), (1_760, "succeeded")]
    assert fresh(note).status == InvoiceStatus.REFUNDED
    billing.assert_balanced()


def test_what_no_payment_has_left_is_shown_to_the_staff(
    app: Flask, paid_twice: Invoice, bank: Bank
) -> None:
    first = lost_parts.kept_for(paid_twice).order_by(Payment.id).get()
    made = bank.refund_of_itself(first.checkout or "", 3_000)
    notifications.apply_notification(Notification("e", made))
    note = credit(paid_twice)
    queue.drain()
    assert sorted(rows()) == sorted(
        [(3_000, "succeeded"), (3_000, "failed"), (5_800, "succeeded"), (1_760, "succeeded")]
    )
    failed = Refund.get(Refund.status == RefundStatus.FAILED)
    assert failed.reason == refunds.NOTHING_LEFT
    assert fresh(note).is_refund_due
    assert monitoring.alarms()["failed_refunds"] == 1
    run = app.test_cli_runner().invoke
    assert "30.00 EUR  failed nothing_left" in run(args=["billing", "refunds"]).output
    again = run(args=["billing", "retry-refund", note.number])
    assert "give the money back by transfer" in again.output
    assert Refund.select().count() == 4
    assert bank.balance() == 0


@pytest.mark.parametrize("is_partial", [True, False])
def test_a_payment_that_is_lost_leaves_what_the_other_one_gives_back(
    paid_twice: Invoice, bank: Bank, is_partial: bool
) -> None:
    first = lost_parts.kept_for(paid_twice).order_by(Payment.id).get()
    cents = 3_000 if is_partial else 8_800
    told = bank.dispute(first.checkout or "", cents, withdrawn_cents=cents)
    notifications.apply_notification(Notification("e", told))
    note = credit(paid_twice)
    queue.drain()
    assert rows() == [(8_800, "asked"), (1_760, "succeeded")], "its bank has to decide before"
    lost = replace(told, state=DisputeState.LOST)
    bank.disputes[lost.reference] = lost
    notifications.apply_notification(Notification("e", lost))
    billing.assert_balanced()
    assert fresh(note).status == (InvoiceStatus.DUE if is_partial else InvoiceStatus.REFUNDED)
    assert fresh(first).status == (PaymentStatus.SUCCEEDED if is_partial else PaymentStatus.LOST)


# --- An invoice that is paid in part -------------------------------------------------------------


@pytest.fixture
def paid_in_part(alice: Account, bank: Bank) -> Invoice:
    """Return an invoice of 105.60 EUR of which 88.00 EUR are paid by card, and the rest is owed."""
    billing.pay(billing.due(alice, treatment=vat.treatment_of(GERMANY)), bank)
    return fresh(corrected(alice))


@pytest.mark.parametrize(("net_cents", "owed"), [(1_000, 560), (1_466, 1)])
def test_less_than_what_is_owed_is_taken_off_it_and_nothing_is_given_back(
    paid_in_part: Invoice, bank: Bank, net_cents: int, owed: int
) -> None:
    note = credit(paid_in_part, net_cents)
    queue.drain()
    left = fresh(paid_in_part)
    assert (left.is_payable, left.balance_cents) == (True, owed)
    assert (fresh(note).status, note.refund_cents, rows()) == (InvoiceStatus.REFUNDED, 0, [])
    assert bank.balance() == 8_800
    billing.assert_balanced()


def test_all_that_is_owed_settles_the_invoice(paid_in_part: Invoice, bank: Bank) -> None:
    credit(paid_in_part, 1_467)
    queue.drain()
    settled = fresh(paid_in_part)
    assert (settled.status, settled.offset_cents) == (InvoiceStatus.PAID, 8_800)
    assert settled.method == "card"
    assert rows() == []
    billing.assert_balanced()


def test_what_was_paid_beyond_a_share_is_given_back(
    paid_in_part: Invoice, bank: Bank, alice: Account
) -> None:
    note = credit(paid_in_part, 4_400)
    queue.drain()
    settled = fresh(paid_in_part)
    assert (settled.status, settled.balance_cents) == (InvoiceStatus.PAID, 0)
    assert (settled.offset_cents, settled.credited_cents) == (5_280, 5_280)
    assert rows() == [(3_520, "succeeded")]
    assert (fresh(note).status, note.offset_cents) == (InvoiceStatus.REFUNDED, 1_760)
    assert bank.balance() == 5_280
    told = alice.letters.where(Letter.kind == "credit_note_issued").order_by(Letter.id.desc())
    said = letters.plain(mail.text_of(told.get()))
    assert "17,60 € sont déduits de ce que vous deviez" in said
    assert "35,20 € vous sont rendus" in said
    billing.assert_balanced()
    credit(settled)
    queue.drain()
    assert fresh(settled).status == InvoiceStatus.REFUNDED
    assert_all_is_back(bank)


def test_a_share_is_given_back_of_what_is_left_where_another_payment_was_lost(
    paid_twice: Invoice, bank: Bank
) -> None:
    larger = Payment.get(Payment.amount_cents == 8_800)
    told = bank.dispute(
        larger.checkout or "", 8_800, state=DisputeState.LOST, withdrawn_cents=8_800
    )
    disputes.settle(larger, told)
    owed_again = fresh(paid_twice)
    assert (owed_again.is_payable, owed_again.balance_cents) == (True, 8_800)
    credit(owed_again, 4_400)
    queue.drain()
    assert (fresh(paid_twice).balance_cents, rows()) == (3_520, [])
    credit(fresh(paid_twice), 4_000)
    queue.drain()
    assert fresh(paid_twice).status == InvoiceStatus.PAID
    assert rows() == [(1_280, "succeeded")]
    billing.assert_balanced()


def test_two_shares_at_once_give_back_no_more_than_was_paid(
    paid_in_part: Invoice, bank: Bank
) -> None:
    racing.race(lambda: credit(fresh(paid_in_part), 4_400), 2)
    queue.drain()
    assert fresh(paid_in_part).status == InvoiceStatus.REFUNDED
    assert sum(cents for cents, _ in rows()) == 8_800
    assert_all_is_back(bank)
