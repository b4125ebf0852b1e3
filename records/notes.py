"""What members of staff note about customers."""

from __future__ import annotations

from peewee import AutoField, CharField, Check, ForeignKeyField, TextField

from records.accounts import Account
from records.base import MomentField, Table


class CustomerNote(Table):
    """A note of a member of staff about a customer, never changed; ``by`` names its author as
    events do.

    The unique ``key`` is a digest of the form and the text; none in the previous release.
    """

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    account = ForeignKeyField(Account, backref="notes", index=False, on_delete="CASCADE")
    by = CharField(max_length=32)
    text = TextField()
    at = MomentField()
    key = CharField(max_length=64, null=True, unique=True)

    class Meta:
        constraints = [Check("text <> ''")]
        indexes = ((("account", "id"), False),)
