"""Licences given back at the next renewal: no longer charged, and removed at the provider."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import structlog
from peewee import IntegrityError

from records.base import database, lock
from records.groups import Addition, AdditionStatus, GroupStatus, LicenceGroup
from records.seat_states import SeatStatus
from records.seats import Seat
from records.terminations import GIVEN_BACK, GiveBack, TerminationStatus
from shop import clock, jobs, mail, transitions
from shop.errors import N_, Conflict, PartyRejected, Refusal
from shop.jobs import kinds
from shop.licences.seats import actions, idle, seat_states
from shop.office.configured import provider
from shop.office.polling import settled_operation
from shop.pricing import periods
from shop.sql.few import planned_for_values
from shop.subscriptions import period_billing, subscriptions

log = structlog.get_logger()

RETRY_BUSY = timedelta(seconds=5)
RETRY_SUSPENDED = timedelta(hours=1)
RETRY_REFUSED = timedelta(hours=1)

ONE_STAYS = N_("At least one licence stays in a group. To give back all, terminate the group.")

ALIVE = GIVEN_BACK


# --- Requests --------------------------------------------------------------------------------


def for_group(group: LicenceGroup) -> list[GiveBack]:
    """Return the licences of a group that are given back and not removed yet, by number."""
    return list(
        GiveBack.select()
        .where(GiveBack.group == group, GiveBack.status.in_(ALIVE))
        .order_by(GiveBack.number)
    )


def end_days(group: LicenceGroup, numbers: list[int]) -> dict[int, date]:
    """Return the day on which each of these licences ends, by number; only those given back."""
    rows = GiveBack.select(GiveBack.number, GiveBack.ends_on).where(
        GiveBack.group == group, GiveBack.status.in_(ALIVE), GiveBack.number.in_(numbers or [0])
    )
    return {row.number: row.ends_on for row in rows}


def give_back_seats(group: LicenceGroup, numbers: list[int], *, by: str) -> list[GiveBack]:
    """Give back the licences with these numbers at the end of the periods already charged.

    Raise `Refusal` for numbers the group does not have, where no licence would be left (which
    requires a termination), and where one is given back already.
    """
    wanted = sorted(set(numbers))
    if not wanted:
        raise Refusal(N_("Choose at least one licence."), "licences")
    try:
        with database.atomic():
            return _schedule(group, wanted, by)
    except IntegrityError:
        raise Conflict(N_("One of these licences is given back already."), "licences") from None


def _schedule(group: LicenceGroup, wanted: list[int], by: str) -> list[GiveBack]:
    subscription = subscriptions.locked_for_group(group)
    current = LicenceGroup.get_by_id(group.id)
    if not current.is_open:
        raise Refusal(subscriptions.NOT_RUNNING)
    subscription = period_billing.catch_up(subscription)
    with planned_for_values():
        seats = list(Seat.select().where(Seat.group == group, Seat.number.in_(wanted)))
    if len(seats) != len(wanted):
        raise Refusal(N_("The group does not have one of these licences."), "licences")
    period_billing.credit_unpaid_ahead(subscription, by=by)
    ends_on = subscriptions.next_end(subscription)
    # Only delivered licences count: an addition under way may fail.
    if current.seats_total - len(for_group(group)) <= len(wanted):
        raise Refusal(ONE_STAYS, "licences")
    now = clock.now()
    for seat in sorted(seats, key=lambda each: each.number):
        row = GiveBack.create(
            group=group, seat=seat, number=seat.number, ends_on=ends_on, asked_at=now
        )
        transitions.record(row, "give_back_scheduled", by=by, to_status=row.status)
    idle.leave_out(group, [seat.id for seat in seats])
    mail.licences_given_back(subscription, wanted, ends_on, now)
    return for_group(group)


def can_be_undone(row: GiveBack, now: datetime | None = None) -> bool:
    """Return whether the customer may still keep the licence (until 24 hours before renewal)."""
    scheduled = row.status == TerminationStatus.SCHEDULED
    return scheduled and periods.can_be_undone(row.ends_on, now or clock.now())


def undo(group: LicenceGroup, numbers: list[int], *, by: str) -> None:
    """Keep licences that were given back. Raise `Refusal` if one was not, or it is too late."""
    with database.atomic():
        subscription = subscriptions.locked_for_group(group)
        rows = [row for row in for_group(group) if row.number in set(numbers)]
        if not rows or len(rows) != len(set(numbers)):
            raise Refusal(N_("One of these licences is not given back."), "licences")
        if not all(can_be_undone(row) for row in rows):
            raise Refusal(N_("It is too late to take this back."))
        for row in rows:
            transitions.move(row, TerminationStatus.UNDONE, by=by, closed_at=clock.now())
        mail.give_back_undone(subscription, [row.number for row in rows], clock.now())


# --- Removal at the end of their period ------------------------------------------------------


def _retry_later(group_id: int, day: str, tries: int) -> None:
    end_seats.using(run_at=clock.now() + RETRY_REFUSED).later(group=group_id, day=day, tries=tries)


@kinds.end_seats.handler(attempts=100, first_delay=timedelta(seconds=5))
def end_seats(group: int, day: str, tries: int) -> None:
    """Remove licences whose period is over: release their holders, then resize the group."""
    row, on = LicenceGroup.get_by_id(group), date.fromisoformat(day)
    # Those of orders that were withdrawn from are removed by `end_withdrawn_seats`.
    rows = [each for each in for_group(row) if each.ends_on <= on and each.order_id is None]
    if not _remove(row, rows, f"shrink-{row.name}-{day}-{tries}", clock.midnight(on)):
        _retry_later(group, day, tries + 1)


@kinds.end_withdrawn_seats.handler(attempts=100, first_delay=timedelta(seconds=5))
def end_withdrawn_seats(order: int, tries: int) -> None:
    """Remove the licences of an order that its consumer withdrew from, as `end_seats` does."""
    rows = list(
        GiveBack.select(GiveBack, LicenceGroup)
        .join(LicenceGroup)
        .where(GiveBack.order == order, GiveBack.status.in_(ALIVE))
        .order_by(GiveBack.number)
    )
    if not rows:
        return
    group = LicenceGroup.get_by_id(rows[0].group_id)
    key = f"withdraw-{group.name}-{order}-{tries}"
    if not _remove(group, rows, key, max(row.asked_at for row in rows)):
        kinds.end_withdrawn_seats.using(run_at=clock.now() + RETRY_REFUSED).later(
            order=order, tries=tries + 1
        )


def _remove(group: LicenceGroup, rows: list[GiveBack], key: str, since: datetime) -> bool:
    """Remove licences, with ``key`` as the idempotency key; return False if that was refused."""
    if not rows or group.status not in seat_states.ALIVE:
        return True
    if group.status == GroupStatus.SUSPENDED:
        raise jobs.Later(RETRY_SUSPENDED)
    _release_holders(rows)
    target = _begin_ending(group, rows)
    try:
        settled_operation(
            key, lambda: provider().resize_tenant(key, group.domain, target), since=since
        )
    except PartyRejected as refusal:
        log.error("licence_removal_refused", group=group.name, reason=str(refusal))
        return False
    _finish(group, rows)
    return True


def _release_holders(rows: list[GiveBack]) -> None:
    """Release the licences that are still in use. Raise `jobs.Later` until all are released."""
    in_use = list(
        Seat.select().where(
            Seat.id.in_([row.seat_id for row in rows]), Seat.status != SeatStatus.UNCONFIGURED
        )
    )
    for seat in in_use:
        if seat.may("release"):
            try:
                actions.release(seat, seat.version, by="shop")
            except Refusal:
                log.info("licence_release_conflict", seat=seat.id)
    if in_use:
        raise jobs.Later(RETRY_BUSY)


def _begin_ending(group: LicenceGroup, rows: list[GiveBack]) -> int:
    """Mark give-backs as ending and return the new size of the group at the provider.

    Sizes are absolute: additions wait from here on. Raise `jobs.Later` while one is being
    installed, or other licences of the group are being removed.
    """
    with database.atomic():
        locked = lock(group)
        installing = Addition.select().where(
            Addition.group == group,
            Addition.status == AdditionStatus.INSTALLING,
            Addition.target.is_null(False),
        )
        others = GiveBack.select().where(
            GiveBack.group == group,
            GiveBack.status == TerminationStatus.ENDING,
            GiveBack.id.not_in([row.id for row in rows]),
        )
        if installing.exists() or others.exists():
            raise jobs.Later(RETRY_BUSY)
        for row in rows:
            if row.status == TerminationStatus.SCHEDULED:
                transitions.move(row, TerminationStatus.ENDING, by="shop")
        return int(locked.seats_total) - len(rows)


def _finish(group: LicenceGroup, rows: list[GiveBack]) -> None:
    with database.atomic():
        lock(group)
        seat_states.remove_seats(group, [row.seat_id for row in rows if row.seat_id])
        for row in rows:
            transitions.move(row, TerminationStatus.DONE, by="provider", closed_at=clock.now())
