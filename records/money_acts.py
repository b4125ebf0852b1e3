"""Acts of the staff on money: each recorded once, the larger ones confirmed by a second member."""

from __future__ import annotations

from enum import StrEnum

from peewee import AutoField, BigIntegerField, CharField, Check, ForeignKeyField

from records.accounts import Account
from records.base import JSONField, MomentField, StateMachine, one_of


class MoneyActKind(StrEnum):
    """What an act does."""

    MARK_PAID = "mark_paid"
    CREDIT = "credit"
    GOODWILL = "goodwill"
    REFUND = "refund"
    RETRY_REFUND = "retry_refund"
    MARK_REFUNDED = "mark_refunded"
    PAY_OUT = "pay_out"


class MoneyActStatus(StrEnum):
    """The status of an act: ``waiting`` for a second member of staff."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


MONEY_ACT_MOVES: dict[str, set[str]] = {
    MoneyActStatus.WAITING: {MoneyActStatus.DONE, MoneyActStatus.REFUSED},
    MoneyActStatus.DONE: set(),
    MoneyActStatus.REFUSED: set(),
}


class MoneyAct(StateMachine):
    """An act on the money of a customer, with its reason and who asked for and confirmed it.

    ``key`` is that of the form that was sent: two clicks have one. ``number`` names the order,
    invoice or credit note it is about, ``details`` what was filled in, and ``result`` what it made.
    """

    event_subject = "money_act"
    moves = MONEY_ACT_MOVES

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    key = CharField(max_length=64, unique=True)
    kind = CharField(max_length=16)
    status = CharField(max_length=16)
    account = ForeignKeyField(Account, backref="money_acts", index=False)
    number = CharField(max_length=20, default="")
    cents = BigIntegerField()
    details = JSONField()
    reason = CharField(max_length=255)
    result = CharField(max_length=32, default="")
    asked_by = CharField(max_length=32)
    asked_at = MomentField()
    decided_by = CharField(max_length=32, default="")
    decided_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("kind", MoneyActKind),
            one_of("status", MoneyActStatus),
            Check("cents >= 0"),
            Check("reason <> ''"),
            Check("decided_by = '' OR decided_by <> asked_by"),
        ]
        indexes = (
            (("account", "number", "id"), False),
            (("status", "id"), False),
            (("account", "id"), False),
        )

    @property
    def is_waiting(self) -> bool:
        """Whether a second member of staff has to confirm it."""
        return self.status == MoneyActStatus.WAITING
