"""Members of staff who look at the customer area as a customer sees it."""

from __future__ import annotations

from peewee import AutoField, CharField, Check, ForeignKeyField

from records.accounts import Account
from records.base import MomentField, Table


class Viewing(Table):
    """A member of staff sees the customer area as a customer, for some minutes, and changes
    nothing.

    ``by`` names the member of staff as events do. The browser holds a token, of which the digest is
    kept here.
    """

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, backref="viewings", on_delete="CASCADE")
    by = CharField(max_length=32)
    reason = CharField(max_length=255)
    created_at = MomentField()
    expires_at = MomentField()
    ended_at = MomentField(null=True)

    class Meta:
        constraints = [Check("reason <> ''")]
