"""What members of staff find customers by."""

from __future__ import annotations

from peewee import BlobField, CompositeKey, ForeignKeyField

from records.accounts import Account
from records.base import Table


class AccountKey(Table):
    """A text that a customer is found by, folded (`shop.customers.search_keys`).

    A search is one range of keys, whatever the number of customers.
    """

    account_id: int  # added by Peewee; declared for mypy

    key = BlobField()
    account = ForeignKeyField(Account, backref="search_keys", on_delete="CASCADE")

    class Meta:
        primary_key = CompositeKey("key", "account")
