"""Orders, their lines, and the contracts accepted with them."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, AutoField, BigIntegerField, CharField, Check, ForeignKeyField, IntegerField

from records.accounts import Account
from records.base import JSONField, MomentField, StateMachine, Table, one_of
from records.cards import Card
from records.catalogue import Contract, Offer
from records.languages import Language


class OrderStatus(StrEnum):
    """The status of an order."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"


ORDER_MOVES: dict[str, set[str]] = {
    OrderStatus.AWAITING_PAYMENT: {
        OrderStatus.PAID,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
    },
    # A consumer withdraws before the delivery began.
    OrderStatus.PAID: {OrderStatus.DELIVERING, OrderStatus.REFUNDED},
    OrderStatus.DELIVERING: {OrderStatus.DELIVERED, OrderStatus.DELIVERY_FAILED},
    OrderStatus.DELIVERY_FAILED: {
        OrderStatus.DELIVERING,
        OrderStatus.REFUNDED,
        # A part was delivered, and is kept; the rest is refunded.
        OrderStatus.DELIVERED,
    },
    OrderStatus.DELIVERED: set(),
    OrderStatus.CANCELLED: set(),
    OrderStatus.EXPIRED: set(),
    # A refund that failed after it succeeded.
    OrderStatus.REFUNDED: {OrderStatus.DELIVERY_FAILED},
}


BEING_DELIVERED = (OrderStatus.PAID, OrderStatus.DELIVERING)
UNDELIVERED = (*BEING_DELIVERED, OrderStatus.DELIVERY_FAILED)
"""Statuses of orders paid and not delivered; a failed delivery awaits a decision."""


class Order(StateMachine):
    """What a customer ordered, with the prices, names and VAT it was placed with.

    ``basket`` names the basket it came from; ``basket_key`` (basket and quantities) is unique per
    account until the order is closed, so that "Confirm and Pay" pressed twice places one order.
    ``customer`` is the buyer as printed on the purchase order. Amounts are integer cents,
    ``vat_rate`` is in basis points (2000 is 20 %). ``renewal_card`` is the card that the renewals
    of its services may be charged to; without one, the customer pays them. ``withdrawn_at`` is when
    a consumer withdrew from the whole of it.
    """

    event_subject = "order"
    moves = ORDER_MOVES

    account_id: int  # added by Peewee; declared for mypy

    is_confirming = False
    """Whether the bank is confirming its payment; not stored."""

    id = AutoField()
    number = CharField(max_length=16, unique=True)
    account = ForeignKeyField(Account, backref="orders")
    status = CharField(max_length=20, default=OrderStatus.AWAITING_PAYMENT)
    basket = CharField(max_length=64)
    basket_key = CharField(max_length=128, null=True)
    language = CharField(max_length=2)
    customer = JSONField()
    currency = CharField(max_length=3, default="EUR")
    net_cents = BigIntegerField()
    vat_cents = BigIntegerField()
    total_cents = BigIntegerField()
    vat_rate = IntegerField()
    vat_code = CharField(max_length=32)
    placed_at = MomentField()
    expires_at = MomentField()
    paid_at = MomentField(null=True)
    delivered_at = MomentField(null=True)
    closed_at = MomentField(null=True)
    withdrawn_at = MomentField(null=True)
    renewal_card = ForeignKeyField(Card, null=True, backref="+", index=False)

    class Meta:
        # "order" is a reserved word of SQL.
        table_name = "purchase_order"
        constraints = [
            one_of("status", OrderStatus),
            Check("net_cents >= 0 AND vat_cents >= 0"),
            Check("net_cents + vat_cents = total_cents"),
            one_of("language", Language),
            Check("currency = 'EUR'"),
        ]
        indexes = (
            (("account", "basket_key"), True),
            (("account", "id"), False),
            (("account", "number"), False),
            (("account", "status", "id"), False),
            (("status", "expires_at"), False),
        )

    @property
    def is_of_business(self) -> bool:
        """Whether the buyer was a company when the order was placed, and so no consumer."""
        return bool(self.customer.get("company"))

    @property
    def is_withdrawn(self) -> bool:
        """Whether its consumer withdrew from it."""
        return self.withdrawn_at is not None

    @property
    def shown_status(self) -> str:
        """The status on pages: `withdrawn` once its consumer withdrew from it, `confirming` while
        the bank confirms its payment (where `shop.overviews.states` has marked that)."""
        if self.is_payable and self.is_confirming:
            return "confirming"
        return "withdrawn" if self.is_withdrawn else str(self.status)

    @property
    def is_payable(self) -> bool:
        """Whether the customer may still pay it (a pending payment is checked separately)."""
        return self.status == OrderStatus.AWAITING_PAYMENT

    @property
    def is_being_delivered(self) -> bool:
        """Whether the order is paid and its delivery in progress."""
        return self.status in BEING_DELIVERED

    @property
    def is_undelivered(self) -> bool:
        """Whether the order is paid and not delivered: in progress, or failed."""
        return self.status in UNDELIVERED

    @property
    def is_delivered(self) -> bool:
        """Whether everything ordered was delivered."""
        return self.status == OrderStatus.DELIVERED

    @property
    def is_delivery_failed(self) -> bool:
        """Whether the delivery failed and can be retried."""
        return self.status == OrderStatus.DELIVERY_FAILED

    @property
    def is_cancelled(self) -> bool:
        """Whether the order was cancelled before it was paid."""
        return self.status == OrderStatus.CANCELLED

    @property
    def is_expired(self) -> bool:
        """Whether the order was not paid in time."""
        return self.status == OrderStatus.EXPIRED

    @property
    def is_over(self) -> bool:
        """Whether it ended without what was ordered: cancelled, expired or refunded."""
        return self.is_cancelled or self.is_expired or self.is_refunded

    @property
    def is_refunded(self) -> bool:
        """Whether the order was refunded: not delivered, or withdrawn from before it was."""
        return self.status == OrderStatus.REFUNDED

    @property
    def is_settled(self) -> bool:
        """Whether the order is final, or changes only by a decision of the customer or operator."""
        final = not self.moves[self.status] or self.status == OrderStatus.REFUNDED
        return final or self.status == OrderStatus.DELIVERY_FAILED


