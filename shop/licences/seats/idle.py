"""Licences that are paid for people who never sign in: who they are, and how many a group has.

A licence is idle if its holder has not signed in within `GRACE` of its activation, as the Office
provider tells, and if it is not given back. Where the provider does not tell, nobody is idle.
`Seat.is_idle` and `LicenceGroup.seats_idle` change in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from peewee import SQL, ModelSelect, PostgresqlDatabase

from records.base import database
from records.groups import LicenceGroup
from records.seat_states import SeatStatus
from records.seats import NOT_SIGNED_IN, SIGN_IN_UNKNOWN, Seat
from records.terminations import GIVEN_BACK, GiveBack
from shop import clock
from shop.text.pagination import PER_PAGE, Stretch

GRACE = timedelta(days=30)
"""How long people may take to sign in after the activation of their licence."""

BEHIND = 2**31 - 1
"""More than the number of any seat: where the next group begins."""


# --- Reading ---------------------------------------------------------------------------------


def next_to_ask(group: int, number: int, limit: int) -> list[Seat]:
    """Return seats whose holders had time to sign in, and of whom no sign-in is known.

    They are those of one group that follow seat ``number`` of ``group``, or of a later group.
    """
    after = (Seat.group > group) | (Seat.number > number)
    query = (
        Seat.select()
        .where(SQL(NOT_SIGNED_IN), Seat.active_since <= clock.now() - GRACE)
        .where(Seat.group >= group, after)
        .order_by(Seat.group, Seat.number)
        .limit(limit)
    )
    found = list(query)
    return [seat for seat in found if seat.group_id == found[0].group_id]


def of_group(group: LicenceGroup, after: int = 0) -> Stretch[Seat]:
    """Return idle seats of a group by number, those after a number; one query."""
    query = Seat.select().where(SQL("is_idle"), Seat.group == group, Seat.number > after)
    rows = list(query.order_by(Seat.number).limit(PER_PAGE + 1))
    for row in rows:
        row.group = group
    shown = rows[:PER_PAGE]
    return Stretch(shown, str(shown[-1].number) if len(rows) > PER_PAGE else "")


def unknown_of(group: Any) -> ModelSelect[Seat]:
    """Select the licences in use of whose holders it is unknown whether they ever signed in.

    ``group`` is a number. People who still have time to sign in do not count.
    """
    waiting = Seat.active_since <= clock.now() - GRACE
    return Seat.select(Seat.id).where(SQL(SIGN_IN_UNKNOWN), Seat.group == group, waiting)


# --- Writing ---------------------------------------------------------------------------------


def record_sign_ins(
    group: LicenceGroup, asked: Iterable[Seat], told: Mapping[str, datetime | None]
) -> None:
    """Record what the provider tells of seats of a group: last sign-ins by reference."""
    references = {seat.id: seat.reference for seat in asked}
    signed_in = [user for user, at in told.items() if at is not None]
    never = [user for user, at in told.items() if at is None]
    with database.atomic():
        idle_before = _lock(list(references))
        current = Seat.id.in_(list(references)) & (Seat.status == SeatStatus.ACTIVE)
        Seat.update(has_signed_in=True).where(current, Seat.reference.in_(signed_in)).execute()
        Seat.update(is_idle=False).where(current, Seat.is_idle).execute()
        given_back = GiveBack.select(GiveBack.seat).where(
            GiveBack.seat.in_(list(references)), GiveBack.status.in_(GIVEN_BACK)
        )
        idle = (
            Seat.update(is_idle=True)
            .where(current, Seat.reference.in_(never), Seat.id.not_in(given_back))
            .execute()
        )
        _count(group.id, idle - idle_before, sign_ins_seen_at=clock.now())


def forget(group: LicenceGroup) -> None:
    """Take nobody of a group for idle any more: the provider does not tell."""
    with database.atomic():
        _clear(group.id, Seat.group == group)
        LicenceGroup.update(sign_ins_seen_at=None).where(LicenceGroup.id == group.id).execute()


def leave_out(group: LicenceGroup, seats: list[int]) -> None:
    """Do not call seats idle that are given back, in the caller's transaction."""
    _lock(seats)
    _clear(group.id, Seat.id.in_(seats))


def _clear(group: int, which: Any) -> None:
    cleared = Seat.update(is_idle=False).where(which, SQL("is_idle")).execute()
    if cleared:
        _count(group, -cleared)


def _lock(seats: list[int]) -> int:
    """Lock seats, in the order of all that lock several; return how many of them are idle."""
    query = Seat.select(Seat.is_idle).where(Seat.id.in_(seats), Seat.status == SeatStatus.ACTIVE)
    if isinstance(database.obj, PostgresqlDatabase):
        query = query.order_by(Seat.id).for_update()
    return sum(bool(row[0]) for row in cast("Any", query.tuples()))


def _count(group: int, change: int, **written: Any) -> None:
    LicenceGroup.update(seats_idle=LicenceGroup.seats_idle + change, **written).where(
        LicenceGroup.id == group
    ).execute()
