"""How a licence's password reaches its holder, where it does not go to the customer."""

from __future__ import annotations

from datetime import datetime

from peewee import AutoField, CharField, Check, ForeignKeyField, IntegerField, TextField

from records.base import MomentField, Table
from records.imports import SeatImport
from records.seats import Seat


class Handover(Table):
    """The choice of who gets the password of one ``version`` of a seat: a person, by a one-time
    link sent to ``recipient``, or nobody, where that is empty. With a ``seat_import`` and without a
    recipient the customer gets it, in the file of all passwords of that act, for 30 days.

    ``secret`` is the encrypted password, from the moment the provider has it until the link shows
    it, or the file is no longer offered. ``ended_at`` is when the seat got another password, or
    lost its holder.
    """

    seat_id: int  # added by Peewee; declared for mypy
    seat_import_id: int | None

    id = AutoField()
    seat = ForeignKeyField(Seat, backref="+", on_delete="CASCADE", index=False)
    seat_import = ForeignKeyField(SeatImport, backref="+", null=True, on_delete="CASCADE")
    version = IntegerField()
    recipient = CharField(max_length=254, default="")
    token_digest = CharField(max_length=64, null=True, unique=True)
    secret = TextField(default="")
    sends = IntegerField(default=0)
    asked_at = MomentField()
    sent_at = MomentField(null=True)
    expires_at = MomentField(null=True)
    read_at = MomentField(null=True)
    ended_at = MomentField(null=True)

    class Meta:
        constraints = [
            Check("sends >= 0"),
            Check("read_at IS NULL OR secret = ''"),
            Check("ended_at IS NULL OR secret = ''"),
        ]
        indexes = (
            (("seat", "version"), True),
            (("expires_at",), False),
            (("ended_at",), False),
        )

    @property
    def is_sent(self) -> bool:
        """Whether the link has been sent to a person."""
        return self.sends > 0

    @property
    def is_read(self) -> bool:
        """Whether the link has shown the password."""
        return self.read_at is not None

    @property
    def may_be_sent_again(self) -> bool:
        """Whether the password was not shown yet, and is still there for another link."""
        return self.is_sent and bool(self.secret) and self.ended_at is None

    def is_open(self, now: datetime) -> bool:
        """Whether the link shows the password when it is followed ``now``."""
        return self.may_be_sent_again and self.expires_at is not None and now < self.expires_at
