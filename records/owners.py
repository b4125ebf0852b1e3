"""Whose account a row belongs to."""

from __future__ import annotations

from typing import Any

from peewee import fn

from records.accounts import Account
from records.base import Table
from records.groups import LicenceGroup
from records.invoices import Invoice
from records.orders import Order
from records.payments import Payment


def owner_of(row: Table) -> Any:
    """Return the number of the account that ``row`` belongs to, or the query that finds it, as a
    value of another statement; None if it belongs to no account.
    """
    if isinstance(row, Account):
        return row.id
    known = row.__data__
    if (account := known.get("account")) is not None:
        return account
    for debt in (row.__rel__.get("order"), row.__rel__.get("invoice")):
        if debt is not None:  # It was read already.
            return debt.account_id
    if (group := known.get("group")) is not None:
        return LicenceGroup.select(LicenceGroup.account).where(LicenceGroup.id == group)
    if (payment := known.get("payment")) is not None:
        return _payer(payment)
    return _debtor(known.get("order"), known.get("invoice"))


def owner_column(table: type[Table]) -> Any:
    """Return what `owner_of` returns for each row of ``table``, as a column of a query of it."""
    if table is Account:
        return Account.id
    columns = table._meta.fields
    if "account" in columns:
        return columns["account"]
    if "group" in columns:
        of_group = LicenceGroup.id == columns["group"]
        return LicenceGroup.select(LicenceGroup.account).where(of_group)
    if "payment" in columns:
        return _payer(columns["payment"])
    of_order = Order.select(Order.account).where(Order.id == columns["order"])
    of_invoice = Invoice.select(Invoice.account).where(Invoice.id == columns["invoice"])
    return fn.COALESCE(of_order, of_invoice)


def _debtor(order: int | None, invoice: int | None) -> Any:
    if order is not None:
        return Order.select(Order.account).where(Order.id == order)
    if invoice is not None:
        return Invoice.select(Invoice.account).where(Invoice.id == invoice)
    return None


def _payer(payment: Any) -> Any:
    of_order = Payment.select(Order.account).join(Order).where(Payment.id == payment)
    of_invoice = Payment.select(Invoice.account).join(Invoice).where(Payment.id == payment)
    return of_order.union_all(of_invoice)
