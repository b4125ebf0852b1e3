"""Lines of the seller's bank statements: money that arrived by transfer."""

from __future__ import annotations

from enum import StrEnum

from peewee import AutoField, BigIntegerField, CharField, Check, DateField

from records.base import MomentField, StateMachine, one_of


class BankLineStatus(StrEnum):
    """Whether a line was recorded as a payment; ``ignored`` is no payment of a customer."""

    OPEN = "open"
    RECORDED = "recorded"
    IGNORED = "ignored"


BANK_LINE_MOVES: dict[str, set[str]] = {
    BankLineStatus.OPEN: {BankLineStatus.RECORDED, BankLineStatus.IGNORED},
    BankLineStatus.RECORDED: set(),
    BankLineStatus.IGNORED: set(),
}


class BankLine(StateMachine):
    """A transfer that a statement lists; ``digest`` tells it from all others, in any statement.

    ``number`` is the order or invoice that it was recorded for. Who paid, and what they wrote, is
    kept until it is decided.
    """

    event_subject = "bank_line"
    moves = BANK_LINE_MOVES

    id = AutoField()
    digest = CharField(max_length=64, unique=True)
    status = CharField(max_length=16, default=BankLineStatus.OPEN)
    day = DateField()
    cents = BigIntegerField()
    reference = CharField(max_length=128, default="")
    payer = CharField(max_length=255, default="")
    text = CharField(max_length=500, default="")
    number = CharField(max_length=20, default="")
    by = CharField(max_length=32)
    at = MomentField()

    class Meta:
        constraints = [one_of("status", BankLineStatus), Check("cents > 0")]
        indexes = ((("status", "id"), False),)

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided yet what it is."""
        return self.status == BankLineStatus.OPEN
