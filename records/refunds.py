"""Refunds: each attempt to give money of a payment back."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, AutoField, BigIntegerField, BooleanField, CharField, Check, ForeignKeyField

from records.base import MomentField, StateMachine, one_of
from records.invoices import Invoice
from records.payment_methods import PaymentMethod
from records.payments import Payment


class RefundStatus(StrEnum):
    """The status of a refund."""

    ASKED = "asked"  # the bank, or the operator for a transfer, has still to make it
    PENDING = "pending"  # accepted by the bank, and not done yet
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundOrigin(StrEnum):
    """Who began a refund: the shop, or the bank of its own accord, in its dashboard."""

    SHOP = "shop"
    BANK = "bank"


REFUND_MOVES: dict[str, set[str]] = {
    RefundStatus.ASKED: {RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED},
    RefundStatus.PENDING: {RefundStatus.SUCCEEDED, RefundStatus.FAILED},
    # The customer's bank may send the money back days later.
    RefundStatus.SUCCEEDED: {RefundStatus.FAILED},
    RefundStatus.FAILED: set(),
}


class Refund(StateMachine):
    """An attempt to give back ``cents`` of a payment: for a credit note, or all that was taken.

    After a failure another one may be begun; of each payment, at most one is awaited for itself. A
    credit note is given back of all payments of its invoice: of each of them, at most one is
    awaited. ``key`` is the idempotency key at the bank: under it, ``cents`` stay as they are once
    the bank may have been asked (``is_sent``). ``method`` is ``card`` (made by the bank) or
    ``manual`` (a transfer by the operator, who records its ``reference`` and its day,
    ``settled_at``). ``origin`` is ``bank`` for one made in the bank's dashboard, which nobody had
    asked for here: the operator gives its ``explanation``, or issues a credit note.
    """

    event_subject = "refund"
    moves = REFUND_MOVES

    payment_id: int  # added by Peewee; declared for mypy
    credit_note_id: int | None

    id = AutoField()
    payment = ForeignKeyField(Payment, backref="refunds")
    credit_note = ForeignKeyField(Invoice, backref="refunds", null=True)
    status = CharField(max_length=16, default=RefundStatus.ASKED)
    method = CharField(max_length=16, default=PaymentMethod.CARD)
    origin = CharField(max_length=16, default=RefundOrigin.SHOP)
    key = CharField(max_length=128, unique=True)
    reference = CharField(max_length=128, null=True)
    cents = BigIntegerField()
    is_sent = BooleanField(default=False)
    reason = CharField(max_length=64, default="")
    explanation = CharField(max_length=255, default="")
    created_at = MomentField()
    settled_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", RefundStatus),
            one_of("method", PaymentMethod),
            one_of("origin", RefundOrigin),
            Check("cents > 0"),
            Check("status <> 'succeeded' OR settled_at IS NOT NULL"),
        ]
        indexes = ((("status",), False),)

    @property
    def is_awaited(self) -> bool:
        """Whether it is neither done nor failed."""
        return self.status in {RefundStatus.ASKED, RefundStatus.PENDING}

    @property
    def is_done(self) -> bool:
        """Whether the money was given back."""
        return self.status == RefundStatus.SUCCEEDED

    @property
    def has_failed(self) -> bool:
        """Whether the money did not arrive."""
        return self.status == RefundStatus.FAILED

    @property
    def is_of_bank(self) -> bool:
        """Whether the bank made it of its own accord."""
        return self.origin == RefundOrigin.BANK

    @property
    def is_transfer(self) -> bool:
        """Whether the operator makes it, and not the bank."""
        return self.method == PaymentMethod.MANUAL


UNEXPLAINED = "origin = 'bank' AND explanation = ''"
"""The condition of an index, which queries repeat word for word."""

Refund.add_index(Refund.index(Refund.id, name="refund_of_bank").where(SQL(UNEXPLAINED)))
Refund.add_index(
    Refund.index(
        Refund.credit_note, Refund.payment, unique=True, name="refund_one_awaited_of_credit_note"
    ).where(SQL("credit_note_id IS NOT NULL AND status IN ('asked', 'pending')"))
)
Refund.add_index(
    Refund.index(Refund.payment, unique=True, name="refund_one_awaited_of_payment").where(
        SQL("credit_note_id IS NULL AND origin = 'shop' AND status IN ('asked', 'pending')")
    )
)
Refund.add_index(
    Refund.index(Refund.reference, unique=True, name="refund_one_of_reference").where(
        SQL("method = 'card' AND reference IS NOT NULL")
    )
)
Refund.add_index(
    Refund.index(Refund.reference, name="refund_by_reference").where(SQL("reference IS NOT NULL"))
)
