"""Refunds as the bank notifies them, also those that it made on its own.

A refund that was made in the bank's dashboard is recorded, and waits until staff say why: by a
text, or by the credit note issued for it.
"""

from __future__ import annotations

import structlog

from records.base import database, lock
from records.invoices import Invoice
from records.payments import Payment
from records.refunds import Refund, RefundOrigin, RefundStatus
from shop import clock, transitions
from shop.errors import N_, Refusal
from shop.invoicing import ledger, lost_parts
from shop.payments import gateway, refund_lists, refunds
from shop.payments.refundables import RefundableNote

log = structlog.get_logger()


def apply_notified(answer: gateway.Refund) -> None:
    """Apply a notified refund: one that was asked for here, or one that the bank made on its own.

    That of another shop's payment changes nothing.
    """
    row = Refund.get_or_none(Refund.reference == answer.reference)
    if row is None and answer.key:
        row = Refund.get_or_none(Refund.key == answer.key)
        if row is not None and row.has_failed and answer.state != gateway.RefundState.FAILED:
            row = None  # given up here, as no answer came, and made all the same
    if row is None:
        row = _record_of_bank(answer)
    if row is not None:
        refunds.settle(row, answer)


def _record_of_bank(answer: gateway.Refund) -> Refund | None:
    """Record a refund that was made in the bank's dashboard.

    Where the same amount is due, and the refund that was asked for has failed, it is that one.
    """
    payment = Payment.get_or_none(Payment.checkout == answer.checkout)
    if payment is None or answer.amount_cents <= 0:
        return None
    with database.atomic():
        payment = lock(payment)
        row = Refund.get_or_none(Refund.reference == answer.reference)
        if row is not None:
            return row  # recorded by a notification at the same time
        expected = _failed_for(payment, answer.amount_cents)
        row = Refund.create(
            payment=payment,
            credit_note=expected.credit_note if expected is not None else None,
            origin=RefundOrigin.SHOP if expected is not None else RefundOrigin.BANK,
            key=f"{RefundOrigin.BANK}-{answer.reference}"[:128],
            reference=answer.reference,
            cents=answer.amount_cents,
            created_at=clock.now(),
        )
        transitions.record(row, "refund_made_by_bank", by="bank", to_status=row.status)
    log.warning("refund_made_by_bank", refund=row.id, expected=expected is not None)
    return row


def _failed_for(payment: Payment, cents: int) -> Refund | None:
    """Return the refund of a payment, of that amount, that has failed, if there is one."""
    of_it = refund_lists.failed().where(Refund.payment == payment, Refund.cents == cents)
    return of_it.first()


def explain(row: Refund, *, by: str, text: str = "", note: Invoice | None = None) -> None:
    """Record why the bank made a refund on its own: a text, or the credit note issued for it.

    Runs in the caller's transaction. Raise `Refusal` unless nobody explained it, and the note is of
    the same payment and amount.
    """
    row = lock(row)
    if not row.is_of_bank or row.explanation or row.credit_note is not None:
        raise Refusal(N_("This refund was explained, or asked for, before."))
    if note is None:
        Refund.update(explanation=text[:255]).where(Refund.id == row.id).execute()
        transitions.record(row, "refund_explained", by=by, note=text)
        return
    refundable = RefundableNote(note)
    if not note.is_refund_due or note.refund_cents != row.cents or refundable.refunds.exists():
        raise Refusal(N_("The credit note has another amount than this refund."))
    if row.payment not in lost_parts.kept_for(note.corrects):
        raise Refusal(N_("The credit note is for another payment than this refund."))
    Refund.update(credit_note=note).where(Refund.id == row.id).execute()
    row.credit_note = note
    transitions.record(row, "refund_explained", by=by, note=note.number)
    ledger.explain_refund(row)
    if row.status == RefundStatus.SUCCEEDED:
        refundable.close(row, by)
