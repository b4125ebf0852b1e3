"""Disputes: payments that a cardholder contests at their bank."""

from __future__ import annotations

from enum import StrEnum

from peewee import AutoField, BigIntegerField, CharField, Check, ForeignKeyField

from records.base import MomentField, StateMachine, one_of
from records.payments import Payment


class DisputeStatus(StrEnum):
    """The status of a dispute."""

    OPEN = "open"
    WON = "won"  # the shop keeps the money, or has it back
    LOST = "lost"


DISPUTE_MOVES: dict[str, set[str]] = {
    DisputeStatus.OPEN: {DisputeStatus.WON, DisputeStatus.LOST},
    # A bank may decide again.
    DisputeStatus.WON: {DisputeStatus.LOST},
    DisputeStatus.LOST: {DisputeStatus.WON},
}


class Dispute(StateMachine):
    """A payment contested at the bank, for ``cents``.

    ``withdrawn_cents`` is what the bank has taken from the shop and not given back; it may do
    both at any time. ``absorbed_cents`` of it count as given back for credit notes. ``reference``
    is the bank's.
    """

    event_subject = "dispute"
    moves = DISPUTE_MOVES

    payment_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    payment = ForeignKeyField(Payment, backref="disputes")
    status = CharField(max_length=16, default=DisputeStatus.OPEN)
    reference = CharField(max_length=128, unique=True)
    cents = BigIntegerField()
    withdrawn_cents = BigIntegerField(default=0)
    absorbed_cents = BigIntegerField(default=0)
    reason = CharField(max_length=64, default="")
    created_at = MomentField()
    settled_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", DisputeStatus),
            Check("cents > 0"),
            Check("withdrawn_cents >= 0"),
        ]
        indexes = ((("status",), False),)

    @property
    def is_open(self) -> bool:
        """Whether the bank has not decided yet."""
        return self.status == DisputeStatus.OPEN

    @property
    def is_lost(self) -> bool:
        """Whether the bank decided for the cardholder."""
        return self.status == DisputeStatus.LOST
