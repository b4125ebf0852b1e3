"""Licences that are paid and used by nobody, and what they cost a month.

They are those without a holder, and those whose holder never signed in
(`shop.licences.seats.idle`); without those that are given back. The price is that of the next
renewal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import JOIN, SQL, ModelSelect, fn

from records.accounts import Account
from records.base import database
from records.catalogue import Price
from records.groups import IN_NEED, GroupStatus, LicenceGroup
from records.seat_states import SeatAct, SeatStatus
from records.seats import Seat
from records.subscriptions import Subscription
from records.terminations import GIVEN_BACK, GiveBack, Termination, TerminationStatus
from shop.errors import Refusal
from shop.licences.seats import actions, idle
from shop.sandbox_link import test_points
from shop.subscriptions import give_backs, price_changes


@dataclass(frozen=True)
class Unused:
    """What nobody uses of a group: the licences without a holder, and those of ``idle`` holders.

    ``price_cents`` is what a licence costs a month, excluding VAT; None if the group does not
    renew. ``seen_at`` is when the provider last told who signs in, and ``is_unknown`` whether it
    has not told of everybody.
    """

    unconfigured: int
    idle: int
    price_cents: int | None
    seen_at: datetime | None = None
    is_unknown: bool = False

    @property
    def number(self) -> int:
        """The number of licences that nobody uses."""
        return self.unconfigured + self.idle

    @property
    def cents(self) -> int:
        """What they cost a month, excluding VAT; 0 if the group does not renew."""
        return self.number * (self.price_cents or 0)


def of_group(group: LicenceGroup) -> Unused:
    """Return what nobody uses of a group (one statement)."""
    returned = (
        GiveBack.select(fn.COUNT(GiveBack.id))
        .join(Seat)
        .where(
            GiveBack.group == group.id,
            GiveBack.status.in_(GIVEN_BACK),
            Seat.status == SeatStatus.UNCONFIGURED,
        )
    )
    query: Any = LicenceGroup.select(
        LicenceGroup.seats_unconfigured,
        LicenceGroup.seats_idle,
        LicenceGroup.sign_ins_seen_at,
        returned.alias("returned"),
        _price(group.id).alias("price_cents"),
        fn.EXISTS(idle.unknown_of(group.id)).alias("is_unknown"),
    ).where(LicenceGroup.id == group.id)
    row = query.get()
    return Unused(
        unconfigured=max(0, row.seats_unconfigured - row.returned),
        idle=row.seats_idle,
        price_cents=row.price_cents,
        seen_at=row.sign_ins_seen_at,
        is_unknown=bool(row.is_unknown),
    )


def _price(group: Any) -> ModelSelect[Any]:
    """Select the price of the next renewal of a group: a number, or a column."""
    announced = Price.alias()
    ended = Termination.select().where(
        Termination.group == Subscription.group, Termination.status == TerminationStatus.SCHEDULED
    )
    latest = price_changes.announced_price(Subscription.id, Subscription.period_end)
    return (
        Subscription.select(
            fn.COALESCE(announced.amount_cents, Price.amount_cents).alias("price_cents")
        )
        .join(Price, on=(Price.id == Subscription.price))
        .switch(Subscription)
        .join(announced, JOIN.LEFT_OUTER, on=(announced.id == latest))
        .where(
            Subscription.group == group, Subscription.renews_on.is_null(False), ~fn.EXISTS(ended)
        )
    )


def groups_needing_attention(account: Account, limit: int) -> list[LicenceGroup]:
    """Return installed groups with licences in error or used by nobody, errors first.

    Each has ``price_cents``, that of its next renewal; None if it does not renew (one statement).
    """
    query: Any = (
        LicenceGroup.select(LicenceGroup, _price(LicenceGroup.id).alias("price_cents"))
        .where(
            LicenceGroup.account == account,
            LicenceGroup.status == GroupStatus.INSTALLED,
            SQL(IN_NEED),
        )
        .order_by(LicenceGroup.seats_error.desc(), LicenceGroup.display_name)
    )
    return list(query.limit(limit))


# --- Release and give back -------------------------------------------------------------------


def release_and_give_back(seat: Seat, version: int, *, by: str) -> bool:
    """Take a licence from its holder, and give it back at the end of the period; both or neither.

    Return False where the same form has done so before. Raise `actions.StaleVersion` if the licence
    was changed since, and `Refusal` as `give_backs.give_back_seats` and `actions.release` do.
    """
    test_points.point("unused.release")
    try:
        with database.atomic():
            give_backs.give_back_seats(seat.group, [seat.number], by=by)
            actions.release(seat, version, by=by)
    except Refusal:
        if _was_done(seat, version):
            return False
        raise
    return True


def _was_done(seat: Seat, version: int) -> bool:
    """Return whether a licence was released by the form with that version, and is given back."""
    now: Seat = Seat.get_by_id(seat.id)
    is_released = now.act == SeatAct.RELEASE or now.status == SeatStatus.UNCONFIGURED
    alive = GiveBack.select().where(GiveBack.seat == seat, GiveBack.status.in_(GIVEN_BACK))
    return now.version == version + 1 and is_released and alive.exists()
