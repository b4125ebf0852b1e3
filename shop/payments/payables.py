"""What a payment pays: an order, or an invoice that no order paid for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from records.invoices import Invoice
from records.orders import Order, OrderStatus
from records.payments import Payment
from shop import clock, mail, transitions
from shop.errors import N_, Refusal
from shop.invoicing import invoices
from shop.jobs import queue
from shop.licences import reservations

Debt = Order | Invoice

DELIVERY_PROMISE = timedelta(hours=4)
"""How long an installation may take (guide); a paid order later than this raises an alarm."""


class PaymentUnderWay(Refusal):
    """A payment of this order or invoice has no outcome yet; nothing may change until it has."""

    status = 409


def of(payment: Payment) -> Debt:
    """What ``payment`` is for."""
    debt: Debt | None = payment.invoice or payment.order
    assert debt is not None, "the database asks for one of them"
    return debt


def link(debt: Debt) -> dict[str, Debt]:
    """The column of `Payment` that refers to ``debt``."""
    return {"invoice" if isinstance(debt, Invoice) else "order": debt}


def paid_by(debt: Debt) -> Any:
    """The condition that a payment is for ``debt``."""
    return Payment.invoice == debt if isinstance(debt, Invoice) else Payment.order == debt


def cents(debt: Debt) -> int:
    """What is to be paid, in cents."""
    return debt.balance_cents if isinstance(debt, Invoice) else debt.total_cents


def can_be_paid(debt: Debt) -> bool:
    """Whether money for it would pay it: licences for a group that has renewed since they were
    ordered, or has ended, are not delivered any more."""
    return debt.is_payable and (isinstance(debt, Invoice) or reservations.can_be_kept(debt))


def not_payable(debt: Debt) -> Refusal:
    """The word that nothing can be paid any more."""
    if isinstance(debt, Invoice):
        return Refusal(N_("This invoice can no longer be paid."))
    return Refusal(N_("This order can no longer be paid."))


def under_way(debt: Debt) -> PaymentUnderWay:
    """The word that the bank is still confirming an earlier attempt."""
    if isinstance(debt, Invoice):
        return PaymentUnderWay(
            N_("A payment of this invoice is being confirmed by the bank. Please wait for it.")
        )
    return PaymentUnderWay(
        N_("A payment of this order is being confirmed by the bank. Please wait for it.")
    )


def mark_paid(debt: Debt, payment: Payment, by: str) -> None:
    """The one way an order or an invoice becomes paid: then what hangs on it follows.

    Runs in the caller's transaction, which holds ``debt`` locked and payable.
    """
    if isinstance(debt, Invoice):
        invoices.mark_paid(debt, payment, by)
    else:
        begin_delivery(debt, by)
        mail.payment_received(debt, payment)


def begin_delivery(order: Order, by: str) -> None:
    """Have an order delivered for which nothing is due any more, in the caller's transaction."""
    now = clock.now()
    transitions.move(order, OrderStatus.PAID, by=by, paid_at=now)
    queue.enqueue("deliver_order", f"deliver_order:{order.id}", order=order.id)
    queue.enqueue(
        "check_delivery", f"check_delivery:{order.id}",
        run_at=now + DELIVERY_PROMISE, order=order.id,
    )  # fmt: skip
