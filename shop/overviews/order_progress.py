"""The progress of an order as its customer sees it, in steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from records.disputes import Dispute
from records.groups import Addition, LicenceGroup
from records.orders import Order, OrderLine, OrderStatus
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundStatus
from shop.errors import N_
from shop.licences.groups import groups_of
from shop.payments import disputes, refunds
from shop.payments.attempts import decline_message, is_checkout_open

CONFIRMING = N_("Checking")


@dataclass(frozen=True)
class Step:
    """One step of an order: ``state`` is ``done``, ``current``, ``waiting`` or ``failed``."""

    name: str
    label: str
    state: str
    at: datetime | None = None

    @property
    def is_current(self) -> bool:
        """Whether the order is at this step, in progress or failed."""
        return self.state in {"current", "failed"}


@dataclass(frozen=True)
class Tracking:
    """The progress of an order, for its page and the part that refreshes itself.

    ``refund`` is the last attempt to give a payment back, as long as that is due;
    ``dispute`` and ``bank_refunds`` are what the bank did of itself.
    """

    steps: list[Step]
    groups: list[LicenceGroup]
    is_confirming: bool
    payment_open: bool
    last_refusal: str
    refund: Refund | None
    dispute: Dispute | None
    bank_refunds: list[Refund]
    refreshes: bool


def for_order(order: Order) -> Tracking:
    """Return the progress of ``order`` (seven queries at most)."""
    attempts = list(Payment.select().where(Payment.order == order).order_by(Payment.id))
    confirming = any(row.status == PaymentStatus.PROCESSING for row in attempts)
    bank_decides = any(row.is_unsettled for row in attempts)
    due = [row for row in attempts if row.status == PaymentStatus.REFUND_DUE]
    refund = refunds.latest(due[-1]) if due else None
    return Tracking(
        steps=_steps(order, confirming),
        groups=_groups_of(order) if order.paid_at else [],
        is_confirming=confirming and order.is_payable,
        payment_open=order.is_payable and any(map(is_checkout_open, attempts)),
        last_refusal=decline_message(attempts) if order.is_payable else "",
        refund=refund,
        dispute=disputes.latest_of(attempts),
        bank_refunds=refunds.made_by_bank(attempts),
        refreshes=order.is_being_delivered
        or (refund is not None and not refund.is_transfer and refund.status == RefundStatus.ASKED)
        or (order.is_payable and bank_decides),
    )


def _groups_of(order: Order) -> list[LicenceGroup]:
    """Return the groups that an order created, and those it adds licences to."""
    enlarged = (
        LicenceGroup.select()
        .join(Addition)
        .join(OrderLine)
        .where(OrderLine.order == order)
        .order_by(OrderLine.position)
    )
    return [*groups_of(order), *enlarged]


def _steps(order: Order, confirming: bool) -> list[Step]:
    paid, delivered = order.paid_at is not None, order.status == OrderStatus.DELIVERED
    failed = order.status == OrderStatus.DELIVERY_FAILED
    closed = order.closed_at is not None
    payment = "done" if paid else "waiting" if closed else "current"
    delivery = "done" if delivered else "failed" if failed else "current" if paid else "waiting"
    paying = Step(
        "payment",
        N_("Payment received") if paid else CONFIRMING if confirming else N_("Payment"),
        payment,
        order.paid_at,
    )
    steps = [
        Step("ordered", N_("Ordered"), "done", order.placed_at),
        *([paying] if order.total_cents else []),
        Step("delivery", N_("Installation"), "waiting" if closed else delivery),
        Step(
            "delivered",
            N_("Service installed"),
            "done" if delivered else "waiting",
            order.delivered_at,
        ),
    ]
    # A closed order has no further steps.
    return [step for step in steps if not (closed and step.state == "waiting")]
