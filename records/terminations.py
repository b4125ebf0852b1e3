"""Services terminated, and licences given back."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from peewee import SQL, AutoField, CharField, Check, DateField, ForeignKeyField, IntegerField

from records.accounts import Account, OneTimeLink
from records.base import MomentField, StateMachine, one_of
from records.groups import LicenceGroup
from records.orders import Order
from records.seats import Seat


class TerminationCause(StrEnum):
    """Why a group ends."""

    CUSTOMER = "customer"
    UNPAID = "unpaid"
    WITHDRAWAL = "withdrawal"
    OPERATOR = "operator"


class TerminationStatus(StrEnum):
    """The status of a termination, or of a licence given back."""

    ASKED = "asked"  # awaits the one-time link
    SCHEDULED = "scheduled"
    UNDONE = "undone"
    ENDING = "ending"  # the provider is removing the seat
    DONE = "done"


TERMINATION_ALIVE = (TerminationStatus.ASKED, TerminationStatus.SCHEDULED)
"""The termination of a group has been requested or is scheduled: at most one is."""

TERMINATION_MOVES: dict[str, set[str]] = {
    TerminationStatus.ASKED: {TerminationStatus.SCHEDULED, TerminationStatus.UNDONE},
    TerminationStatus.SCHEDULED: {TerminationStatus.UNDONE, TerminationStatus.DONE},
    TerminationStatus.UNDONE: set(),
    TerminationStatus.DONE: set(),
}

GIVE_BACK_MOVES: dict[str, set[str]] = {
    TerminationStatus.SCHEDULED: {
        TerminationStatus.UNDONE,
        TerminationStatus.ENDING,
        TerminationStatus.DONE,
    },
    TerminationStatus.ENDING: {TerminationStatus.DONE},
    TerminationStatus.UNDONE: set(),
    TerminationStatus.DONE: set(),
}


GIVEN_BACK = (TerminationStatus.SCHEDULED, TerminationStatus.ENDING)
"""The statuses of a licence that is given back and not removed yet."""


class Termination(StateMachine):
    """The termination of a whole group: its cause, when it was requested, and its day.

    ``ends_on`` is empty until it is scheduled; on that day there is no renewal. The database writes
    the ``account`` (a trigger).
    """

    event_subject = "termination"
    moves = TERMINATION_MOVES

    group_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="terminations")
    account = ForeignKeyField(Account, null=True, backref="+", index=False)
    status = CharField(max_length=16, default=TerminationStatus.SCHEDULED)
    cause = CharField(max_length=16)
    reason = CharField(max_length=255, default="")
    ends_on = DateField(null=True)
    link = ForeignKeyField(OneTimeLink, null=True, unique=True, backref="+", on_delete="SET NULL")
    asked_at = MomentField()
    closed_at = MomentField(null=True)

    class Meta:
        constraints = [
            Check("status IN ('asked', 'scheduled', 'undone', 'done')"),
            one_of("cause", TerminationCause),
            Check("status NOT IN ('scheduled', 'done') OR ends_on IS NOT NULL"),
            Check("(closed_at IS NULL) = (status IN ('asked', 'scheduled'))"),
        ]
        indexes = ((("cause", "asked_at"), False), (("account", "status", "ends_on"), False))

    @property
    def awaits_confirmation(self) -> bool:
        """Whether the one-time link that confirms it was not followed yet."""
        return self.status == TerminationStatus.ASKED

    @property
    def is_scheduled(self) -> bool:
        """Whether the service ends on its day; until then the termination can be undone."""
        return self.status == TerminationStatus.SCHEDULED

    @property
    def day(self) -> date:
        """The day of a scheduled termination."""
        assert self.ends_on is not None, "a CHECK requires it"
        return self.ends_on


Termination.add_index(
    Termination.index(Termination.group, unique=True, name="termination_one_alive").where(
        SQL("status IN ('asked', 'scheduled')")
    )
)


class GiveBack(StateMachine):
    """One licence given back: from ``ends_on`` on it is not charged, and its seat is removed.

    ``number`` remains when the seat is deleted. ``order`` is the order that added the licence,
    where its consumer withdrew from that: then everything paid for it goes back, too. The database
    writes the ``account`` (a trigger).
    """

    event_subject = "give_back"
    moves = GIVE_BACK_MOVES

    group_id: int  # added by Peewee; declared for mypy
    seat_id: int | None
    order_id: int | None

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="give_backs", index=False)
    account = ForeignKeyField(Account, null=True, backref="+", index=False)
    seat = ForeignKeyField(Seat, null=True, backref="+", on_delete="SET NULL")
    number = IntegerField()
    status = CharField(max_length=16, default=TerminationStatus.SCHEDULED)
    ends_on = DateField()
    order = ForeignKeyField(Order, null=True, backref="+", index=False)
    asked_at = MomentField()
    closed_at = MomentField(null=True)

    class Meta:
        constraints = [
            Check("status IN ('scheduled', 'undone', 'ending', 'done')"),
            Check("(closed_at IS NULL) = (status IN ('scheduled', 'ending'))"),
        ]
        indexes = (
            (("group", "status", "ends_on"), False),
            (("account", "status", "ends_on"), False),
        )


GiveBack.add_index(
    GiveBack.index(GiveBack.seat, unique=True, name="give_back_one_alive").where(
        SQL("status IN ('scheduled', 'ending')")
    )
)
