"""Refundables: what a refund can be for, a credit note or what a payment paid in excess."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from peewee import ModelSelect

from records.base import lock
from records.invoices import Invoice, InvoiceStatus
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundOrigin, RefundStatus
from shop import mail, transitions
from shop.errors import N_, Refusal
from shop.invoicing import account_credits, lost_parts
from shop.payments import owed_again, payables, taken_back

NOT_REFUNDABLE = N_("Nothing is to be refunded for this.")


@dataclass(frozen=True)
class Part:
    """The cents to give back of one payment; ``is_left`` says whether it has them."""

    payment: Payment
    cents: int
    is_left: bool = True


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
        """The cents to give back, also those that refunds gave back."""

    def absorb_losses(self, by: str) -> bool:
        """Count what a bank took back meanwhile as given back; return whether more is due.

        Runs in the caller's transaction, which has locked it. ``by`` is who asks.
        """
        return self.is_due

    @property
    @abstractmethod
    def is_for_it(self) -> Any:
        """The query condition that a refund is an attempt for it."""

    @property
    def unasked(self) -> int:
        """The cents that no attempt gives back; negative where attempts give back more."""
        return self._unasked(self.refunds)

    @property
    def left_to_give(self) -> int:
        """The cents that no attempt gave back yet."""
        done = sum(row.cents for row in self.refunds if row.is_done)
        return max(0, self.due_cents - done)

    def _unasked(self, attempts: Iterable[Refund]) -> int:
        return self.due_cents - sum(row.cents for row in attempts if not row.has_failed)

    @abstractmethod
    def locked(self) -> Refundable:
        """Return it with its row read again and locked for the transaction."""

    @abstractmethod
    def close(self, refund: Refund, by: str) -> None:
        """Mark it as refunded and tell the customer, in the caller's transaction."""

    @abstractmethod
    def reopen(self, refund: Refund) -> None:
        """Undo `close`, as the refund failed after it succeeded."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """Return what no attempt gives back, or is about to, of each payment."""

    @property
    def open_cents(self) -> int:
        """The cents that no attempt gives back, or is about to."""
        return sum(part.cents for part in self.parts())

    @property
    def refunds(self) -> ModelSelect[Refund]:
        """The query for the attempts to refund it, oldest first."""
        return Refund.select().where(self.is_for_it).order_by(Refund.id)

    def latest(self) -> Refund | None:
        """Return the attempt that says what becomes of it: the last one, if any."""
        attempts = list(self.refunds)
        return attempts[-1] if attempts else None

    @property
    def has_failed(self) -> bool:
        """Whether the bank did not make a refund of it, and nobody was asked again."""
        last = self.latest()
        return last is not None and last.has_failed and not last.is_transfer


class RefundableNote(Refundable):
    """A credit note: its amount is given back of the payments of the invoice that it corrects.

    Of the largest as much as is left of it, then of the next one.
    """

    row: Invoice
    credit_note: Invoice

    def __init__(self, note: Invoice) -> None:
        self.row = self.credit_note = note

    @cached_property
    def payment(self) -> Payment:
        """The largest payment of the corrected invoice. Raise `Payment.DoesNotExist`."""
        return self._paid_by.get()

    @property
    def _paid_by(self) -> ModelSelect[Payment]:
        """The query for the payments, those kept first; refunds of lost ones may have come back."""
        is_lost = Payment.status == PaymentStatus.LOST
        paid_by = lost_parts.taken_for(self.row.corrects)
        return paid_by.order_by(is_lost, Payment.amount_cents.desc(), Payment.id)

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

    def absorb_losses(self, by: str) -> bool:
        """Absorb what a bank took back of the payments since the credit note was issued."""
        self._absorb(lost_parts.kept_for(self.row.corrects), by)
        return self.is_due

    def absorb_of(self, payment: Payment, by: str) -> None:
        """Absorb what a bank took back of one payment, in the caller's transaction."""
        self._absorb(Payment.select().where(Payment.id == payment.id), by)

    def _absorb(self, payments: ModelSelect[Payment], by: str) -> None:
        cents = lost_parts.absorb(payments, self.unasked)
        if cents:
            self.row = lost_parts.add_to(self.row, cents)
            self.close_if_given_back(by)

    def absorb_for(self, refund: Refund) -> int:
        """Absorb what the bank took back of the payment of a refund since that was begun; return
        the cents of it.

        Runs in the caller's transaction, which has locked it; the refund is of less then.
        """
        of_it = Payment.select().where(Payment.id == refund.payment_id)
        cents = lost_parts.absorb(of_it, refund.cents)
        if cents:
            self.row = lost_parts.add_to(self.row, cents)
        return cents

    def close_if_given_back(self, by: str) -> None:
        """Mark the credit note as refunded if nothing of it is to be given back any more."""
        attempts = [row for row in self.refunds if not row.has_failed]
        if any(row.is_awaited for row in attempts) or self._unasked(attempts) > 0:
            return
        last = attempts[-1] if attempts else None
        paid = {"paid_at": last.settled_at, "method": last.method} if last is not None else {}
        transitions.move(self.row, InvoiceStatus.REFUNDED, by=by, note=lost_parts.ABSORBED, **paid)

    def latest(self) -> Refund | None:
        """Return the attempt that says most: one that failed, one that is awaited, the last one."""
        attempts = list(self.refunds)
        failed = [row for row in attempts if row.has_failed]
        if failed and self._unasked(attempts) > 0:
            return failed[-1]
        awaited = [row for row in attempts if row.is_awaited]
        found = awaited or attempts
        return found[-1] if found else None

    def parts(self) -> list[Part]:
        """Return what no attempt gives back, or is about to, of each payment.

        What no payment has is a part of the largest one, and comes first: a part of its own, unless
        that was paid by transfer.
        """
        unasked = self.unasked
        found: list[Part] = []
        payments = list(self._paid_by) if unasked > 0 else []
        for payment in payments:
            cents = min(unasked, taken_back.refundable_of(payment))
            if cents > 0:
                found.append(Part(payment, cents))
                unasked -= cents
        # What a bank took back is given back by that.
        unasked -= lost_parts.open_of(lost_parts.kept_for(self.row.corrects)) if unasked > 0 else 0
        if payments and unasked > 0:
            found = _with_rest(found, payments[0], unasked)
        return found

    def locked(self) -> RefundableNote:
        """Return it with its row read again and locked for the transaction, its payments first."""
        for payment in lost_parts.taken_for(self.row.corrects).order_by(Payment.id):
            lock(payment)
        return RefundableNote(lock(self.row))

    def close(self, refund: Refund, by: str) -> None:
        """Mark the credit note as refunded once all of it is; e-mail what its own could not say."""
        attempts = list(self.refunds)
        is_awaited = any(row.is_awaited for row in attempts)
        if self.row.is_refund_due and not is_awaited and not self.parts():
            transitions.move(
                self.row, InvoiceStatus.REFUNDED, by=by, note=refund.reference or "",
                paid_at=refund.settled_at, method=refund.method,
            )  # fmt: skip
        if refund.is_transfer or any(row.has_failed for row in attempts):
            mail.credit_note_refunded(self.row, refund)
        owed_again.lose_if_nothing_is_left(refund.payment)

    def reopen(self, refund: Refund) -> None:
        """Undo `close`: the credit note is due again."""
        if not self.row.is_refund_due:
            transitions.move(
                self.row, InvoiceStatus.DUE, by="bank", note=refund.reason, paid_at=None
            )


