"""Money that goes back: all of a payment that was for nothing, or what a credit note says."""

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

NOT_OWED = N_("No money is to be given back for this.")

MANUAL = "manual"
"""What stands for the bank's reference where the operator gives the money back otherwise."""


def owe(payment: Payment) -> None:
    """Have all of a payment given back, in the caller's transaction."""
    refund_payment.later(payment=payment.id)


@jobs.handles("refund_payment", attempts=50, first_delay=timedelta(seconds=5))
def refund_payment(payment: int) -> None:
    """Give a payment back in full, once, and tell the customer."""
    row = Payment.get_by_id(payment)
    if row.status != PaymentStatus.REFUND_DUE:
        return
    reference = _sent_back(row, row.refund_cents, f"refund-{row.key}")
    _given_back(row, reference, by="bank")


def _given_back(row: Payment, reference: str, by: str) -> None:
    with database.atomic():
        payable = payables.locked(payables.paid_by(row).row)
        if not transitions.move(row, PaymentStatus.REFUNDED, by=by, refund=reference):
            return
        ledger.post_refund(row, row.refund_cents)
        payable.mark_refunded(row)


def _sent_back(payment: Payment, cents: int, key: str) -> str:
    """The bank's reference of money given back; the same key gives it back once."""
    if payment.method != "card":
        return MANUAL
    return gateways.gateway().refund(payment.checkout or "", cents, key).reference


def ask_for_refund(order: Order, by: str) -> Payment:
    """Give back the money of an order that could not be delivered.

    Raises `Refusal` for any other order.
    """
    with database.atomic():
        order = lock(order)
        payment = Payment.get_or_none(
            Payment.order == order, Payment.status == PaymentStatus.SUCCEEDED
        )
        if order.status != OrderStatus.DELIVERY_FAILED or payment is None:
            raise Refusal(N_("Only a paid order whose delivery failed can be refunded."))
        transitions.move(payment, PaymentStatus.REFUND_DUE, by=by)
        owe(payment)
        return payment


@kinds.refund_credit_note.handler(attempts=50, first_delay=timedelta(seconds=5))
def refund_credit_note(credit_note: int) -> None:
    """Give back what a credit note took off an invoice that was paid, once."""
    note = Invoice.get_by_id(credit_note)
    if note.status != InvoiceStatus.DUE:
        return
    payment = payment_of(note.corrects)
    reference = _sent_back(payment, note.total_cents, f"refund-{note.number}")
    _paid_back(note, payment, reference, by="bank", method=payment.method)


def _paid_back(note: Invoice, payment: Payment, reference: str, by: str, method: str) -> None:
    with database.atomic():
        if transitions.move(
            note, InvoiceStatus.REFUNDED, by=by, note=reference,
            paid_at=clock.now(), method=method,
        ):  # fmt: skip
            ledger.post_refund(payment, note.total_cents, note)


# --- Given back otherwise, where the bank refuses -------------------------------------------------


def record_manual_refund(note: Invoice, by: str) -> None:
    """The operator says that the money of a credit note went back otherwise (a transfer, say).

    Raises `Refusal` where none is to go back, or the bank is still being asked to do it.
    """
    if not note.is_credit_note or note.status != InvoiceStatus.DUE:
        raise Refusal(NOT_OWED)
    _check_given_up(f"refund_credit_note:{note.id}")
    _paid_back(note, payment_of(note.corrects), MANUAL, by=by, method=MANUAL)


def record_manual_refund_of(debt: payables.Debt, by: str) -> None:
    """The same of a payment that is to go back in full, of an order or an invoice."""
    payment = Payment.get_or_none(
        payables.for_payment(debt).is_paid_by, Payment.status == PaymentStatus.REFUND_DUE
    )
    if payment is None:
        raise Refusal(NOT_OWED)
    _check_given_up(f"refund_payment:{payment.id}")
    _given_back(payment, MANUAL, by=by)


def _check_given_up(key: str) -> None:
    """Refuse while a job may still have the bank give it back, too."""
    if not Job.select().where(Job.key == key, Job.status == JobStatus.FAILED).exists():
        raise Refusal(N_("The bank is still being asked to give this money back."))


def payment_of(invoice: Invoice) -> Payment:
    """The payment that paid an invoice, itself or as its order. Raises `Payment.DoesNotExist`."""
    paid = Payment.status == PaymentStatus.SUCCEEDED
    of_it = Payment.invoice == invoice
    if invoice.order_id is not None:
        of_it |= Payment.order == invoice.order_id
    return Payment.select().where(paid, of_it).get()
