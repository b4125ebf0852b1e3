"""Payables: what a payment can pay, an order or the invoice of a period."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any

from peewee import ForeignKeyField, ModelSelect

from records.base import lock
from records.cards import Card
from records.invoices import Invoice, InvoiceKind
from records.orders import Order, OrderStatus
from records.payments import Payment, PaymentStatus
from records.refunds import Refund
from shop import clock, mail, transitions
from shop.errors import N_, Refusal
from shop.invoicing import invoices, receivables
from shop.jobs import kinds
from shop.licences import reservations
from shop.payments import mandates

Debt = Order | Invoice

DELIVERY_PROMISE = timedelta(hours=4)
"""How long an installation may take (guide); an alarm is raised for a paid order after that."""


class PaymentUnderWay(Refusal):
    """A payment of this order or invoice has no outcome yet; nothing may change until it does."""

    status = 409


class Payable(ABC):
    """An order or an invoice (``row``) as payments see it."""

    row: Debt
    column: ForeignKeyField
    """The foreign key of `Payment` that refers to it."""

    order: Order | None = None
    """The order, if it is one."""

    invoice: Invoice | None = None
    """The invoice that the money is posted for; None if it is issued after the payment."""

    not_payable_message: str
    under_way_message: str

    @property
    def is_paid_by(self) -> Any:
        """The query condition that a payment is for it."""
        return self.column == self.row

    def not_payable(self) -> Refusal:
        """Return the refusal that says that it can no longer be paid."""
        return Refusal(self.not_payable_message)

    def under_way(self) -> PaymentUnderWay:
        """Return the refusal that says that the bank is still confirming an earlier attempt."""
        return PaymentUnderWay(self.under_way_message)

    @property
    @abstractmethod
    def documents(self) -> ModelSelect[Invoice]:
        """The query for what was issued for it, oldest first."""

    @property
    @abstractmethod
    def paying_order_id(self) -> int | None:
        """The id of the order whose payments pay it; None if only its own payments do."""

    def is_settled_by(self, payment: Payment) -> bool:
        """Return whether ``payment`` is for it, or for the order that the invoice charges."""
        if self.invoice is not None and payment.invoice_id == self.invoice.id:
            return True
        return self.paying_order_id is not None and payment.order_id == self.paying_order_id

    @property
    @abstractmethod
    def cents(self) -> int:
        """The amount to be paid."""

    @property
    @abstractmethod
    def can_be_paid(self) -> bool:
        """Whether a payment for it would be accepted."""

    @abstractmethod
    def mark_paid(self, payment: Payment, by: str) -> None:
        """Mark it as paid and queue what follows.

        Runs in the caller's transaction, which has locked ``row`` and checked that it is payable.
        """

    @abstractmethod
    def charge_renewals_to(self, card: Card) -> None:
        """Charge the renewals of the services it is for to ``card``, which was kept when it was
        paid."""

    @abstractmethod
    def mark_refunded(self, payment: Payment, refund: Refund) -> None:
        """Tell the customer that ``payment`` was refunded in full, in the caller's transaction."""

    @abstractmethod
    def mark_rest_refunded(self, payment: Payment, refund: Refund) -> None:
        """Tell the customer that the part of ``payment`` that is not charged was refunded."""

    @abstractmethod
    def close_lost(self) -> None:
        """Close it: the bank took back a payment of which the refund was due."""

    @abstractmethod
    def reopen_refunded(self) -> None:
        """Undo `mark_refunded`, as the refund failed after it succeeded."""


class PayableOrder(Payable):
    """An order, which is delivered once it is paid."""

    column = Payment.order
    not_payable_message = N_("This order can no longer be paid.")
    under_way_message = N_(
        "A payment of this order is being confirmed by the bank. Please wait for it."
    )

    order: Order

    def __init__(self, order: Order) -> None:
        self.row = self.order = order

    @property
    def documents(self) -> ModelSelect[Invoice]:
        """The query for the invoices and credit notes of the order, oldest first."""
        return Invoice.select().where(Invoice.order == self.order).order_by(Invoice.id)

    @property
    def paying_order_id(self) -> int:
        """The id of the order."""
        return int(self.order.id)

    @property
    def cents(self) -> int:
        """The total of the order."""
        return self.order.total_cents

    @property
    def can_be_paid(self) -> bool:
        """Whether the order is unpaid and can still be delivered.

        Licences for a group that has ended, is suspended, or renewed after the order, cannot be.
        """
        return self.order.is_payable and reservations.can_be_added(self.order)

    def mark_paid(self, payment: Payment, by: str) -> None:
        """Queue the delivery, and e-mail that the payment was received."""
        begin_delivery(self.order, by)
        mail.payment_received(self.order, payment)

    def charge_renewals_to(self, card: Card) -> None:
        """Charge the renewals of the services that the order begins to ``card``."""
        mandates.allow_for_order(self.order, card)

    def mark_refunded(self, payment: Payment, refund: Refund) -> None:
        """Close an order whose delivery failed, and e-mail that the payment was refunded."""
        if self.order.status == OrderStatus.DELIVERY_FAILED:
            transitions.move(self.order, OrderStatus.REFUNDED, by="shop", closed_at=clock.now())
        mail.payment_refunded(self.order, payment, refund, _why_refunded(self.order, payment))

    def mark_rest_refunded(self, payment: Payment, refund: Refund) -> None:
        """E-mail what was delivered of the order and what was refunded.

        Of a payment that its bank took back and returned, what was settled meanwhile is refunded.
        """
        invoice = self.documents.where(Invoice.kind == InvoiceKind.INVOICE).first()
        was_lost = any(
            event.to_status == PaymentStatus.LOST for event in transitions.history(payment)
        )
        if was_lost and invoice is not None:
            mail.invoice_payment_refunded(invoices.latest_in_place_of(invoice), payment, refund)
        else:
            mail.rest_refunded(self.order, payment, refund)

    def close_lost(self) -> None:
        """Close an order whose delivery failed."""
        if self.order.status == OrderStatus.DELIVERY_FAILED:
            transitions.move(self.order, OrderStatus.REFUNDED, by="bank", closed_at=clock.now())

    def reopen_refunded(self) -> None:
        """Open an order whose delivery failed, and whose refund came back.

        One that was withdrawn from stays closed: its money is to be refunded in any case.
        """
        if self.order.status == OrderStatus.REFUNDED and not self.order.is_withdrawn:
            transitions.move(self.order, OrderStatus.DELIVERY_FAILED, by="bank", closed_at=None)


