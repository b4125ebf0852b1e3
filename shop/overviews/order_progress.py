"""The progress of an order as its customer sees it, in steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import ModelSelect, fn

from records.disputes import Dispute
from records.groups import LicenceGroup
from records.invoices import Invoice
from records.orders import Order, OrderLine, OrderStatus
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundStatus
from shop.delivery import progress
from shop.errors import N_
from shop.licences import reservations
from shop.licences.groups import groups_of
from shop.licences.parts import Parts, parts_among
from shop.orders import withdrawal_rights
from shop.payments import disputes, mandates, refund_lists
from shop.payments.attempts import decline_message, is_checkout_open
from shop.sql.prepared import prepared

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

    ``must_choose`` says that the customer says with the payment how renewals are paid; ``chosen``
    is what they said last (a `mandates.RenewalChoice`), "" until then. ``refund`` is the last
    attempt to give a payment back, as long as that is due; ``rest`` is a payment of which a part is
    not charged and goes back. ``parts`` says what was delivered; of a failed delivery,
    ``refunded_at`` when the rest is refunded on its own. ``dispute`` and ``bank_refunds`` are what
    the bank did on its own. Until ``withdraw_until`` a consumer may withdraw from the order;
    None if that is not possible.
    """

    steps: list[Step]
    groups: list[LicenceGroup]
    invoices: list[Invoice]
    is_confirming: bool
    payment_open: bool
    last_refusal: str
    must_choose: bool
    chosen: str
    refund: Refund | None
    rest: Payment | None
    parts: Parts
    refunded_at: datetime | None
    dispute: Dispute | None
    bank_refunds: list[Refund]
    withdraw_until: datetime | None
    refreshes: bool


def for_order(order: Order, lines: list[OrderLine]) -> Tracking:
    """Return the progress of ``order``, whose lines are given (seven queries at most)."""
    attempts = _attempts_at.rows(order)
    confirming = any(row.status == PaymentStatus.PROCESSING for row in attempts)
    order.is_confirming = confirming
    bank_decides = any(row.is_unsettled for row in attempts)
    due = [row for row in attempts if row.status == PaymentStatus.REFUND_DUE]
    rest = next((row for row in attempts if row.has_succeeded and row.uncharged_cents), None)
    refunded = refund_lists.OfPayments.read([row for row in attempts if row.is_given_back])
    refund = refunded.latest(due[-1]) if due else refunded.latest(rest) if rest else None
    failed = order.is_delivery_failed and refund is None
    added = [line for line in lines if line.is_addition] if order.paid_at else []
    additions = reservations.for_order(order) if added else []
    groups = groups_of(order) if order.paid_at and len(added) < len(lines) else []
    if order.is_delivered:
        # What could not be delivered was given up; a group suspended or ended since was delivered.
        groups = [group for group in groups if group.installed_at is not None]
    parts = parts_among(lines, groups, additions)
    living = any(each.is_installed for each in [*groups, *[row.group for row in additions]])
    settles = order.is_delivered and bool(parts.missing) and rest is None and not order.is_withdrawn
    return Tracking(
        steps=_steps(order, confirming),
        groups=[*groups, *[row.group for row in additions]],
        # What was delivered of an order that failed is invoiced once the rest is settled.
        invoices=_invoices_of.rows(order) if order.paid_at and not order.is_delivery_failed else [],
        is_confirming=confirming and order.is_payable,
        payment_open=order.is_payable and any(map(is_checkout_open, attempts)),
        last_refusal=decline_message(attempts) if order.is_payable else "",
        must_choose=order.is_payable and mandates.needs_choice(order, lines),
        chosen=_chosen(attempts),
        refund=refund,
        rest=rest,
        parts=parts,
        refunded_at=progress.refund_time(order, additions)
        if failed and order.total_cents
        else None,
        dispute=disputes.latest_of([row for row in attempts if row.is_disputed]),
        bank_refunds=refunded.by_bank,
        withdraw_until=None if due else withdrawal_rights.open_until(order, living=living),
        refreshes=order.is_being_delivered
        or settles
        or (refund is not None and not refund.is_transfer and refund.status == RefundStatus.ASKED)
        or (order.is_payable and bank_decides),
    )


@prepared
def _invoices_of(order: Order) -> ModelSelect[Invoice]:
    return (
        Invoice.select(Invoice.number, Invoice.kind)
        .where(Invoice.order == order)
        .order_by(Invoice.id)
    )


@prepared
def _attempts_at(order: Order) -> ModelSelect[Any]:
    """Read an order's payments, and whether there are refunds and disputes of each."""
    refunds = Refund.select(Refund.id).where(Refund.payment == Payment.id)
    disputed = Dispute.select(Dispute.id).where(Dispute.payment == Payment.id)
    query = Payment.select(
        Payment,
        fn.EXISTS(refunds).alias("is_given_back"),
        fn.EXISTS(disputed).alias("is_disputed"),
    )
    return query.where(Payment.order == order).order_by(Payment.id)


def _chosen(attempts: list[Payment]) -> str:
    """Return what was chosen for the renewals when the customer last went to the bank's page."""
    if not attempts:
        return ""
    kept = attempts[-1].store_card
    return str(mandates.RenewalChoice.CARD if kept else mandates.RenewalChoice.SELF)


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
