"""What a member of staff sees of a document before acting on its money."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from records.accounts import Account
from records.invoices import Invoice, InvoiceStatus
from records.money_acts import MoneyAct
from records.orders import Order
from records.payments import Payment
from records.payouts import Payout
from records.refunds import Refund
from shop import money_acts
from shop.errors import N_, Refusal
from shop.invoicing import lost_parts
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
    """Each with the payout of the bank in which it arrived."""

    refunded: list[Refund]
    documents: list[Invoice]
    """The invoices of an order, and the credit notes of an invoice."""

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
    of_row = Payment.select().where(payable.is_paid_by).order_by(Payment.id)
    paid = list(payouts.with_arrivals(of_row))
    of_it = Refund.payment.in_(paid or [0])
    if payable.invoice is not None:
        of_it |= Refund.credit_note == payable.invoice
    return DocumentMoney(
        payable=payable,
        account=row.account,
        payments=[(payment, payouts.arrival_of(payment)) for payment in paid],
        refunded=list(Refund.select().where(of_it).order_by(Refund.id).limit(MOST)),
        documents=list(payable.documents.limit(MOST)),
        acts=list(
            MoneyAct.select()
            .where(MoneyAct.account == row.account, MoneyAct.number == number)
            .order_by(MoneyAct.id.desc())
            .limit(MOST)
        ),
        refund_due=_refund_due(row),
        lost_cents=_lost_of(payable.invoice),
    )


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