def _with_rest(parts: list[Part], largest: Payment, cents: int) -> list[Part]:
    if not largest.is_transfer:
        return [Part(largest, cents, is_left=False), *parts]
    of_it = sum(part.cents for part in parts if part.payment == largest)
    others = [part for part in parts if part.payment != largest]
    return [Part(largest, of_it + cents), *others]


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
        if not self.row.uncharged_cents:
            return False
        done = self.refunds.where(Refund.status == RefundStatus.SUCCEEDED)
        return self.due_cents > sum(row.cents for row in done)

    @property
    def due_cents(self) -> int:
        """The cents of the payment, or of the part of a kept one that is not charged, less what its
        bank took back or gave back otherwise."""
        return taken_back.due_of(self.row)

    def parts(self) -> list[Part]:
        """Return what no attempt gives back, once none is awaited."""
        attempts = list(self.refunds)
        is_awaited = any(row.is_awaited for row in attempts)
        cents = 0 if is_awaited else self._unasked(attempts)
        return [Part(self.row, cents)] if cents > 0 else []

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
            owed_again.lose_if_nothing_is_left(self.row)
            return
        if not owed_again.lose_if_nothing_is_left(self.row) and self.unasked <= 0:
            reference = (refund.reference or "")[:128]
            transitions.move(self.row, PaymentStatus.REFUNDED, by=by, refund=reference)
        paid.mark_refunded(self.row, refund)

    def reopen(self, refund: Refund) -> None:
        """Undo `close`: a payment that was not kept is to be refunded once more."""
        if not self.row.has_succeeded:
            transitions.move(self.row, PaymentStatus.REFUND_DUE, by="bank", note=refund.reason)
            payables.paid_by(self.row).reopen_refunded()


def kept_of(invoice: Invoice) -> int:
    """Return the cents received for an invoice, or those that it replaces, that are not to be
    refunded: less what banks took back, or hold for a dispute."""
    taken = list(lost_parts.taken_for(invoice))
    left = sum(taken_back.left_of(payment) for payment in taken)
    notes = Invoice.select().where(
        Invoice.corrects.in_(account_credits.with_replaced(invoice)),
        Invoice.status == InvoiceStatus.DUE,
    )
    kept = [RefundablePayment(payment) for payment in taken if payment.has_succeeded]
    due = sum(each.left_to_give for each in (*map(RefundableNote, notes), *kept))
    by_balance = account_credits.used_on(invoice) - account_credits.not_received_for(invoice)
    return left - due + by_balance


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
