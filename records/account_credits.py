"""What is on a customer's balance: goodwill, and money received, that the next invoices use."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, AutoField, BigIntegerField, CharField, Check, DateField, ForeignKeyField

from records.accounts import Account
from records.base import MomentField, Table, one_of
from records.invoices import Invoice


class CreditKind(StrEnum):
    """Where an amount on a balance comes from."""

    GOODWILL = "goodwill"  # given by the shop; never paid out
    TRANSFER = "transfer"  # money received


class AccountCredit(Table):
    """An amount on a customer's balance; ``used_cents`` of it pay invoices, or were paid out.

    A transfer has the bank's ``reference`` and the day on which it arrived. ``reason`` is shown to
    the customer.
    """

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    account = ForeignKeyField(Account, backref="credits", index=False)
    kind = CharField(max_length=16)
    cents = BigIntegerField()
    used_cents = BigIntegerField(default=0)
    paid_out_cents = BigIntegerField(default=0)
    reference = CharField(max_length=128, default="")
    received_on = DateField(null=True)
    reason = CharField(max_length=255, default="")
    by = CharField(max_length=32)
    at = MomentField()

    class Meta:
        constraints = [
            one_of("kind", CreditKind),
            Check("cents > 0"),
            Check("used_cents >= 0 AND paid_out_cents >= 0"),
            Check("used_cents + paid_out_cents <= cents"),
            Check("paid_out_cents = 0 OR kind = 'transfer'"),
            Check("kind <> 'transfer' OR received_on IS NOT NULL"),
        ]
        indexes = ((("account", "id"), False),)

    @property
    def is_goodwill(self) -> bool:
        """Whether the shop gave it."""
        return self.kind == CreditKind.GOODWILL

    @property
    def can_be_paid_out(self) -> bool:
        """Whether it is money received of which something is left."""
        return self.kind == CreditKind.TRANSFER and self.left_cents > 0

    @property
    def left_cents(self) -> int:
        """The part that no invoice uses and that was not paid out."""
        return self.cents - self.used_cents - self.paid_out_cents


AccountCredit.add_index(
    AccountCredit.index(AccountCredit.reference, name="account_credit_by_reference").where(
        SQL("reference <> ''")
    )
)


class CreditUse(Table):
    """The part of an invoice that an amount of the balance pays, less what went back to it."""

    invoice_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    credit = ForeignKeyField(AccountCredit, backref="uses")
    invoice = ForeignKeyField(Invoice, backref="credit_uses")
    cents = BigIntegerField()
    returned_cents = BigIntegerField(default=0)
    at = MomentField()

    class Meta:
        constraints = [
            Check("cents > 0"),
            Check("returned_cents BETWEEN 0 AND cents"),
        ]
