"""Refundables: what a refund can be for, a credit note or what a payment paid in excess."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

from peewee import ModelSelect

from records.base import lock
from records.invoices import Invoice, InvoiceStatus
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundOrigin, RefundStatus
from shop import mail, transitions
from shop.errors import N_, Refusal
from shop.payments import payables, taken_back

NOT_REFUNDABLE = N_("Nothing is to be refunded for this.")


class Refundable(ABC):
    """A credit note or a payment (``row``) as refunds see it."""

    row: Invoice | Payment
    credit_note: Invoice | None = None
    """The credit note whose amount is refunded; None if the payment itself is."""

    @property
    @abstractmethod
    def payment(self) -> Payment:
        """The payment of which money is given back. Raise `Payment.DoesNotExist`."""

    @property
    @abstractmethod
    def key(self) -> str:
        """What the idempotency keys of its refunds begin with."""

    @property
    @abstractmethod
    def is_due(self) -> bool:
        """Whether money is still to be given back for it."""

    @property
    @abstractmethod
    def due_cents(self) -> int:
        """The cents to give back, if its bank has taken back nothing of the payment."""

    @property
    @abstractmethod
    def is_for_it(self) -> Any:
        """The query condition that a refund is an attempt for it."""

    @abstractmethod
    def locked(self) -> Refundable:
        """Return it with its row read again and locked for the transaction."""

    @abstractmethod
    def close(self, refund: Refund, by: str) -> None:
        """Mark it as refunded and tell the customer, in the caller's transaction."""

    @abstractmethod
    def reopen(self, refund: Refund) -> None:
        """Undo `close`, as the refund failed after it succeeded."""

    @property
    def cents(self) -> int:
        """The cents to refund: no more than the bank has left of a payment disputed in part."""
        if taken_back.has_lost_part(self.payment):
            return min(self.due_cents, taken_back.left_of(self.payment))
        return self.due_cents

    @property
    def refunds(self) -> ModelSelect[Refund]:
        """The query for the attempts to refund it, oldest first."""
        return Refund.select().where(self.is_for_it).order_by(Refund.id)

    def latest(self) -> Refund | None:
        """Return the last attempt to refund it, if any."""
        attempts = list(self.refunds)
        return attempts[-1] if attempts else None


class RefundableNote(Refundable):
    """A credit note: its amount is given back of the payment of the invoice that it corrects."""

    row: Invoice
    credit_note: Invoice

    def __init__(self, note: Invoice) -> None:
        self.row = self.credit_note = note

    @cached_property
    def payment(self) -> Payment:
        """The payment of the corrected invoice. Raise `Payment.DoesNotExist`."""
        return _payment_for(self.row.corrects)

    @property
    def key(self) -> str:
        """What the idempotency keys of its refunds begin with: its number."""
        return f"refund-{self.row.number}"

    @property
    def is_due(self) -> bool:
        """Whether the credit note is due."""
        return self.row.is_refund_due

    @property
    def due_cents(self) -> int:
        """The amount of the credit note that no other invoice used."""
        return self.row.refund_cents

    @property
    def is_for_it(self) -> Any:
        """The query condition that a refund refers to the credit note."""
        return Refund.credit_note == self.row

    def locked(self) -> RefundableNote:
        """Return it with its row read again and locked for the transaction."""
        return RefundableNote(lock(self.row))

    def close(self, refund: Refund, by: str) -> None:
        """Mark the credit note as refunded; e-mail what its own e-mail could not say."""
        transitions.move(
            self.row, InvoiceStatus.REFUNDED, by=by, note=refund.reference or "",
            paid_at=refund.settled_at, method=refund.method,
        )  # fmt: skip
        if refund.is_transfer or self.refunds.count() > 1:
            mail.credit_note_refunded(self.row, refund)
        taken_back.lose_if_nothing_is_left(refund.payment)

    def reopen(self, refund: Refund) -> None:
        """Undo `close`: the credit note is due again."""
        transitions.move(self.row, InvoiceStatus.DUE, by="bank", note=refund.reason, paid_at=None)


