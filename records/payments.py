"""Payments of orders and invoices."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, AutoField, BigIntegerField, BooleanField, CharField, Check, ForeignKeyField

from records.base import MomentField, StateMachine, one_of
from records.cards import Card
from records.invoices import Invoice
from records.orders import Order


class PaymentStatus(StrEnum):
    """Where a payment stands."""

    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CLOSED = "closed"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


PAYMENT_MOVES: dict[str, set[str]] = {
    PaymentStatus.OPEN: {
        PaymentStatus.PROCESSING,
        PaymentStatus.SUCCEEDED,
        PaymentStatus.DECLINED,
        PaymentStatus.CLOSED,
        PaymentStatus.REFUND_DUE,
    },
    PaymentStatus.PROCESSING: {
        PaymentStatus.SUCCEEDED,
        PaymentStatus.DECLINED,
        PaymentStatus.CLOSED,
        PaymentStatus.REFUND_DUE,
    },
    PaymentStatus.SUCCEEDED: {PaymentStatus.REFUND_DUE},
    PaymentStatus.REFUND_DUE: {PaymentStatus.REFUNDED},
    # A bank may still take the money of a checkout that looked over: then it counts, or goes back.
    PaymentStatus.DECLINED: {PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE},
    PaymentStatus.CLOSED: {PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE},
    PaymentStatus.REFUNDED: set(),
}

UNSETTLED = (PaymentStatus.OPEN, PaymentStatus.PROCESSING)


class Payment(StateMachine):
    """One attempt to pay an order, or an invoice that no order paid for (a renewal's).

    At most one is unsettled and one has succeeded at a time, of each.

    ``amount_cents`` was asked for and ``taken_cents`` is what the bank says it took; they differ
    only when something is wrong, and then all that was taken goes back.
    ``key`` is the idempotency key of every call to the gateway for it; ``method`` is ``card``
    or ``manual`` (marked paid by the operator). ``card`` is the stored card it is charged to
    while the customer is away; empty where the customer pays at the bank's page.
    """

    event_subject = "payment"
    moves = PAYMENT_MOVES

    order_id: int | None  # what peewee adds beside the field
    invoice_id: int | None
    card_id: int | None

    id = AutoField()
    order = ForeignKeyField(Order, backref="payments", null=True)
    invoice = ForeignKeyField(Invoice, backref="payments", null=True)
    card = ForeignKeyField(Card, backref="payments", null=True)
    status = CharField(max_length=16, default=PaymentStatus.OPEN)
    method = CharField(max_length=16, default="card")
    key = CharField(max_length=64, unique=True)
    amount_cents = BigIntegerField()
    taken_cents = BigIntegerField(null=True)
    currency = CharField(max_length=3, default="EUR")
    store_card = BooleanField(default=False)
    checkout = CharField(max_length=128, null=True, unique=True)
    checkout_url = CharField(max_length=1024, default="")
    reason = CharField(max_length=64, default="")
    refund = CharField(max_length=128, default="")
    created_at = MomentField()
    settled_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", PaymentStatus),
            Check("method IN ('card', 'manual')"),
            Check("amount_cents >= 0"),
            Check("(order_id IS NULL) <> (invoice_id IS NULL)"),
        ]

    @property
    def refund_cents(self) -> int:
        """What goes back when it is refunded: all that was taken."""
        return self.amount_cents if self.taken_cents is None else self.taken_cents

    @property
    def has_succeeded(self) -> bool:
        """Whether the money was taken and is kept."""
        return self.status == PaymentStatus.SUCCEEDED

    @property
    def is_returned(self) -> bool:
        """Whether the money went back, or is on its way."""
        return self.status in {PaymentStatus.REFUND_DUE, PaymentStatus.REFUNDED}

    @property
    def is_unsettled(self) -> bool:
        """Whether its outcome is still open at the bank."""
        return self.status in UNSETTLED


Payment.add_index(
    Payment.index(Payment.order, unique=True, name="payment_one_unsettled").where(
        SQL("status IN ('open', 'processing')")
    )
)
Payment.add_index(
    Payment.index(Payment.order, unique=True, name="payment_one_succeeded").where(
        SQL("status = 'succeeded'")
    )
)
Payment.add_index(
    Payment.index(Payment.invoice, unique=True, name="payment_one_unsettled_of_invoice").where(
        SQL("status IN ('open', 'processing')")
    )
)
Payment.add_index(
    Payment.index(Payment.invoice, unique=True, name="payment_one_succeeded_of_invoice").where(
        SQL("status = 'succeeded'")
    )
)
