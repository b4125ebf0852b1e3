"""Cards stored for renewals."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from peewee import AutoField, CharField, Check, DateField, ForeignKeyField, IntegerField

from records.accounts import Account
from records.base import MomentField, Table


class Card(Table):
    """A card stored with the customer's consent: the bank's mandate, and details to show.

    ``told_for`` and ``reminded_for`` are the last day of validity that its customer was told of 7
    days and 1 day before.
    """

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    account = ForeignKeyField(Account, backref="cards")
    mandate = CharField(max_length=128, unique=True)
    brand = CharField(max_length=32)
    last4 = CharField(max_length=4)
    expiry_month = IntegerField()
    expiry_year = IntegerField()
    consented_at = MomentField()
    removed_at = MomentField(null=True)
    told_for = DateField(null=True)
    reminded_for = DateField(null=True)

    class Meta:
        constraints = [Check("expiry_month BETWEEN 1 AND 12")]
        indexes = ((("expiry_year", "expiry_month"), False),)

    @property
    def brand_name(self) -> str:
        """The brand as it writes itself; the sandbox's are in lower case."""
        return self.brand[:1].upper() + self.brand[1:]

    @property
    def valid_until(self) -> date:
        """The last day on which it is valid, as printed on it."""
        return date(
            self.expiry_year, self.expiry_month, monthrange(self.expiry_year, self.expiry_month)[1]
        )
