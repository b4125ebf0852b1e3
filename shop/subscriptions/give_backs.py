"""Single licences given back at the next renewal: no longer charged, and gone at the provider."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import structlog
from peewee import IntegrityError

from records.base import database, lock
from records.groups import Addition, AdditionStatus, GroupStatus, LicenceGroup
from records.seat_states import SeatStatus
from records.seats import Seat
from records.terminations import GiveBack, TerminationStatus
from shop import clock, jobs, mail, transitions
from shop.errors import N_, Conflict, PartyRejected, Refusal
from shop.jobs import kinds
from shop.licences.seats import actions, seat_states
from shop.office.configured import provider
from shop.office.polling import settled_operation
from shop.pricing import periods
from shop.subscriptions import period_billing, subscriptions

log = structlog.get_logger()

IN_TURN = timedelta(seconds=5)
WHILE_SUSPENDED = timedelta(hours=1)
AFTER_REFUSAL = timedelta(hours=1)

ALIVE = (TerminationStatus.SCHEDULED, TerminationStatus.ENDING)


# --- Asking ----------------------------------------------------------------------------------


def for_group(group: LicenceGroup) -> list[GiveBack]:
    """The licences of a group that are given back and not gone yet, by their number."""
    return list(
        GiveBack.select()
        .where(GiveBack.group == group, GiveBack.status.in_(ALIVE))
        .order_by(GiveBack.number)
    )


def ends_of(group: LicenceGroup, numbers: list[int]) -> dict[int, date]:
    """On which day those of the licences of these numbers end that are given back."""
    rows = GiveBack.select(GiveBack.number, GiveBack.ends_on).where(
        GiveBack.group == group, GiveBack.status.in_(ALIVE), GiveBack.number.in_(numbers or [0])
    )
    return {row.number: row.ends_on for row in rows}


def give_back_seats(group: LicenceGroup, numbers: list[int], *, by: str) -> list[GiveBack]:
    """Give back the licences of these numbers at the end of what is charged.

    Raises `Refusal` for numbers the group does not have, where no licence would be left (that is
    terminating the group), and where one is given back already.
    """
    wanted = sorted(set(numbers))
    if not wanted:
        raise Refusal(N_("Choose at least one licence."), "licences")
    try:
        with database.atomic():
            return _given_back(group, wanted, by)
    except IntegrityError:
        raise Conflict(N_("One of these licences is given back already."), "licences") from None


def _given_back(group: LicenceGroup, wanted: list[int], by: str) -> list[GiveBack]:
    subscription = subscriptions.held(group)
    now_is = LicenceGroup.get_by_id(group.id)
    if not now_is.is_open:
        raise Refusal(subscriptions.NOT_RUNNING)
    subscription = period_billing.catch_up(subscription)
    seats = list(Seat.select().where(Seat.group == group, Seat.number.in_(wanted)))
    if len(seats) != len(wanted):
        raise Refusal(N_("The group does not have one of these licences."), "licences")
    period_billing.take_back_ahead(subscription, by=by)
    ends_on = subscriptions.next_end(subscription)
    # Only licences that are there count: those being added may never come.
    if now_is.seats_total - len(for_group(group)) <= len(wanted):
        raise Refusal(
            N_("At least one licence stays in a group. To give back all, terminate the group."),
            "licences",
        )
    now = clock.now()
    for seat in sorted(seats, key=lambda each: each.number):
        row = GiveBack.create(
            group=group, seat=seat, number=seat.number, ends_on=ends_on, asked_at=now
        )
        transitions.record(row, "give_back_scheduled", by=by, to_status=row.status)
    mail.licences_given_back(subscription, wanted, ends_on, now)
    return for_group(group)


def can_be_undone(row: GiveBack, now: datetime | None = None) -> bool:
    """Whether the customer may still keep the licence (24 hours before the renewal)."""
    scheduled = row.status == TerminationStatus.SCHEDULED
    return scheduled and periods.can_be_undone(row.ends_on, now or clock.now())


def undo(group: LicenceGroup, numbers: list[int], *, by: str) -> None:
    """Keep licences that were given back. Raises `Refusal` where one is not, or it is too late."""
    with database.atomic():
        subscription = subscriptions.held(group)
        rows = [row for row in for_group(group) if row.number in set(numbers)]
        if not rows or len(rows) != len(set(numbers)):
            raise Refusal(N_("One of these licences is not given back."), "licences")
        if not all(can_be_undone(row) for row in rows):
            raise Refusal(N_("It is too late to take this back."))
        for row in rows:
            transitions.move(row, TerminationStatus.UNDONE, by=by, closed_at=clock.now())
        mail.give_back_undone(subscription, [row.number for row in rows], clock.now())


# --- The end of their period -----------------------------------------------------------------


def _again(group_id: int, day: str, tries: int) -> None:
    end_seats.using(run_at=clock.now() + AFTER_REFUSAL).later(group=group_id, day=day, tries=tries)


@kinds.end_seats.handler(attempts=100, first_delay=timedelta(seconds=5))
def end_seats(group: int, day: str, tries: int) -> None:
    """Take licences away whose period is over: from their holders, then from the group."""
    row, on = LicenceGroup.get_by_id(group), date.fromisoformat(day)
    rows = [each for each in for_group(row) if each.ends_on <= on]
    if not rows or row.status not in seat_states.ALIVE:
        return
    if row.status == GroupStatus.SUSPENDED:
        raise jobs.Later(WHILE_SUSPENDED)
    _release_holders(rows)
    target = _begun(row, rows)
    key = f"shrink-{row.name}-{day}-{tries}"
    try:
        settled_operation(
            key,
            lambda: provider().resize_tenant(key, row.domain, target),
            since=clock.midnight(on),
        )
    except PartyRejected as refusal:
        log.error("licences could not be taken away", group=row.name, reason=str(refusal))
        _again(group, day, tries + 1)
        return
    _ended(row, rows)


def _release_holders(rows: list[GiveBack]) -> None:
    """Take the licences from whoever still has them. Raises `jobs.Later` until nobody does."""
    held = list(
        Seat.select().where(
            Seat.id.in_([row.seat_id for row in rows]), Seat.status != SeatStatus.UNCONFIGURED
        )
    )
    for seat in held:
        if seat.may("release"):
            try:
                actions.release(seat, seat.version, by="shop")
            except Refusal:
                log.info("a licence moved while it was taken away", seat=seat.id)
    if held:
        raise jobs.Later(IN_TURN)


def _begun(group: LicenceGroup, rows: list[GiveBack]) -> int:
    """How many places the provider is to have. From here on additions wait (sizes are absolute);
    while one is at work, this waits. Raises `jobs.Later`."""
    with database.atomic():
        held = lock(group)
        installing = Addition.select().where(
            Addition.group == group,
            Addition.status == AdditionStatus.INSTALLING,
            Addition.target.is_null(False),
        )
        if installing.exists():
            raise jobs.Later(IN_TURN)
        for row in rows:
            if row.status == TerminationStatus.SCHEDULED:
                transitions.move(row, TerminationStatus.ENDING, by="shop")
        return int(held.seats_total) - len(rows)


def _ended(group: LicenceGroup, rows: list[GiveBack]) -> None:
    with database.atomic():
        lock(group)
        seat_states.remove_seats(group, [row.seat_id for row in rows if row.seat_id])
        for row in rows:
            transitions.move(row, TerminationStatus.DONE, by="provider", closed_at=clock.now())