Order.add_index(
    Order.index(Order.withdrawn_at, Order.account, name="purchase_order_withdrawn").where(
        SQL("withdrawn_at IS NOT NULL")
    )
)


class OrderLine(Table):
    """One position of an order; ``net_cents`` excludes VAT.

    Licences added within a running period cost ``days`` of its ``period_days`` days, rounded half
    up; both are empty where whole months are charged.
    """

    order_id: int  # added by Peewee; declared for mypy
    offer_id: str

    id = AutoField()
    order = ForeignKeyField(Order, backref="lines")
    position = IntegerField()
    offer = ForeignKeyField(Offer)
    offer_name = CharField(max_length=64)
    quantity = IntegerField()
    unit_price_cents = IntegerField()
    net_cents = BigIntegerField()
    days = IntegerField(null=True)
    period_days = IntegerField(null=True)

    class Meta:
        constraints = [
            Check("quantity > 0"),
            Check("unit_price_cents >= 0"),
            Check("(days IS NULL) = (period_days IS NULL)"),
            Check("days IS NULL OR (days BETWEEN 1 AND period_days)"),
            Check(
                "net_cents = CASE WHEN days IS NULL "
                "THEN quantity * CAST(unit_price_cents AS BIGINT) "
                "ELSE (2 * quantity * CAST(unit_price_cents AS BIGINT) * days + period_days) "
                "/ (2 * period_days) END"
            ),
        ]
        indexes = ((("order", "position"), True),)

    @property
    def is_addition(self) -> bool:
        """Whether its licences are added to a group: they are charged by the day."""
        return self.days is not None


class Acceptance(Table):
    """A contract accepted with an order: which text, when, and from which IP address."""

    id = AutoField()
    order = ForeignKeyField(Order, backref="acceptances")
    contract = ForeignKeyField(Contract)
    digest = CharField(max_length=64)
    accepted_at = MomentField()
    ip_address = CharField(column_name="address", max_length=45)

    class Meta:
        indexes = ((("order", "contract"), True),)