class RefundablePayment(Refundable):
    """A payment: all of it, if it paid nothing, or the part that its order's invoice leaves."""

    row: Payment

    def __init__(self, payment: Payment) -> None:
        self.row = payment

    @property
    def payment(self) -> Payment:
        """The payment itself."""
        return self.row

    @property
    def key(self) -> str:
        """What the idempotency keys of its refunds begin with: that of the payment."""
        return f"refund-{self.row.key}"

    @property
    def is_due(self) -> bool:
        """Whether the payment, or the part of it that is not charged, is still to be refunded."""
        if not self.row.has_succeeded:
            return self.row.status == PaymentStatus.REFUND_DUE
        done = self.refunds.where(Refund.status == RefundStatus.SUCCEEDED)
        return self.row.uncharged_cents > 0 and not done.exists()

    @property
    def due_cents(self) -> int:
        """The whole payment, or the part of one that was kept which is not charged."""
        return self.row.refund_due_cents

    @property
    def is_for_it(self) -> Any:
        """The query condition that a refund was asked for the payment, and for no credit note."""
        own = (Refund.payment == self.row) & Refund.credit_note.is_null()
        return own & (Refund.origin != RefundOrigin.BANK)

    def locked(self) -> RefundablePayment:
        """Return it with its row read again and locked for the transaction."""
        return RefundablePayment(lock(self.row))

    def close(self, refund: Refund, by: str) -> None:
        """Mark a payment that was not kept as refunded, and have the customer told."""
        paid = payables.paid_by(self.row)
        if self.row.has_succeeded:
            paid.mark_rest_refunded(self.row, refund)
            taken_back.lose_if_nothing_is_left(self.row)
            return
        if not taken_back.lose_if_nothing_is_left(self.row):
            reference = (refund.reference or "")[:128]
            transitions.move(self.row, PaymentStatus.REFUNDED, by=by, refund=reference)
        paid.mark_refunded(self.row, refund)

    def reopen(self, refund: Refund) -> None:
        """Undo `close`: a payment that was not kept is to be refunded once more."""
        if not self.row.has_succeeded:
            transitions.move(self.row, PaymentStatus.REFUND_DUE, by="bank", note=refund.reason)
            payables.paid_by(self.row).reopen_refunded()


def refund_due_of(debt: payables.Debt) -> Refundable:
    """Return what is to be refunded of a credit note, an order or an invoice.

    Raise `Refusal` where nothing is.
    """
    payable = payables.for_debt(debt)
    if payable.invoice is not None and payable.invoice.is_credit_note:
        return RefundableNote(payable.invoice)
    for payment in Payment.select().where(payable.is_paid_by).order_by(Payment.id):
        refundable = RefundablePayment(payment)
        if refundable.is_due:
            return refundable
    raise Refusal(NOT_REFUNDABLE)


def of_refund(refund: Refund) -> Refundable:
    """Return what a refund is for."""
    if refund.credit_note is not None:
        return RefundableNote(refund.credit_note)
    return RefundablePayment(refund.payment)


def locked_of_refund(refund: Refund) -> Refundable:
    """Return what a refund is for, locked for the transaction, an order before its payment."""
    if refund.credit_note is None:
        lock(payables.paid_by(refund.payment).row)
    return of_refund(refund).locked()


def _payment_for(invoice: Invoice) -> Payment:
    """Return the payment of an invoice, of its order, or of the invoice that it replaces.

    The largest, where the difference was paid apart. Raise `Payment.DoesNotExist`.
    """
    return kept_for(invoice).order_by(Payment.amount_cents.desc()).get()


def kept_for(invoice: Invoice) -> ModelSelect[Payment]:
    """Return the query for the payments kept of an invoice, its order, or invoices it replaces."""
    ids, replaced = [invoice.id], invoice.replaces
    while replaced is not None:
        ids.append(replaced.id)
        replaced = replaced.replaces
    of_it = Payment.invoice.in_(ids)
    if invoice.order_id is not None:
        of_it |= Payment.order == invoice.order_id
    return Payment.select().where(Payment.status == PaymentStatus.SUCCEEDED, of_it)
