"""What a payment pays: an order, or an invoice that no order paid for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any

from peewee import ForeignKeyField

from records.base import lock
from records.invoices import Invoice
from records.orders import Order, OrderStatus
from records.payments import Payment, PaymentStatus
from shop import clock, mail, transitions
from shop.errors import N_, Refusal
from shop.invoicing import invoices
from shop.jobs import kinds
from shop.licences import reservations

Debt = Order | Invoice

DELIVERY_PROMISE = timedelta(hours=4)
"""How long an installation may take (guide); a paid order later than this raises an alarm."""


class PaymentUnderWay(Refusal):
    """A payment of this order or invoice has no outcome yet; nothing may change until it has."""

    status = 409


class Payable(ABC):
    """What the payments need to know of ``row``, an order or an invoice."""

    row: Debt
    column: ForeignKeyField
    """The column of `Payment` that refers to it."""

    invoice: Invoice | None = None
    """The invoice that the money is entered for; none where it comes before its invoice."""

    no_longer: str
    confirming: str

    @property
    def is_paid_by(self) -> Any:
        """The condition that a payment is for it."""
        return self.column == self.row

    def not_payable(self) -> Refusal:
        """The refusal that says that it can no longer be paid."""
        return Refusal(self.no_longer)

    def under_way(self) -> PaymentUnderWay:
        """The refusal that says that the bank is still confirming an earlier attempt."""
        return PaymentUnderWay(self.confirming)

    @property
    @abstractmethod
    def cents(self) -> int:
        """What is to be paid."""

    @property
    @abstractmethod
    def can_be_paid(self) -> bool:
        """Whether money for it would pay it."""

    @abstractmethod
    def mark_paid(self, payment: Payment, by: str) -> None:
        """Make it paid and have done what follows, in the caller's transaction, which holds
        ``row`` locked and payable."""

    @abstractmethod
    def mark_refunded(self, payment: Payment) -> None:
        """Tell the customer that all of ``payment`` went back, in the caller's transaction."""


class PayableOrder(Payable):
    """An order: once it is paid it is delivered."""

    column = Payment.order
    no_longer = N_("This order can no longer be paid.")
    confirming = N_("A payment of this order is being confirmed by the bank. Please wait for it.")

    def __init__(self, order: Order) -> None:
        self.row = self.order = order

    @property
    def cents(self) -> int:
        """What the order costs."""
        return self.order.total_cents

    @property
    def can_be_paid(self) -> bool:
        """Whether it is unpaid and can still be delivered: licences for a group that has renewed
        since they were ordered, or has ended, are not."""
        return self.order.is_payable and reservations.can_be_kept(self.order)

    def mark_paid(self, payment: Payment, by: str) -> None:
        """Have the order delivered, and say that its money came."""
        begin_delivery(self.order, by)
        mail.payment_received(self.order, payment)

    def mark_refunded(self, payment: Payment) -> None:
        """An order whose delivery failed is over then."""
        if self.order.status == OrderStatus.DELIVERY_FAILED:
            transitions.move(self.order, OrderStatus.REFUNDED, by="shop", closed_at=clock.now())
        mail.payment_refunded(self.order, payment, _why_refunded(self.order, payment))


def _why_refunded(order: Order, payment: Payment) -> str:
    """The reason its letter gives: money that counted goes back only when the delivery failed;
    money that never counted came too late, twice, or was another amount."""
    counted = any(
        event.from_status == PaymentStatus.SUCCEEDED for event in transitions.history(payment)
    )
    if counted:
        return "not_delivered"
    if order.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED}:
        return str(order.status)
    if order.is_payable and not reservations.can_be_kept(order):
        # It is about to be closed: its group renewed meanwhile, or ended.
        is_late = order.expires_at <= clock.now()
        return str(OrderStatus.EXPIRED if is_late else OrderStatus.CANCELLED)
    return "other_amount" if order.is_payable else "paid_already"


class PayableInvoice(Payable):
    """An invoice that no order paid for: that of a period."""

    column = Payment.invoice
    no_longer = N_("This invoice can no longer be paid.")
    confirming = N_("A payment of this invoice is being confirmed by the bank. Please wait for it.")
    invoice: Invoice

    def __init__(self, invoice: Invoice) -> None:
        self.row = self.invoice = invoice

    @property
    def cents(self) -> int:
        """What is left of the invoice after its credit notes."""
        return self.invoice.balance_cents

    @property
    def can_be_paid(self) -> bool:
        """Whether the invoice is open."""
        return self.invoice.is_payable

    def mark_paid(self, payment: Payment, by: str) -> None:
        """Make the invoice paid."""
        invoices.mark_paid(self.invoice, payment, by)

    def mark_refunded(self, payment: Payment) -> None:
        """The invoice stays as it is: this payment was not what paid it."""
        mail.invoice_payment_refunded(self.invoice, payment)


def for_payment(debt: Debt) -> Payable:
    """An order or an invoice as what a payment can pay."""
    return PayableInvoice(debt) if isinstance(debt, Invoice) else PayableOrder(debt)


def locked(debt: Debt) -> Payable:
    """The same, read anew and kept from others until the transaction ends."""
    return for_payment(lock(debt))


def paid_by(payment: Payment) -> Payable:
    """What ``payment`` is for."""
    debt: Debt | None = payment.invoice or payment.order
    assert debt is not None, "the database asks for one of them"
    return for_payment(debt)


def begin_delivery(order: Order, by: str) -> None:
    """Have an order delivered for which nothing is due any more, in the caller's transaction."""
    now = clock.now()
    transitions.move(order, OrderStatus.PAID, by=by, paid_at=now)
    kinds.deliver_order.later(order=order.id)
    kinds.check_delivery.using(run_at=now + DELIVERY_PROMISE).later(order=order.id)
