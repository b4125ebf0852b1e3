"""Payments of orders and invoices."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, AutoField, BigIntegerField, BooleanField, CharField, Check, ForeignKeyField

from records.accounts import Account
from records.base import MomentField, StateMachine, one_of
from records.cards import Card
from records.invoices import Invoice
from records.orders import Order
from records.payment_methods import PaymentMethod


class PaymentStatus(StrEnum):
    """The status of a payment."""

    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CLOSED = "closed"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"
    LOST = "lost"  # taken back by the bank for good, after a dispute


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
    PaymentStatus.SUCCEEDED: {PaymentStatus.REFUND_DUE, PaymentStatus.LOST},
    # A bank may take a payment back while its refund is due.
    PaymentStatus.REFUND_DUE: {PaymentStatus.REFUNDED, PaymentStatus.LOST},
    # A bank may charge a checkout that was closed: the payment succeeds then, or is refunded.
    PaymentStatus.DECLINED: {PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE},
    PaymentStatus.CLOSED: {PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE},
    # A refund may fail after it succeeded.
    PaymentStatus.REFUNDED: {PaymentStatus.REFUND_DUE},
    # A bank may decide a dispute again, and give the money back.
    PaymentStatus.LOST: {PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE},
}

UNSETTLED = (PaymentStatus.OPEN, PaymentStatus.PROCESSING)


class Payment(StateMachine):
    """One attempt to pay an order, or an invoice of a renewal.

    Of each order or invoice at most one payment is unsettled, and at most one has succeeded. Where
    a payment of an invoice is lost, the others pay a part of it (``pays_part``), and one more pays
    what is owed again.

    ``amount_cents`` was requested and ``taken_cents`` is what the bank reports as taken; they
    differ only by an error, and then everything taken is refunded. ``key`` is the idempotency key
    of every call to the gateway for it; ``method`` is ``card`` or ``manual`` (marked paid by the
    operator). ``uncharged_cents`` is the part of a successful payment that no invoice charges, and
    that is given back: what was not delivered of an order, or delivered later, or what was paid
    otherwise while a bank had taken the payment back. ``card`` is the
    stored card of an off-session charge; empty where the customer pays on the bank's page.
    ``reference`` is that of a bank transfer, and ``settled_at`` its day. ``is_paid_out`` says that
    a payout of the bank lists it.
    """

    event_subject = "payment"
    moves = PAYMENT_MOVES

    order_id: int | None  # added by Peewee; declared for mypy
    invoice_id: int | None
    card_id: int | None

    id = AutoField()
    order = ForeignKeyField(Order, backref="payments", null=True)
    invoice = ForeignKeyField(Invoice, backref="payments", null=True)
    card = ForeignKeyField(Card, backref="payments", null=True)
    status = CharField(max_length=16, default=PaymentStatus.OPEN)
    method = CharField(max_length=16, default=PaymentMethod.CARD)
    key = CharField(max_length=64, unique=True)
    amount_cents = BigIntegerField()
    taken_cents = BigIntegerField(null=True)
    uncharged_cents = BigIntegerField(default=0)
    pays_part = BooleanField(default=False)
    currency = CharField(max_length=3, default="EUR")
    store_card = BooleanField(default=False)
    checkout = CharField(max_length=128, null=True, unique=True)
    checkout_url = CharField(max_length=1024, default="")
    reason = CharField(max_length=64, default="")
    refund = CharField(max_length=128, default="")
    reference = CharField(max_length=128, default="")
    created_at = MomentField()
    settled_at = MomentField(null=True)
    is_paid_out = BooleanField(default=False)

    class Meta:
        constraints = [
            one_of("status", PaymentStatus),
            one_of("method", PaymentMethod),
            Check("amount_cents >= 0"),
            Check("uncharged_cents >= 0"),
            Check("(order_id IS NULL) <> (invoice_id IS NULL)"),
        ]
        indexes = ((("settled_at", "card", "status"), False),)

    @property
    def account(self) -> Account:
        """The customer whose order or invoice it is for."""
        debt: Order | Invoice | None = self.invoice or self.order
        assert debt is not None, "a CHECK constraint requires one of them"
        return debt.account

    @property
    def refund_cents(self) -> int:
        """The amount of a refund: everything that was taken."""
        return self.amount_cents if self.taken_cents is None else self.taken_cents

    @property
    def has_succeeded(self) -> bool:
        """Whether the money was taken and is kept."""
        return self.status == PaymentStatus.SUCCEEDED

    @property
    def is_lost(self) -> bool:
        """Whether the bank took all of it back for good, after a dispute."""
        return self.status == PaymentStatus.LOST

    @property
    def is_transfer(self) -> bool:
        """Whether the operator recorded it, and no card was charged."""
        return self.method == PaymentMethod.MANUAL

    @property
    def is_returned(self) -> bool:
        """Whether the payment was refunded, or its refund is pending."""
        return self.status in {PaymentStatus.REFUND_DUE, PaymentStatus.REFUNDED}

    @property
    def is_unsettled(self) -> bool:
        """Whether the bank has not reported the outcome yet."""
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
        SQL("status = 'succeeded' AND NOT pays_part")
    )
)
IS_HELD = (
    "settled_at IS NOT NULL AND NOT is_paid_out AND method = 'card' "
    "AND status IN ('succeeded', 'refund_due', 'refunded', 'lost')"
)
"""The condition of an index, which queries repeat word for word: received by card, in no payout."""

Payment.add_index(
    Payment.index(Payment.settled_at, Payment.id, name="payment_held").where(SQL(IS_HELD))
)
UNDER_WAY = "status IN ('open', 'processing', 'refund_due')"
"""The condition of an index, which queries repeat word for word."""

Payment.add_index(
    Payment.index(Payment.status, Payment.id, name="payment_under_way").where(SQL(UNDER_WAY))
)
HAS_REFERENCE = "reference <> ''"
"""The condition of an index, which queries repeat word for word."""

Payment.add_index(
    Payment.index(Payment.reference, name="payment_by_reference").where(SQL(HAS_REFERENCE))
)
IS_DECLINED = "status = 'declined' AND card_id IS NOT NULL"
"""The condition of an index, which queries repeat word for word: a stored card, declined."""

Payment.add_index(
    Payment.index(Payment.settled_at, name="payment_declined").where(SQL(IS_DECLINED))
)
