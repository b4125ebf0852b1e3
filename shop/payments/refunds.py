"""Refunds: of a whole payment that paid nothing, or of the amount of a credit note."""

from __future__ import annotations

from datetime import timedelta

from records.base import database, lock
from records.invoices import Invoice, InvoiceStatus
from records.jobs import Job, JobStatus
from records.orders import Order, OrderStatus
from records.payments import Payment, PaymentStatus
from shop import clock, jobs, transitions
from shop.errors import N_, Refusal
from shop.invoicing import ledger
from shop.jobs import kinds
from shop.payments import gateways, payables

NOT_REFUNDABLE = N_("No money is to be given back for this.")

MANUAL = "manual"
"""The value in place of the bank's reference where the operator refunds otherwise."""


def refund_later(payment: Payment) -> None:
    """Queue the refund of a whole payment, in the caller's transaction."""
    refund_payment.later(payment=payment.id)


@jobs.handles("refund_payment", attempts=50, first_delay=timedelta(seconds=5))
def refund_payment(payment: int) -> None:
    """Refund a payment in full and tell the customer; idempotent."""
    row = Payment.get_by_id(payment)
    if row.status != PaymentStatus.REFUND_DUE:
        return
    reference = _send_refund(row, row.refund_cents, f"refund-{row.key}")
    _finish_payment_refund(row, reference, by="bank")


def _finish_payment_refund(row: Payment, reference: str, by: str) -> None:
    with database.atomic():
        payable = payables.locked_payable(payables.paid_by(row).row)
        if not transitions.move(row, PaymentStatus.REFUNDED, by=by, refund=reference):
            return
        ledger.post_refund(row, row.refund_cents)
        payable.mark_refunded(row)


def _send_refund(payment: Payment, cents: int, key: str) -> str:
    """Refund an amount of a payment and return the bank's reference; idempotent for a key."""
    if payment.method != "card":
        return MANUAL
    return gateways.gateway().refund(payment.checkout or "", cents, key).reference


def request_refund(order: Order, by: str) -> Payment:
    """Queue the refund of an order that could not be delivered.

    Raise `Refusal` for any other order.
    """
    with database.atomic():
        order = lock(order)
        payment = Payment.get_or_none(
            Payment.order == order, Payment.status == PaymentStatus.SUCCEEDED
        )
        if order.status != OrderStatus.DELIVERY_FAILED or payment is None:
            raise Refusal(N_("Only a paid order whose delivery failed can be refunded."))
        transitions.move(payment, PaymentStatus.REFUND_DUE, by=by)
        refund_later(payment)
        return payment


@kinds.refund_credit_note.handler(attempts=50, first_delay=timedelta(seconds=5))
def refund_credit_note(credit_note: int) -> None:
    """Refund the amount of a credit note whose invoice was paid; idempotent."""
    note = Invoice.get_by_id(credit_note)
    if note.status != InvoiceStatus.DUE:
        return
    payment = payment_for(note.corrects)
    reference = _send_refund(payment, note.total_cents, f"refund-{note.number}")
    _finish_note_refund(note, payment, reference, by="bank", method=payment.method)


def _finish_note_refund(
    note: Invoice, payment: Payment, reference: str, by: str, method: str
) -> None:
    with database.atomic():
        if transitions.move(
            note, InvoiceStatus.REFUNDED, by=by, note=reference,
            paid_at=clock.now(), method=method,
        ):  # fmt: skip
            ledger.post_refund(payment, note.total_cents, note)


# --- Recorded manually, where the bank refuses ---------------------------------------------------


def record_manual_note_refund(note: Invoice, by: str) -> None:
    """Record that the operator refunded a credit note otherwise (by bank transfer, for example).

    Raise `Refusal` where no refund is due, or a job may still have the bank make it.
    """
    if not note.is_credit_note or note.status != InvoiceStatus.DUE:
        raise Refusal(NOT_REFUNDABLE)
    _check_job_failed(f"refund_credit_note:{note.id}")
    _finish_note_refund(note, payment_for(note.corrects), MANUAL, by=by, method=MANUAL)


def record_manual_refund(debt: payables.Debt, by: str) -> None:
    """Record the same for the payment of an order or an invoice that is to be refunded in full."""
    payment = Payment.get_or_none(
        payables.for_debt(debt).is_paid_by, Payment.status == PaymentStatus.REFUND_DUE
    )
    if payment is None:
        raise Refusal(NOT_REFUNDABLE)
    _check_job_failed(f"refund_payment:{payment.id}")
    _finish_payment_refund(payment, MANUAL, by=by)


def _check_job_failed(key: str) -> None:
    """Raise `Refusal` unless the job of that key failed: it could still refund the money, too."""
    if not Job.select().where(Job.key == key, Job.status == JobStatus.FAILED).exists():
        raise Refusal(N_("The bank is still being asked to give this money back."))


def payment_for(invoice: Invoice) -> Payment:
    """Return the payment of an invoice or of its order. Raise `Payment.DoesNotExist`."""
    paid = Payment.status == PaymentStatus.SUCCEEDED
    of_it = Payment.invoice == invoice
    if invoice.order_id is not None:
        of_it |= Payment.order == invoice.order_id
    return Payment.select().where(paid, of_it).get()
