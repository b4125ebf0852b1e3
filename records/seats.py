"""Seats, their search keys and events, and their number on each day."""

from __future__ import annotations

from peewee import (
    SQL,
    AutoField,
    BigAutoField,
    BlobField,
    BooleanField,
    CharField,
    Check,
    CompositeKey,
    DateField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from records.accounts import Account
from records.base import MomentField, StateMachine, Table, one_of
from records.groups import LicenceGroup
from records.orders import OrderLine
from records.seat_states import (
    ACTS,
    ACTS_AFTER_ERROR,
    MOVING,
    NAMELESS,
    SEAT_MOVES,
    UNCONFIGURED_NAME,
    SeatAct,
    SeatStatus,
)


class Seat(StateMachine):
    """One paid licence of a group; ``number`` counts from 1 within the group.

    ``version`` counts the customer's changes: a form opened with an older version is refused.
    ``reference`` identifies the account at the provider while the licence is consumed (an ended
    seat keeps the last one), and ``creation_key`` the last call that may have created one.
    ``secret`` is an encrypted password, kept until the provider has it and it was e-mailed.
    ``by_…`` are the sort keys of the list of seats. ``active_since`` is when the licence began
    to be consumed, ``has_signed_in`` whether the provider has told since that its holder signed in,
    and ``is_idle`` whether it told that they did not, in time (`shop.licences.seats.idle`).
    """

    event_subject = "seat"
    moves = SEAT_MOVES

    group_id: int  # added by Peewee; declared for mypy
    line_id: int | None

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="seats", index=False)
    line = ForeignKeyField(OrderLine, null=True)
    number = IntegerField()
    status = CharField(max_length=16, default=SeatStatus.UNCONFIGURED)
    first_name = CharField(max_length=255, default="")
    last_name = CharField(max_length=255, default="")
    login = CharField(max_length=20, null=True)
    login_key = CharField(max_length=20, null=True)
    version = IntegerField(default=1)
    act = CharField(max_length=16, default=SeatAct.NONE)
    reference = CharField(max_length=128, default="")
    creation_key = CharField(max_length=64, default="")
    secret = TextField(default="")
    error = CharField(max_length=255, default="")
    error_code = CharField(max_length=32, default="")
    by_first = BlobField(default=NAMELESS)
    by_last = BlobField(default=NAMELESS)
    by_login = BlobField(default=NAMELESS)
    active_since = MomentField(null=True)
    has_signed_in = BooleanField(default=False)
    is_idle = BooleanField(default=False)

    class Meta:
        constraints = [
            one_of("status", SeatStatus),
            one_of("act", SeatAct),
            Check("number > 0"),
            Check("status = 'ended' OR (status = 'unconfigured') = (login_key IS NULL)"),
            Check("(login IS NULL) = (login_key IS NULL)"),
            Check("(act = '') = (status IN ('unconfigured', 'active', 'ended'))"),
            Check("status <> 'active' OR (reference <> '' AND secret = '')"),
            Check("status <> 'unconfigured' OR (reference = '' AND secret = '')"),
            Check("status <> 'ended' OR secret = ''"),
        ]
        indexes = (
            (("group", "number"), True),
            (("group", "login_key"), True),
            (("group", "by_first", "number"), False),
            (("group", "by_last", "number"), False),
            (("group", "by_login", "number"), False),
            (("group", "status", "number"), False),
            (("group", "status", "by_first", "number"), False),
            (("group", "status", "by_last", "number"), False),
            (("group", "status", "by_login", "number"), False),
        )

    @property
    def is_moving(self) -> bool:
        """Whether the provider is working on the seat."""
        return self.status in MOVING

    @property
    def is_in_error(self) -> bool:
        """Whether the provider refused the last action on the seat."""
        return self.status == SeatStatus.ERROR

    @property
    def is_configured(self) -> bool:
        """Whether the seat has a holder, is being given one, or had one when it ended."""
        return self.login is not None

    @property
    def full_name(self) -> str:
        """First and last name of the holder."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def shown_login(self) -> str:
        """The login; until there is one, the name of unconfigured seats (guide)."""
        return str(self.login or UNCONFIGURED_NAME)

    def may(self, act: str) -> bool:
        """Return whether the action ``act`` is allowed in the present status."""
        if self.status == SeatStatus.ERROR:
            return act in ACTS_AFTER_ERROR[self.act]
        return act in ACTS.get(self.status, ())


NOT_SIGNED_IN = "status = 'active' AND NOT has_signed_in"
"""The seats of whose holders no sign-in is known."""

SIGN_IN_UNKNOWN = f"{NOT_SIGNED_IN} AND NOT is_idle"
"""Those of whom it is not known either that they did not sign in."""

Seat.add_index(
    Seat.index(Seat.group, Seat.number, name="seat_not_signed_in").where(SQL(NOT_SIGNED_IN))
)
Seat.add_index(
    Seat.index(Seat.group, Seat.active_since, name="seat_sign_in_unknown").where(
        SQL(SIGN_IN_UNKNOWN)
    )
)
Seat.add_index(Seat.index(Seat.group, Seat.number, name="seat_idle").where(SQL("is_idle")))


class SeatKey(Table):
    """A search key of a seat: the beginning of a name or of the e-mail address, folded.

    Keys are bytes because every database compares bytes alike; a search is one range of them.
    ``status`` repeats the seat's status, so that a filtered search reads only the rows it shows.
    ``account`` is the customer, for a search in all groups; the database writes it (a trigger)
    where the seat has a holder.
    """

    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    seat = ForeignKeyField(Seat, backref="+", on_delete="CASCADE")
    status = CharField(max_length=16)
    key = BlobField()
    account = ForeignKeyField(Account, backref="+", null=True, index=False)

    class Meta:
        primary_key = CompositeKey("group", "key", "seat")
        indexes = ((("group", "status", "key", "seat"), False),)


HAS_HOLDER = "account_id IS NOT NULL"
"""The condition of an index, which queries repeat word for word."""

SeatKey.add_index(
    SeatKey.index(SeatKey.account, SeatKey.key, SeatKey.seat, name="seat_key_of_account").where(
        SQL(HAS_HOLDER)
    )
)


class SeatEvent(Table):
    """The start (+1) or end (-1) of a licence's consumption; never changed, never deleted.

    Written in the transaction of that change; usage is counted from these rows.
    """

    id = BigAutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    seat = ForeignKeyField(Seat, backref="+", null=True, on_delete="SET NULL")
    at = MomentField()
    change = IntegerField()

    class Meta:
        constraints = [Check("change IN (-1, 1)")]
        indexes = ((("group", "at", "id"), False),)


class UsageDay(Table):
    """The active licences of a group on one day (Europe/Paris): the peak, and the number at its
    end.

    A day without a row has the number of the end of the day before. Updated in the transaction of
    each `SeatEvent`, from which it can be recomputed.
    """

    id = BigAutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    day = DateField()
    peak = IntegerField()
    closing = IntegerField()

    class Meta:
        constraints = [Check("closing >= 0"), Check("peak >= closing")]
        indexes = ((("group", "day"), True),)
