"""The states of orders and groups, and their deadlines, as every page shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import JOIN, Case, ModelSelect, fn

from records.accounts import Account
from records.groups import GroupStatus, LicenceGroup
from records.orders import Order
from records.payments import Payment, PaymentStatus
from records.seat_states import SeatStatus
from records.seats import Seat
from records.subscriptions import Subscription
from records.terminations import TERMINATION_ALIVE, GiveBack, Termination, TerminationStatus
from shop import clock
from shop.invoicing import receivables
from shop.pricing import periods
from shop.sql.prepared import prepared
from shop.subscriptions import terminations

UNPAID = "unpaid"
ENDING = "ending"


# --- Orders ------------------------------------------------------------------------------------


def mark_confirming(orders: list[Order]) -> list[Order]:
    """Mark those orders whose payment the bank is confirming (one query, if any is payable)."""
    payable = [order.id for order in orders if order.is_payable]
    processing = Payment.select(Payment.order).where(
        Payment.order.in_(payable), Payment.status == PaymentStatus.PROCESSING
    )
    confirmed = {row.order_id for row in processing} if payable else set()
    for order in orders:
        order.is_confirming = order.id in confirmed
    return orders


def with_confirming(query: ModelSelect[Order]) -> ModelSelect[Order]:
    """Return a query for orders that marks them itself, as `mark_confirming` does."""
    processing = Payment.select(Payment.id).where(
        Payment.order == Order.id, Payment.status == PaymentStatus.PROCESSING
    )
    return query.select_extend(fn.EXISTS(processing).alias("is_confirming"))


@prepared
def orders_of(account: Account, before: int | None = None) -> ModelSelect[Order]:
    """Return the query for a customer's orders with that mark, newest first.

    ``before`` is the id of the order after which it goes on.
    """
    listed = Order.columns_but("customer", "basket")
    query = Order.select(*listed).where(Order.account == account)
    if before is not None:
        query = query.where(Order.id < before)
    return with_confirming(query).order_by(Order.id.desc())


# --- Groups and their services -----------------------------------------------------------------


@dataclass(frozen=True)
class GroupState:
    """A group's status, or that its renewal is unpaid or its end scheduled.

    ``day`` is until when the renewal can be paid, or the day on which the group ends.
    """

    status: str
    day: date | None = None

    @property
    def is_running(self) -> bool:
        """Whether the service runs, and nothing says that it will not go on."""
        return self.status == GroupStatus.INSTALLED

    @property
    def noted_day(self) -> date | None:
        """The day to name beside the status, which names the day of an end itself."""
        return None if self.status == ENDING else self.day

    @property
    def is_unpaid(self) -> bool:
        """Whether a renewal is not paid, and the service not suspended yet."""
        return self.status == UNPAID


def state_of(
    group: LicenceGroup,
    subscription: Subscription | None,
    termination: Termination | None,
    pay_before: date | None,
) -> GroupState:
    """Return the state of a group from its subscription and its termination, if it has them."""
    ends_on = termination.day if termination is not None and termination.is_scheduled else None
    if not group.is_installed:
        return GroupState(group.status)
    if group.is_suspended:
        return GroupState(group.status, ends_on)
    if subscription is not None and subscription.is_past_due:
        return GroupState(UNPAID, pay_before)
    return GroupState(ENDING, ends_on) if ends_on else GroupState(group.status)


def states_by(
    groups: Iterable[LicenceGroup], owed: list[Owed], endings: list[Termination]
) -> dict[int, GroupState]:
    """Return the states of groups by id, from what is unpaid and what ends of their customer."""
    unpaid = {each.group.id: each for each in owed}
    ending = {row.group_id: row for row in endings}
    return {
        group.id: state_of(
            group,
            unpaid[group.id].subscription if group.id in unpaid else None,
            ending.get(group.id),
            unpaid[group.id].pay_before if group.id in unpaid else None,
        )
        for group in groups
    }


# --- Deadlines -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Owed:
    """A service with an unpaid renewal; ``pay_before`` is when it is suspended, if it is not."""

    subscription: Subscription
    pay_before: date | None

    @property
    def group(self) -> LicenceGroup:
        """The group of the service."""
        return self.subscription.group


def owed_by(account: Account) -> list[Owed]:
    """Return a customer's services that are unpaid or suspended (one query)."""
    rows = receivables.unpaid_subscriptions(account)
    return [Owed(row, receivables.pay_before(row)) for row in rows]


def endings_of(account: Account) -> list[Termination]:
    """Return a customer's terminations that are requested or scheduled, the next one first."""
    return _endings.rows(account)


@prepared
def _endings(account: Account) -> ModelSelect[Termination]:
    return (
        Termination.select(Termination, LicenceGroup)
        .join(LicenceGroup)
        .where(Termination.account == account, Termination.status.in_(TERMINATION_ALIVE))
        .order_by(Termination.ends_on, Termination.id)
    )


def confirm_before(termination: Termination) -> datetime:
    """Return until when the link that confirms a termination can be followed."""
    asked_at: datetime = termination.asked_at
    return asked_at + terminations.LINK_LENGTH


def keep_before(day: date) -> datetime | None:
    """Return until when what ends on ``day`` can be kept; None if that is past."""
    return periods.undo_until(day, clock.now())


@dataclass(frozen=True)
class GivenBack:
    """Licences of a group that end on a day; ``unconfigured`` of them have no holder."""

    group: LicenceGroup
    ends_on: date
    number: int
    unconfigured: int


def given_back_by(account: Account) -> list[GivenBack]:
    """Return a customer's licences that are given back, by group and day, the next ones first."""
    rows: Any = _given_back.rows(account)
    return [GivenBack(row.group, row.ends_on, row.number, row.unconfigured or 0) for row in rows]


@prepared
def _given_back(account: Account) -> ModelSelect[GiveBack]:
    free = Case(None, [(Seat.status == SeatStatus.UNCONFIGURED, 1)], 0)
    return (
        GiveBack.select(
            GiveBack.ends_on, LicenceGroup.id, LicenceGroup.name, LicenceGroup.display_name,
            fn.COUNT(GiveBack.id).alias("number"), fn.SUM(free).alias("unconfigured"),
        )
        .join(LicenceGroup)
        .switch(GiveBack)
        .join(Seat, JOIN.LEFT_OUTER)
        .where(
            GiveBack.account == account, GiveBack.status == TerminationStatus.SCHEDULED
        )
        .group_by(GiveBack.ends_on, LicenceGroup.id, LicenceGroup.name, LicenceGroup.display_name)
        .order_by(GiveBack.ends_on, LicenceGroup.id)
    )  # fmt: skip
