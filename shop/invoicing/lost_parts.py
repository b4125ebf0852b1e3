"""The parts of payments that banks took back for good, and the credit notes that absorb them.

What a bank has given back to its cardholder is not refunded once more: the credit notes of what the
payment paid absorb it first (``absorbed_cents`` of disputes and of credit notes, a part of the
notes' ``offset_cents``). If the bank gives the money back after all, it is due for refund again.
"""

from __future__ import annotations

from peewee import ModelSelect, fn

from records.base import lock
from records.disputes import Dispute, DisputeStatus
from records.invoices import Invoice, InvoiceStatus, MovedLoss
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundStatus
from shop import clock, transitions
from shop.invoicing.account_credits import with_replaced

ABSORBED = "taken back by the bank"
"""Why a credit note gives back no more: the note of its event."""


def taken_for(invoice: Invoice) -> ModelSelect[Payment]:
    """Return the query for the payments of an invoice, its order, or invoices it replaces, kept or
    taken back by banks since."""
    of_it = Payment.invoice.in_(with_replaced(invoice))
    if invoice.order_id is not None:
        of_it |= Payment.order == invoice.order_id
    was_kept = Payment.status.in_([PaymentStatus.SUCCEEDED, PaymentStatus.LOST])
    return Payment.select().where(was_kept, of_it)


def kept_for(invoice: Invoice) -> ModelSelect[Payment]:
    """Return the query for those of them that are kept."""
    return taken_for(invoice).where(Payment.status == PaymentStatus.SUCCEEDED)


def part_of(payment: Payment) -> int:
    """Return the cents of its invoice that a payment pays, or paid before its bank took it back.

    That is all of it, less what is not charged, what credit notes gave back of it, or are about to,
    and what they absorbed.
    """
    noted = Refund.select(fn.COALESCE(fn.SUM(Refund.cents), 0)).where(
        Refund.payment == payment, Refund.credit_note.is_null(False),
        Refund.status != RefundStatus.FAILED,
    )  # fmt: skip
    absorbed = Dispute.select(fn.COALESCE(fn.SUM(Dispute.absorbed_cents), 0)).where(
        Dispute.payment == payment
    )
    given = int(noted.scalar()) + int(absorbed.scalar())
    return payment.refund_cents - payment.uncharged_cents - given


def open_of(payments: ModelSelect[Payment]) -> int:
    """Return the cents that banks took back for good of payments, and no credit note absorbed."""
    left = Dispute.withdrawn_cents - Dispute.absorbed_cents
    return int(_lost_of(payments).select(fn.COALESCE(fn.SUM(left), 0)).scalar())


def _lost_of(payments: ModelSelect[Payment]) -> ModelSelect[Dispute]:
    return Dispute.select().where(
        Dispute.payment.in_(payments.select(Payment.id)),
        # An expression, so that the index of the payments is chosen: all lost disputes are many.
        fn.COALESCE(Dispute.status, "") == DisputeStatus.LOST,
        Dispute.withdrawn_cents > Dispute.absorbed_cents,
    )


def absorb(payments: ModelSelect[Payment], most_cents: int) -> int:
    """Count up to that amount of what banks took back of payments as given back; return how much.

    Runs in the caller's transaction, which adds it to the credit note. Locks the payments.
    """
    left = most_cents
    for payment in list(payments.order_by(Payment.id)) if left > 0 else []:
        lock(payment)
        for row in _lost_of(Payment.select().where(Payment.id == payment)).order_by(Dispute.id):
            cents = min(left, row.withdrawn_cents - row.absorbed_cents)
            _add(row, cents)
            left -= cents
    return most_cents - left


def _add(dispute: Dispute, cents: int) -> None:
    Dispute.update(absorbed_cents=Dispute.absorbed_cents + cents).where(
        Dispute.id == dispute.id
    ).execute()
    dispute.absorbed_cents += cents


def add_to(note: Invoice, cents: int) -> Invoice:
    """Add to what a credit note has absorbed since it was issued, or take off it; return it.

    VAT returns follow it where the invoice in place of the wrong one is taxed otherwise.
    """
    MovedLoss.create(credit_note=note, cents=cents, at=clock.now())
    Invoice.update(
        offset_cents=Invoice.offset_cents + cents, absorbed_cents=Invoice.absorbed_cents + cents
    ).where(Invoice.id == note.id).execute()
    return Invoice.get_by_id(note.id)


def returned_of(dispute: Dispute) -> int:
    """Return the cents that credit notes absorbed, and that the bank has given back since."""
    return max(0, int(dispute.absorbed_cents - dispute.withdrawn_cents))


def release(dispute: Dispute, invoice: Invoice, *, are_refunded: bool) -> list[Invoice]:
    """Undo what credit notes absorbed that the bank has given back since: the newest ones first.

    ``are_refunded`` makes it due for refund again; without it, the money goes back otherwise.
    ``invoice`` is the latest that the payment pays. Runs in the caller's transaction, which has
    locked both. Return the credit notes that are due.
    """
    left, released = returned_of(dispute), []
    notes = Invoice.select().where(
        Invoice.corrects.in_(with_replaced(invoice)), Invoice.absorbed_cents > 0
    )
    for found in list(notes.order_by(Invoice.id.desc())):
        note = lock(found)
        cents = min(left, note.absorbed_cents)
        if cents <= 0:
            continue
        _add(dispute, -cents)
        left -= cents
        if not are_refunded:
            Invoice.update(absorbed_cents=note.absorbed_cents - cents).where(
                Invoice.id == note.id
            ).execute()
            continue
        note = add_to(note, -cents)
        if not note.is_refund_due:
            transitions.move(note, InvoiceStatus.DUE, by="bank", note="dispute won", paid_at=None)
        released.append(note)
    return released
