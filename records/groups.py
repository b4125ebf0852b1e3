"""Licence groups, and licences added to existing groups."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    SQL,
    AutoField,
    BlobField,
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
from records.catalogue import Offer
from records.orders import OrderLine
from records.seat_states import SeatStatus


class GroupStatus(StrEnum):
    """The status of a licence group."""

    INSTALLING = "installing"
    INSTALLED = "installed"
    INSTALL_FAILED = "install_failed"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    CANCELLED = "cancelled"


GROUP_MOVES: dict[str, set[str]] = {
    GroupStatus.INSTALLING: {GroupStatus.INSTALLED, GroupStatus.INSTALL_FAILED},
    GroupStatus.INSTALL_FAILED: {GroupStatus.INSTALLING, GroupStatus.CANCELLED},
    GroupStatus.INSTALLED: {GroupStatus.SUSPENDED, GroupStatus.TERMINATED},
    GroupStatus.SUSPENDED: {GroupStatus.INSTALLED, GroupStatus.TERMINATED},
    GroupStatus.TERMINATED: set(),
    GroupStatus.CANCELLED: set(),
}

GROUPS_OVER = (GroupStatus.TERMINATED, GroupStatus.CANCELLED)


class LicenceGroup(StateMachine):
    """A group of licences of one offer (the guide also says "service").

    ``places_taken`` counts seats and the places that pending orders hold. ``places_limit`` is the
    limit of the offer when licences were last ordered for the group (guide: Business, 300), and a
    CHECK enforces it: a limit that is lowered takes nothing from it. ``seats_…`` count the seats in
    each status and are updated in the transaction that changes one, so that a page of a group of
    100,000 costs what a page of 100 costs. ``last_number`` is the last seat number used. ``folded``
    is the search key of the group's names (`shop.licences.seats.search_keys`).
    ``people_blanked_at`` is when the names of its licence holders were deleted, after its end
    (`shop.personal_data`). ``seats_idle`` counts the idle ones (`shop.licences.seats.idle`); the
    provider told of some at ``sign_ins_seen_at``, empty if it does not tell.
    """

    event_subject = "group"
    moves = GROUP_MOVES

    account_id: int  # added by Peewee; declared for mypy
    line_id: int
    offer_id: str

    id = AutoField()
    account = ForeignKeyField(Account, backref="groups")
    line = ForeignKeyField(OrderLine, unique=True)
    offer = ForeignKeyField(Offer)
    name = CharField(max_length=64, unique=True)
    domain = CharField(max_length=128, unique=True)
    display_name = CharField(max_length=255)
    folded = TextField(default="")
    status = CharField(max_length=16, default=GroupStatus.INSTALLING)
    places_taken = IntegerField()
    places_limit = IntegerField(null=True)
    tries = IntegerField(default=1)
    error = CharField(max_length=255, default="")
    created_at = MomentField()
    installed_at = MomentField(null=True)
    last_number = IntegerField(default=0)
    seats_unconfigured = IntegerField(default=0)
    seats_activating = IntegerField(default=0)
    seats_active = IntegerField(default=0)
    seats_updating = IntegerField(default=0)
    seats_releasing = IntegerField(default=0)
    seats_error = IntegerField(default=0)
    seats_ended = IntegerField(default=0)
    people_blanked_at = MomentField(null=True)
    seats_idle = IntegerField(default=0)
    sign_ins_seen_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", GroupStatus),
            Check("places_taken >= 0"),
            Check("places_limit IS NULL OR places_taken <= places_limit"),
            Check("seats_unconfigured >= 0 AND seats_activating >= 0 AND seats_active >= 0"),
            Check("seats_updating >= 0 AND seats_releasing >= 0 AND seats_error >= 0"),
            Check("seats_ended >= 0"),
            Check("seats_idle >= 0"),
            Check(
                "status IN ('terminated', 'cancelled') OR seats_unconfigured + seats_activating "
                "+ seats_active + seats_updating + seats_releasing + seats_error <= places_taken"
            ),
        ]
        indexes = (
            (("account", "display_name"), False),
            (("account", "status", "offer", "display_name"), False),
        )

    @property
    def seats_by_status(self) -> dict[str, int]:
        """Number of seats in each status."""
        return {
            SeatStatus.UNCONFIGURED: self.seats_unconfigured,
            SeatStatus.ACTIVATING: self.seats_activating,
            SeatStatus.ACTIVE: self.seats_active,
            SeatStatus.UPDATING: self.seats_updating,
            SeatStatus.RELEASING: self.seats_releasing,
            SeatStatus.ERROR: self.seats_error,
            SeatStatus.ENDED: self.seats_ended,
        }

    @property
    def counts_shown(self) -> dict[str, int]:
        """Number of seats by the statuses they can have: `ended` alone once the group is over."""
        return {
            status: number
            for status, number in self.seats_by_status.items()
            if (status == SeatStatus.ENDED) == self.is_over
        }

    @property
    def seats_total(self) -> int:
        """Number of seats; places held by unpaid orders do not count."""
        return sum(self.seats_by_status.values())

    @property
    def licences_shown(self) -> int:
        """Number of licences on pages: until the group is installed those ordered, then its seats.

        A group whose installation failed has none.
        """
        return self.seats_total if self.is_settled else self.places_taken

    @property
    def places_free(self) -> int | None:
        """Number of licences that may still be ordered; None where there is no limit."""
        return None if self.limit is None else max(self.limit - self.places_taken, 0)

    @property
    def limit(self) -> int | None:
        """The most licences to which it may grow: the limit that its offer has now, if any."""
        limit: int | None = self.offer.places_limit
        return limit

    @property
    def is_settled(self) -> bool:
        """Whether the installation is finished, successful or not."""
        return self.status != GroupStatus.INSTALLING

    @property
    def is_over(self) -> bool:
        """Whether the group was terminated, or cancelled before it was installed."""
        return self.status in GROUPS_OVER

    @property
    def is_installed(self) -> bool:
        """Whether the group was installed and has not ended; true while it is suspended."""
        return self.status in {GroupStatus.INSTALLED, GroupStatus.SUSPENDED}

    @property
    def is_install_failed(self) -> bool:
        """Whether the installation failed and can be retried."""
        return self.status == GroupStatus.INSTALL_FAILED

    @property
    def is_suspended(self) -> bool:
        """Whether the group is suspended: until it is paid, or by the operator."""
        return self.status == GroupStatus.SUSPENDED

    @property
    def is_terminated(self) -> bool:
        """Whether the group ended after it was installed."""
        return self.status == GroupStatus.TERMINATED

    @property
    def is_cancelled(self) -> bool:
        """Whether the group was cancelled before it was installed."""
        return self.status == GroupStatus.CANCELLED

    @property
    def is_open(self) -> bool:
        """Whether its licences may be changed and more of them ordered."""
        return self.status == GroupStatus.INSTALLED


IN_NEED = "(seats_error > 0 OR seats_unconfigured > 0 OR seats_idle > 0)"
"""The condition of an index, which queries repeat word for word."""

LicenceGroup.add_index(
    LicenceGroup.index(
        LicenceGroup.account, LicenceGroup.status, LicenceGroup.seats_error.desc(),
        LicenceGroup.display_name, name="licence_group_in_need",
    ).where(SQL(IN_NEED))
)  # fmt: skip

WITH_PEOPLE = "people_blanked_at IS NULL AND status IN ('terminated', 'cancelled')"
"""The condition of an index, which queries repeat word for word."""

LicenceGroup.add_index(
    LicenceGroup.index(LicenceGroup.id, name="licence_group_with_people").where(SQL(WITH_PEOPLE))
)
LicenceGroup.add_index(
    LicenceGroup.index(LicenceGroup.account, LicenceGroup.id, name="licence_group_of_account")
)


class GroupKey(Table):
    """A text that a customer finds a group by, folded (`shop.licences.group_keys`).

    A search is one range of keys, whatever the number of the customer's groups.
    """

    account = ForeignKeyField(Account, backref="+", index=False)
    key = BlobField()
    group = ForeignKeyField(LicenceGroup, backref="+", on_delete="CASCADE")

    class Meta:
        primary_key = CompositeKey("account", "key", "group")


class LicenceCount(Table):
    """Licences of a customer's running groups, in one of the parts that add up to their number.

    A trigger adds each change of a group to the ``part`` of its own connection: the server process
    on PostgreSQL; 0 on SQLite, where one transaction writes at a time. So transactions that change
    groups of one customer, in whatever order, do not wait for each other here: nor may they for
    the account's row, which a foreign key would lock. `shop.licences.counts` adds the parts up.
    """

    account_id = IntegerField()
    part = IntegerField()
    total = IntegerField()
    used = IntegerField()
    free = IntegerField()
    in_error = IntegerField()

    class Meta:
        primary_key = CompositeKey("account_id", "part")


LicenceCount.add_index(
    LicenceCount.index(LicenceCount.account_id, name="licence_count_parts").where(
        LicenceCount.part != 0
    )
)


class AdditionStatus(StrEnum):
    """The status of licences added to an existing group."""

    HELD = "held"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"
    FREED = "freed"


ADDITION_MOVES: dict[str, set[str]] = {
    AdditionStatus.HELD: {AdditionStatus.INSTALLING, AdditionStatus.FREED},
    AdditionStatus.INSTALLING: {AdditionStatus.INSTALLED, AdditionStatus.FAILED},
    AdditionStatus.FAILED: {AdditionStatus.INSTALLING, AdditionStatus.FREED},
    AdditionStatus.INSTALLED: set(),
    AdditionStatus.FREED: set(),
}


class Addition(StateMachine):
    """Licences of an order line that are added to an existing group; one line, one group, once.

    Its places count in the group from the order on, until they are released. They are charged up to
    ``renewal_on``, from ``delivered_on`` (the day of ``installed_at`` in Paris) at the earliest.
    ``target`` is the number of seats requested from the provider, and
    ``first_number`` the first of the seats created.
    """

    event_subject = "addition"
    moves = ADDITION_MOVES

    line_id: int  # added by Peewee; declared for mypy
    group_id: int

    id = AutoField()
    line = ForeignKeyField(OrderLine, unique=True, backref="+")
    group = ForeignKeyField(LicenceGroup, backref="additions")
    status = CharField(max_length=16, default=AdditionStatus.HELD)
    renewal_on = DateField()
    target = IntegerField(null=True)
    first_number = IntegerField(null=True)
    tries = IntegerField(default=1)
    error = CharField(max_length=255, default="")
    created_at = MomentField()
    installed_at = MomentField(null=True)
    delivered_on = DateField(null=True)

    class Meta:
        constraints = [one_of("status", AdditionStatus), Check("tries > 0")]
        indexes = ((("group", "status"), False),)