def _why_refunded(order: Order, payment: Payment) -> str:
    """Return the reason code for the e-mail.

    A payment that had succeeded is refunded only when the delivery failed; one that never did, or
    that a bank took back and returned, came too late, twice, or with another amount.
    """
    succeeded = any(
        (event.from_status, event.to_status) == (PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE)
        for event in transitions.history(payment)
    )
    if succeeded:
        return "withdrawn" if order.is_withdrawn else "not_delivered"
    if order.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED}:
        return str(order.status)
    if order.is_payable and not reservations.can_be_added(order):
        # The order is about to be closed: its group has renewed since, has ended, or is suspended.
        is_late = order.expires_at <= clock.now()
        return str(OrderStatus.EXPIRED if is_late else OrderStatus.CANCELLED)
    return "other_amount" if order.is_payable else "paid_already"


class PayableInvoice(Payable):
    """The invoice of a period, which no order paid."""

    column = Payment.invoice
    not_payable_message = N_("This invoice can no longer be paid.")
    under_way_message = N_(
        "A payment of this invoice is being confirmed by the bank. Please wait for it."
    )
    invoice: Invoice

    def __init__(self, invoice: Invoice) -> None:
        self.row = self.invoice = invoice

    @property
    def documents(self) -> ModelSelect[Invoice]:
        """The query for the credit notes of the invoice, oldest first."""
        return Invoice.select().where(Invoice.corrects == self.invoice).order_by(Invoice.id)

    @property
    def paying_order_id(self) -> int | None:
        """The id of the order that the invoice charges, if it charges one; a credit note none."""
        return None if self.invoice.is_credit_note else self.invoice.order_id

    @property
    def cents(self) -> int:
        """The balance of the invoice after its credit notes."""
        return self.invoice.balance_cents

    @property
    def can_be_paid(self) -> bool:
        """Whether the invoice is open."""
        return self.invoice.is_payable

    def mark_paid(self, payment: Payment, by: str) -> None:
        """Mark the invoice as paid."""
        invoices.mark_paid(self.invoice, payment, by)

    def charge_renewals_to(self, card: Card) -> None:
        """Charge the further renewals of the invoice's service to ``card``."""
        subscription = receivables.subscription_of(self.invoice)
        if subscription is not None:
            mandates.allow(subscription, card, by=self.invoice.account.nic_handle)

    def mark_refunded(self, payment: Payment, refund: Refund) -> None:
        """E-mail that the payment was refunded; the invoice is unchanged, as it did not pay it."""
        mail.invoice_payment_refunded(self.invoice, payment, refund)

    def mark_rest_refunded(self, payment: Payment, refund: Refund) -> None:
        """E-mail that what was paid otherwise meanwhile was refunded."""
        mail.invoice_payment_refunded(self.invoice, payment, refund)

    def close_lost(self) -> None:
        """Change nothing: the payment did not pay the invoice."""

    def reopen_refunded(self) -> None:
        """Change nothing: the payment did not pay the invoice."""


def for_debt(debt: Debt) -> Payable:
    """Return an order or an invoice as a payable."""
    return PayableInvoice(debt) if isinstance(debt, Invoice) else PayableOrder(debt)


def locked_payable(debt: Debt) -> Payable:
    """Return an order or an invoice as a payable, read again and locked for the transaction."""
    return for_debt(lock(debt))


def paid_by(payment: Payment) -> Payable:
    """Return the payable that ``payment`` is for."""
    debt: Debt | None = payment.invoice or payment.order
    assert debt is not None, "a CHECK constraint requires one of them"
    return for_debt(debt)


def begin_delivery(order: Order, by: str) -> None:
    """Queue the delivery of an order with nothing left to pay, in the caller's transaction."""
    now = clock.now()
    transitions.move(order, OrderStatus.PAID, by=by, paid_at=now)
    kinds.deliver_order.later(order=order.id)
    kinds.check_delivery.using(run_at=now + DELIVERY_PROMISE).later(order=order.id)
