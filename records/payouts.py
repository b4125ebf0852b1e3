"""Payouts: what the bank transfers to the seller's account, and what each is made of."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    Check,
    DateField,
    ForeignKeyField,
    IntegerField,
)

from records.base import MomentField, StateMachine, Table, one_of
from records.disputes import Dispute
from records.payments import Payment
from records.refunds import Refund


class PayoutStatus(StrEnum):
    """The status of a payout."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"  # the seller's own bank did not take it: a later payout brings the money


PAYOUT_MOVES: dict[str, set[str]] = {
    PayoutStatus.PENDING: {PayoutStatus.PAID, PayoutStatus.FAILED},
    # The seller's bank may send the money back days later.
    PayoutStatus.PAID: {PayoutStatus.FAILED},
    PayoutStatus.FAILED: set(),
}


class Payout(StateMachine):
    """A transfer of ``cents`` by the bank that takes the cards; negative where it collects a debt.

    ``reached`` is the reference of the last line read, and ``read_at`` when all of them were. One
    that somebody began by hand at the bank lists no lines: ``is_automatic`` is false then.

    ``line_count``, ``fee_cents`` and ``open_lines`` sum up its lines; open are those that match
    nothing and that nobody explained. ``booked_at`` is when it became an entry of the books, with
    ``received_cents`` on the seller's account, and ``returned_at`` when these were booked back.
    """

    event_subject = "payout"
    moves = PAYOUT_MOVES

    id = AutoField()
    reference = CharField(max_length=128, unique=True)
    status = CharField(max_length=16, default=PayoutStatus.PENDING)
    cents = BigIntegerField()
    currency = CharField(max_length=3, default="EUR")
    arrives_on = DateField()
    announced_at = MomentField(index=True)
    is_automatic = BooleanField(default=True)
    reason = CharField(max_length=64, default="")
    reached = CharField(max_length=128, default="")
    read_at = MomentField(null=True)
    line_count = IntegerField(default=0)
    fee_cents = BigIntegerField(default=0)
    open_lines = IntegerField(default=0)
    booked_at = MomentField(null=True)
    received_cents = BigIntegerField(null=True)
    returned_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", PayoutStatus),
            Check("open_lines BETWEEN 0 AND line_count"),
            Check("(booked_at IS NULL) = (received_cents IS NULL)"),
            Check("returned_at IS NULL OR booked_at IS NOT NULL"),
        ]
        indexes = ((("arrives_on", "id"), False), (("status",), False))

    @property
    def has_failed(self) -> bool:
        """Whether the money did not arrive, or went back."""
        return self.status == PayoutStatus.FAILED

    @property
    def is_read(self) -> bool:
        """Whether all its lines are known."""
        return self.read_at is not None


IS_OPEN = "problem <> '' AND explanation = ''"
"""The condition of an index, which queries repeat word for word."""

Payout.add_index(Payout.index(Payout.open_lines, name="payout_open").where(SQL("open_lines > 0")))
Payout.add_index(
    Payout.index(Payout.booked_at, name="payout_booked").where(SQL("booked_at IS NOT NULL"))
)
Payout.add_index(
    Payout.index(Payout.returned_at, name="payout_returned").where(SQL("returned_at IS NOT NULL"))
)


BY_HAND = "NOT is_automatic"
"""The condition of an index, which queries repeat word for word."""

Payout.add_index(Payout.index(Payout.announced_at, name="payout_by_hand").where(SQL(BY_HAND)))


class LineKind(StrEnum):
    """What moved the seller's balance at the bank."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    FEE = "fee"
    PAYOUT = "payout"  # the money of a payout that failed
    OTHER = "other"


class LineProblem(StrEnum):
    """Why a line matches nothing of the shop's."""

    NONE = ""
    UNKNOWN = "unknown"  # the shop has nothing with this reference
    UNSETTLED = "unsettled"  # the shop knows the payment, and did not record its money
    AMOUNT = "amount"  # the shop has it with another amount
    TWICE = "twice"  # another line is for the same payment
    OTHER = "other"  # the bank does not say what it is for


class PayoutLine(Table):
    """A movement that a payout is made of: ``gross_cents`` less ``fee_cents``.

    ``source`` is the bank's reference of what it comes from; that is ``payment`` (also of its
    refund or dispute), ``refund``, ``dispute``, or the payout that failed, ``returned``.
    """

    payout_id: int  # added by Peewee; declared for mypy
    payment_id: int | None

    id = AutoField()
    payout = ForeignKeyField(Payout, backref="lines", index=False)
    reference = CharField(max_length=128, unique=True)
    kind = CharField(max_length=16)
    gross_cents = BigIntegerField()
    fee_cents = BigIntegerField(default=0)
    source = CharField(max_length=128, default="")
    description = CharField(max_length=255, default="")
    at = MomentField()
    payment = ForeignKeyField(Payment, backref="payout_lines", null=True)
    refund = ForeignKeyField(Refund, backref="payout_lines", null=True, index=False)
    dispute = ForeignKeyField(Dispute, backref="payout_lines", null=True, index=False)
    returned = ForeignKeyField(Payout, backref="returns", null=True)
    problem = CharField(max_length=16, default=LineProblem.NONE)
    explanation = CharField(max_length=255, default="")

    class Meta:
        constraints = [one_of("kind", LineKind), one_of("problem", LineProblem)]
        indexes = ((("payout", "id"), False),)

    @property
    def net_cents(self) -> int:
        """The part of the payout."""
        return self.gross_cents - self.fee_cents

    @property
    def is_open(self) -> bool:
        """Whether it matches nothing, and nobody explained it."""
        return bool(self.problem) and not self.explanation


PayoutLine.add_index(PayoutLine.index(PayoutLine.id, name="payout_line_open").where(SQL(IS_OPEN)))
