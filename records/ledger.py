"""The ledger: every change of what a customer owes."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, BigAutoField, BigIntegerField, CharField, Check, ForeignKeyField

from records.accounts import Account
from records.base import MomentField, Table, one_of
from records.invoices import Invoice
from records.payments import Payment


class EntryKind(StrEnum):
    """The kind of change of an account's balance."""

    CHARGED = "charged"
    CREDITED = "credited"
    PAID = "paid"
    REFUNDED = "refunded"


class LedgerEntry(Table):
    """A change of what a customer owes, in cents: charges and refunds add, the others subtract.

    Each document and each movement of money has exactly one entry. ``invoice`` is the invoice that
    was charged or paid, or the credit note. It is empty for money received before its invoice was
    issued, and for money that was not owed and was refunded.
    """

    account_id: int  # added by Peewee; declared for mypy
    invoice_id: int | None
    payment_id: int | None

    id = BigAutoField()
    account = ForeignKeyField(Account, backref="ledger")
    kind = CharField(max_length=16)
    invoice = ForeignKeyField(Invoice, backref="ledger", null=True)
    payment = ForeignKeyField(Payment, backref="ledger", null=True)
    cents = BigIntegerField()
    at = MomentField()

    class Meta:
        constraints = [
            one_of("kind", EntryKind),
            Check("CASE WHEN kind IN ('charged', 'refunded') THEN cents >= 0 ELSE cents <= 0 END"),
            Check("kind NOT IN ('charged', 'credited') OR invoice_id IS NOT NULL"),
            Check("kind NOT IN ('paid', 'refunded') OR payment_id IS NOT NULL"),
        ]


LedgerEntry.add_index(
    LedgerEntry.index(
        LedgerEntry.invoice, LedgerEntry.kind, unique=True, name="ledger_entry_one_of_document"
    ).where(SQL("kind <> 'paid' AND invoice_id IS NOT NULL"))
)
LedgerEntry.add_index(
    LedgerEntry.index(LedgerEntry.payment, unique=True, name="ledger_entry_one_payment").where(
        SQL("kind = 'paid'")
    )
)
LedgerEntry.add_index(
    LedgerEntry.index(LedgerEntry.payment, unique=True, name="ledger_entry_one_way_back").where(
        SQL("kind = 'refunded' AND invoice_id IS NULL")
    )
)
