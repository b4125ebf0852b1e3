"""What a member of staff sees of a document before acting on its money."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from peewee import JOIN, ModelSelect

from records.accounts import Account
from records.invoices import Invoice, InvoiceStatus
from records.money_acts import MoneyAct
from records.orders import Order
from records.payments import Payment
from records.payouts import Payout
from records.refunds import Refund
from shop import money_acts
from shop.errors import N_, Refusal
from shop.invoicing import account_credits, lost_parts
from shop.payments import payables, payouts, refundables
from shop.payments.payables import Payable
from shop.payments.refundables import Refundable

MOST = 50

_AMOUNT = re.compile(r"(\d{1,9})(?:[.,](\d{1,2}))?")


@dataclass(frozen=True)
class DocumentMoney:
    """An order, an invoice or a credit note with its payments and refunds, and what can be done."""

    payable: Payable
    account: Account
    payments: list[tuple[Payment, Payout | None]]
    """Each with the payout of the bank in which it arrived; for an invoice, those of its order and
    of the invoices that it replaces, too."""

    refunded: list[Refund]
    documents: list[Invoice]
    """The invoices of an order; the credit notes of an invoice, and what replaces it."""

    acts: list[MoneyAct]
    refund_due: Refundable | None
    lost_cents: int = 0
    """The part of an invoice's payments that banks took back for good, while the rest counts."""

    @property
    def row(self) -> Order | Invoice:
        """The order, invoice or credit note."""
        return self.payable.row

    @property
    def invoice(self) -> Invoice | None:
        """The row, if it is an invoice or a credit note."""
        return self.payable.invoice

    @property
    def order(self) -> Order | None:
        """The row, if it is an order."""
        return self.payable.order

    @property
    def is_paid_elsewhere(self) -> bool:
        """Whether it has payments that were made for another document."""
        return any(payables.paid_by(payment).row != self.row for payment, _ in self.payments)

    @cached_property
    def names(self) -> list[str]:
        """The acts that are possible now, as their URLs name them."""
        possible = {
            "mark-paid": self.payable.can_be_paid,
            "credit": self._can_be_credited,
            "refund": self.order is not None and self.order.is_delivery_failed,
            "retry-refund": self._has_failed,
            "mark-refunded": self.refund_due is not None,
        }
        return [name for name, is_possible in possible.items() if is_possible]

    @property
    def _can_be_credited(self) -> bool:
        invoice = self.invoice
        return (
            invoice is not None
            and not invoice.is_credit_note
            and invoice.status != InvoiceStatus.REFUNDED
        )

    @property
    def _has_failed(self) -> bool:
        return self.refund_due is not None and self.refund_due.has_failed


def money_of(number: str) -> DocumentMoney | None:
    """Return an order, invoice or credit note with its money, if there is one with that number."""
    try:
        row = money_acts.find_debt(number)
    except Refusal:
        return None
    payable = payables.for_debt(row)
    paid = list(payouts.with_arrivals(_payments_of(payable).order_by(Payment.id)))
    of_it = Refund.payment.in_(paid or [0])
    if payable.invoice is not None:
        of_it |= Refund.credit_note == payable.invoice
    return DocumentMoney(
        payable=payable,
        account=row.account,
        payments=[(payment, payouts.arrival_of(payment)) for payment in paid],
        refunded=list(Refund.select().where(of_it).order_by(Refund.id).limit(MOST)),
        documents=list(_documents_of(payable).limit(MOST)),
        acts=list(
            MoneyAct.select()
            .where(MoneyAct.account == row.account, MoneyAct.number == number)
            .order_by(MoneyAct.id.desc())
            .limit(MOST)
        ),
        refund_due=_refund_due(row),
        lost_cents=_lost_of(payable.invoice),
    )


def _payments_of(payable: Payable) -> ModelSelect[Payment]:
    """Return the query for the payments of an order, or those that pay an invoice, however made."""
    condition = payable.is_paid_by
    if payable.invoice is not None:
        condition = Payment.invoice.in_(account_credits.with_replaced(payable.invoice))
        condition |= Payment.order == (payable.paying_order_id or 0)
    return (
        Payment.select(Payment, Order.id, Order.number, Invoice.id, Invoice.number)
        .join_from(Payment, Order, JOIN.LEFT_OUTER)
        .join_from(Payment, Invoice, JOIN.LEFT_OUTER)
        .where(condition)
    )


def _documents_of(payable: Payable) -> ModelSelect[Invoice]:
    if payable.invoice is None:
        return payable.documents
    is_of_it = (Invoice.corrects == payable.invoice) | (Invoice.replaces == payable.invoice)
    return Invoice.select().where(is_of_it).order_by(Invoice.id)


def _lost_of(invoice: Invoice | None) -> int:
    if invoice is None or invoice.is_credit_note:
        return 0
    return lost_parts.open_of(lost_parts.kept_for(invoice))


def find_customer(nic_handle: str) -> Account | None:
    """Return the customer with a nic-handle, if there is one."""
    return Account.get_or_none(Account.nic_handle == nic_handle)


def _refund_due(row: payables.Debt) -> Refundable | None:
    try:
        due = refundables.refund_due_of(row)
    except Refusal:
        return None
    return due if due.is_due else None


def read_amount(text: str, field: str = "amount") -> int:
    """Return an amount typed in euros in cents. Raise `Refusal` at its field for anything else."""
    found = _AMOUNT.fullmatch(re.sub(r"[\s\u202f\u00a0€]", "", text))
    if found is None:
        raise Refusal(N_("Enter an amount in euros, such as 12.50."), field)
    return 100 * int(found[1]) + int((found[2] or "0").ljust(2, "0"))
