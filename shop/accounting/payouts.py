"""Payouts of the bank as the accountant reads them: lists, lines with what they are for, files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import JOIN, ModelSelect

from records.accounts import Account
from records.batches import in_batches
from records.invoices import Invoice
from records.orders import Order
from records.payments import Payment
from records.payouts import Payout, PayoutLine
from shop.payments import held_at_bank
from shop.text.pagination import PER_PAGE, Stretch

LINES_PER_PAGE = 50


def newest_payouts(before: str = "", per_page: int = PER_PAGE) -> Stretch[Payout]:
    """Return a stretch of the payouts by the day of arrival, the newest first (one query).

    It begins after the row with the key ``before``; at the beginning if that is empty.
    """
    query = Payout.select()
    if (reached := _read_key(before)) is not None:
        day, number = reached
        query = query.where(
            (Payout.arrives_on <= day) & ((Payout.arrives_on < day) | (Payout.id < number))
        )
    found = list(query.order_by(Payout.arrives_on.desc(), Payout.id.desc()).limit(per_page + 1))
    rows = found[:per_page]
    return Stretch(rows, _key_of(rows[-1]) if len(found) > per_page else "")


def _key_of(row: Payout) -> str:
    return f"{row.arrives_on.isoformat()}.{row.id}"


def _read_key(key: str) -> tuple[date, int] | None:
    day, _, number = key.partition(".")
    try:
        return date.fromisoformat(day), min(int(number), 2**31 - 1)
    except ValueError:
        return None


def all_payouts() -> Iterator[Payout]:
    """Yield every payout by the day of arrival, the oldest first."""
    return in_batches(Payout.select(), Payout.arrives_on, Payout.id)


def paid_again(payout: Payout) -> Payout | None:
    """Return the payout that brought the money of one that failed, if there is one."""
    if not payout.has_failed:
        return None
    query = Payout.select().join(PayoutLine, on=(PayoutLine.payout == Payout.id))
    return query.where(PayoutLine.returned == payout).order_by(Payout.id).first()


def find_payout(number: int) -> Payout | None:
    """Return a payout, or None."""
    return Payout.get_or_none(Payout.id == number)


def find_line(number: int) -> PayoutLine | None:
    """Return a line with its payout, or None."""
    query = PayoutLine.select(PayoutLine, Payout).join(Payout)
    return query.where(PayoutLine.id == number).first()


# --- In no payout yet --------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A stretch of the list of payments that the bank holds; ``newer`` is the key that the next
    one begins after."""

    rows: list[HeldPayment]
    newer: str = ""


@dataclass(frozen=True)
class HeldPayment:
    """A payment that the bank holds, and the order or invoice that it pays."""

    payment: Payment
    number: str
    is_order: bool
    nic_handle: str
    customer: str


def held_payments(after: str = "", per_page: int = PER_PAGE) -> Waiting:
    """Return a stretch of the payments that the bank holds, the oldest first (one query)."""
    wanted = held_at_bank.held().select(Payment.id)
    if (reached := _read_moment(after)) is not None:
        at, number = reached
        wanted = wanted.where(
            (Payment.settled_at >= at) & ((Payment.settled_at > at) | (Payment.id > number))
        )
    wanted = wanted.order_by(Payment.settled_at, Payment.id).limit(per_page + 1)
    found = list(
        _payments_with_debts()
        .where(Payment.id.in_(wanted))
        .order_by(Payment.settled_at, Payment.id)
    )
    rows = [_held(row) for row in found[:per_page]]
    last = found[per_page - 1] if len(found) > per_page else None
    return Waiting(rows, f"{last.settled_at.isoformat()}.{last.id}" if last else "")


def _read_moment(key: str) -> tuple[datetime, int] | None:
    moment, _, number = key.rpartition(".")
    try:
        at = datetime.fromisoformat(moment)
        return (at, min(int(number), 2**31 - 1)) if at.tzinfo else None
    except ValueError:
        return None


def _payments_with_debts() -> ModelSelect[Any]:
    of_order = Account.alias("of_order")
    return (
        Payment.select(
            Payment, Order.id, Order.number, Invoice.id, Invoice.number, Account.id,
            Account.nic_handle, Account.company, Account.first_name, Account.last_name,
            of_order.id, of_order.nic_handle, of_order.company, of_order.first_name,
            of_order.last_name,
        )
        .join(Order, JOIN.LEFT_OUTER)
        .join(of_order, JOIN.LEFT_OUTER, on=(of_order.id == Order.account), attr="account")
        .join_from(Payment, Invoice, JOIN.LEFT_OUTER)
        .join(Account, JOIN.LEFT_OUTER)
    )  # fmt: skip


def _held(payment: Payment) -> HeldPayment:
    account = payment.account
    debt: Order | Invoice | None = payment.order or payment.invoice
    assert debt is not None, "a CHECK constraint requires one of them"
    return HeldPayment(
        payment, debt.number, payment.order_id is not None, account.nic_handle,
        account.company or account.full_name,
    )  # fmt: skip


# --- Lines -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of a payout, and what it is for: an order or an invoice, and its customer."""

    row: PayoutLine
    number: str = ""
    is_order: bool = False
    nic_handle: str = ""
    customer: str = ""


def lines_of(payout: Payout, after: int = 0, limit: int = LINES_PER_PAGE) -> list[Line]:
    """Return lines of a payout from the one after a number on (one query)."""
    query = _with_debts().where(PayoutLine.payout == payout, PayoutLine.id > after)
    return [_line(row) for row in query.order_by(PayoutLine.id).limit(limit)]


def all_lines_of(payout: Payout) -> Iterator[Line]:
    """Yield every line of a payout."""
    query = _with_debts().where(PayoutLine.payout == payout)
    return (_line(row) for row in in_batches(query, PayoutLine.id))


def _with_debts() -> ModelSelect[Any]:
    """Return the query for lines with what their payments pay, and its customer."""
    of_order = Account.alias("of_order")
    returned = Payout.alias("returned")
    return (
        PayoutLine.select(
            PayoutLine, Payment, Order.id, Order.number, Invoice.id, Invoice.number,
            Account.id, Account.nic_handle, Account.company, Account.first_name,
            Account.last_name, of_order.id, of_order.nic_handle, of_order.company,
            of_order.first_name, of_order.last_name, returned.id, returned.reference,
        )
        .join(Payment, JOIN.LEFT_OUTER)
        .join(Order, JOIN.LEFT_OUTER)
        .join(of_order, JOIN.LEFT_OUTER, on=(of_order.id == Order.account), attr="account")
        .join_from(Payment, Invoice, JOIN.LEFT_OUTER)
        .join(Account, JOIN.LEFT_OUTER)
        .join_from(
            PayoutLine, returned, JOIN.LEFT_OUTER, on=(returned.id == PayoutLine.returned),
            attr="returned",
        )
    )  # fmt: skip


def _line(row: PayoutLine) -> Line:
    payment = row.payment
    if payment is None:
        return Line(row)
    debt: Order | Invoice | None = payment.order or payment.invoice
    assert debt is not None, "a CHECK constraint requires one of them"
    account = debt.account
    name = account.company or account.full_name
    return Line(row, debt.number, payment.order_id is not None, account.nic_handle, name)
