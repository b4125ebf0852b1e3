"""The single writer of seats' states: the status with its counters, search keys and usage."""

from __future__ import annotations

from typing import Any

from peewee import Field, ModelUpdate, PostgresqlDatabase, Value

from records.base import database, lock
from records.events import Event
from records.groups import GroupStatus, LicenceGroup
from records.seat_states import SeatAct, SeatStatus
from records.seats import Seat, SeatEvent, SeatKey
from shop import clock, transitions
from shop.licences import usage
from shop.licences.seats import handovers, search_keys
from shop.sql.prepared import prepared_update

ALIVE = (GroupStatus.INSTALLED, GroupStatus.SUSPENDED)


class GroupEnded(Exception):
    """The group has been terminated: its seats can no longer change."""


class SeatsInUse(Exception):
    """A seat that was to be removed has a holder meanwhile; it must be released first."""


def move_seat(
    seat: Seat,
    to: str,
    *,
    by: str,
    note: str = "",
    found_by: set[bytes] | None = None,
    **changes: Any,
) -> bool:
    """Move ``seat`` like `transitions.move`, and update the group's counters and the search keys.

    ``found_by`` are its new keys if its holder changes. Raises `GroupEnded`.
    """
    before, was_idle = seat.status, seat.is_idle
    if was_idle:
        changes["is_idle"] = False
    with database.atomic():
        if not transitions.move(seat, to, by=by, note=note, **changes):
            return False
        _count(seat, before, was_idle)
        if found_by is None:
            search_keys.copy_status(seat)
        else:
            search_keys.replace_keys(seat, found_by, seat.status)
    return True


_COUNTERS: dict[str, Field] = {
    SeatStatus.UNCONFIGURED: LicenceGroup.seats_unconfigured,
    SeatStatus.ACTIVATING: LicenceGroup.seats_activating,
    SeatStatus.ACTIVE: LicenceGroup.seats_active,
    SeatStatus.UPDATING: LicenceGroup.seats_updating,
    SeatStatus.RELEASING: LicenceGroup.seats_releasing,
    SeatStatus.ERROR: LicenceGroup.seats_error,
    SeatStatus.ENDED: LicenceGroup.seats_ended,
}
"""The group's column that counts the seats in each status."""


def _count(seat: Seat, before: str, was_idle: bool) -> None:
    less, more, idle = _COUNTERS[before], _COUNTERS[seat.status], LicenceGroup.seats_idle
    counts: dict[Field, Any] = {less: less - 1, more: more + 1}
    if was_idle:
        counts[idle] = idle - 1
    counted = (
        LicenceGroup.update(counts)
        .where(LicenceGroup.id == seat.group_id, LicenceGroup.status.in_(ALIVE))
        .execute()
    )
    if not counted:
        raise GroupEnded


def consume(seat: Seat, change: int) -> None:
    """Record that the licence became active (+1) or inactive (-1), for the usage history."""
    at = clock.now()
    SeatEvent.insert(group=seat.group_id, seat=seat, at=at, change=change).execute()
    usage.record_change(seat.group_id, at, change)


def end_seats(group: LicenceGroup, *, by: str) -> None:
    """End every seat of a group, in the caller's transaction, which then terminates the group.

    Each seat keeps the names of its last holder, gets its event and is no longer consumed. Called
    before the group's row changes: a single seat's change locks the seat and then its group, too.
    """
    of_group = (Seat.group == group) & (Seat.status != SeatStatus.ENDED)
    lock_seats(of_group)
    at = Value(clock.now(), converter=Event.at.db_value)
    said = [Value(each, converter=False) for each in ("seat", "seat_ended", SeatStatus.ENDED, by)]
    subject, name, to_status, actor = said
    Event.insert_from(
        Seat.select(
            subject, Seat.id, name, Seat.status, to_status, actor, Value("", converter=False), at,
            Value(group.account_id, converter=False),
        ).where(of_group),
        [
            Event.subject, Event.subject_id, Event.name, Event.from_status, Event.to_status,
            Event.by, Event.note, Event.at, Event.account_id,
        ],
    ).execute()  # fmt: skip
    Seat.update(
        status=SeatStatus.ENDED, act=SeatAct.NONE, secret="", error="", error_code="",
        is_idle=False,
    ).where(of_group).execute()  # fmt: skip
    handovers.end_all(Seat.select(Seat.id).where(Seat.group == group))
    SeatKey.update(status=SeatStatus.ENDED).where(SeatKey.group == group).execute()
    counted = dict.fromkeys(_COUNTERS.values(), 0)
    ended = Seat.select().where(Seat.group == group).count()
    LicenceGroup.update(
        {**counted, LicenceGroup.seats_ended: ended, LicenceGroup.seats_idle: 0}
    ).where(LicenceGroup.id == group.id).execute()
    _end_consumption(group)


def lock_seats(which: Any) -> None:
    """Lock seats until the transaction ends; SQLite has locked the whole database already."""
    if isinstance(database.obj, PostgresqlDatabase):
        locked = Seat.select(Seat.id).where(which).order_by(Seat.id).for_update()
        locked.count()


def _end_consumption(group: LicenceGroup) -> None:
    at = clock.now()
    now = Value(at, converter=SeatEvent.at.db_value)
    consumed = Seat.select(Seat.group, Seat.id, now, Value(-1, converter=False)).where(
        Seat.group == group, Seat.reference != ""
    )
    number = consumed.count()
    SeatEvent.insert_from(
        consumed, [SeatEvent.group, SeatEvent.seat, SeatEvent.at, SeatEvent.change]
    ).execute()
    usage.record_change(group.id, at, -number)


AT_ONCE = 1000
"""The most seats that one transaction creates."""


def create_seats(
    group: LicenceGroup, line: Any, first: int, quantity: int, at_once: int = AT_ONCE
) -> None:
    """Create unconfigured seats numbered from ``first``; idempotent: existing seats are kept.

    Raise `GroupEnded` where the group has ended since.
    """
    end = first + quantity
    for start in range(first, end, at_once):
        _make(group, line, start, min(start + at_once, end) - 1)


def _make(group: LicenceGroup, line: Any, first: int, last: int) -> None:
    rows = [{"group": group, "line": line, "number": n} for n in range(first, last + 1)]
    with database.transaction():
        if lock(group).is_over:
            raise GroupEnded
        if made := Seat.add_missing(rows):
            search_keys.create_keys(group, first, last)
            _counted.changed(group.id, made)


@prepared_update
def _counted(group_id: int, made: int) -> ModelUpdate:
    counted = LicenceGroup.seats_unconfigured
    return LicenceGroup.update({counted: counted + made}).where(LicenceGroup.id == group_id)


def remove_seats(group: LicenceGroup, seats: list[int]) -> None:
    """Delete unconfigured seats of a group with their places, in the caller's transaction.

    Raises `SeatsInUse` if one of them is no longer unconfigured.
    """
    removed = (
        Seat.delete()
        .where(Seat.id.in_(seats), Seat.group == group, Seat.status == SeatStatus.UNCONFIGURED)
        .execute()
    )
    if removed != len(seats):
        raise SeatsInUse
    counted, places = LicenceGroup.seats_unconfigured, LicenceGroup.places_taken
    LicenceGroup.update({counted: counted - removed, places: places - removed}).where(
        LicenceGroup.id == group.id, LicenceGroup.status.in_(ALIVE)
    ).execute()
