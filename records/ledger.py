"""The ledger: every change of what a customer owes."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, BigAutoField, BigIntegerField, CharField, Check, ForeignKeyField

from records.account_credits import AccountCredit
from records.accounts import Account
from records.base import MomentField, Table, one_of
from records.disputes import Dispute
from records.invoices import Invoice
from records.payments import Payment
from records.refunds import Refund


class EntryKind(StrEnum):
    """The kind of change of an account's balance."""

    CHARGED = "charged"
    CREDITED = "credited"
    PAID = "paid"
    REFUNDED = "refunded"
    RETURNED = "returned"  # a refund that succeeded came back: it failed after all
    WITHDRAWN = "withdrawn"  # taken back by the bank for a dispute
    REINSTATED = "reinstated"  # given back after a dispute
    GOODWILL = "goodwill"  # given by the shop, for the next invoices
    RECEIVED = "received"  # a transfer, for a part of an invoice
    PAID_OUT = "paid_out"  # the rest of a transfer, given back


class LedgerEntry(Table):
    """A change of what a customer owes, in cents: charges, refunds, withdrawals and what was
    paid out add, the others subtract.

    Each document and each movement of money has exactly one entry. ``invoice`` is the invoice that
    was charged or paid, or the credit note. It is empty for money received before its invoice was
    issued, and for money that was not owed and was refunded. ``refund``, ``dispute`` and
    ``credit`` (of the customer's balance) are what an entry is about.
    """

    account_id: int  # added by Peewee; declared for mypy
    invoice_id: int | None
    payment_id: int | None
    refund_id: int | None
    dispute_id: int | None
    credit_id: int | None

    id = BigAutoField()
    account = ForeignKeyField(Account, backref="ledger")
    kind = CharField(max_length=16)
    invoice = ForeignKeyField(Invoice, backref="ledger", null=True)
    payment = ForeignKeyField(Payment, backref="ledger", null=True)
    refund = ForeignKeyField(Refund, backref="ledger", null=True)
    dispute = ForeignKeyField(Dispute, backref="ledger", null=True)
    credit = ForeignKeyField(AccountCredit, backref="ledger", null=True)
    cents = BigIntegerField()
    at = MomentField()

    class Meta:
        constraints = [
            one_of("kind", EntryKind),
            Check(
                "CASE WHEN kind IN ('charged', 'refunded', 'withdrawn', 'paid_out') "
                "THEN cents >= 0 ELSE cents <= 0 END"
            ),
            Check("kind NOT IN ('charged', 'credited') OR invoice_id IS NOT NULL"),
            Check("kind NOT IN ('paid', 'refunded') OR payment_id IS NOT NULL"),
            Check("kind <> 'returned' OR refund_id IS NOT NULL"),
            Check("kind NOT IN ('withdrawn', 'reinstated') OR dispute_id IS NOT NULL"),
            Check("kind NOT IN ('goodwill', 'received', 'paid_out') OR credit_id IS NOT NULL"),
        ]
        indexes = ((("at", "id"), False),)


LedgerEntry.add_index(
    LedgerEntry.index(
        LedgerEntry.invoice, LedgerEntry.kind, unique=True, name="ledger_entry_one_of_document"
    ).where(SQL("kind IN ('charged', 'credited')"))
)
LedgerEntry.add_index(
    LedgerEntry.index(LedgerEntry.payment, unique=True, name="ledger_entry_one_payment").where(
        SQL("kind = 'paid'")
    )
)
LedgerEntry.add_index(
    LedgerEntry.index(LedgerEntry.payment, unique=True, name="ledger_entry_one_way_back").where(
        SQL("kind = 'refunded' AND invoice_id IS NULL AND refund_id IS NULL")
    )
)
LedgerEntry.add_index(
    LedgerEntry.index(
        LedgerEntry.refund, LedgerEntry.kind, unique=True, name="ledger_entry_one_of_refund"
    ).where(SQL("refund_id IS NOT NULL"))
)
