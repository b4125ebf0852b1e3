"""The background job that imports a file of people: configures a seat for each line."""

from __future__ import annotations

from typing import Any

from peewee import IntegrityError, PostgresqlDatabase

from records.base import database
from records.groups import LicenceGroup
from records.imports import SeatImport, SeatImportLine
from records.seat_states import SeatStatus
from records.seats import Seat
from shop import jobs
from shop.errors import N_
from shop.jobs import kinds
from shop.licences.seats import actions, handovers, line_jobs
from shop.licences.seats.import_preview import NO_FREE_SEAT, read_line, taken_logins
from shop.licences.seats.line_jobs import NO_PROBLEM, Problem
from shop.licences.seats.rules import Person

CHUNK_SIZE = 50
"""Lines in one transaction; small, because other writers wait for it."""

NOT_REACHED = N_("Something went wrong on our side before this line: load it again.")


def _give_up(seat_import: int, by: str, reason: str) -> None:
    """End an import whose job has failed; mark the lines it did not reach."""
    line_jobs.give_up(seat_import, NOT_REACHED)


@kinds.import_seats.handler(attempts=20, give_up=_give_up)
def import_seats(seat_import: int, by: str) -> None:
    """Configure a seat for each valid line, chunk by chunk; idempotent, resumes where it ended."""
    line_jobs.run_lines(seat_import, by, _configure, CHUNK_SIZE)


def _configure(made: SeatImport, lines: list[SeatImportLine], by: str) -> int:
    """Configure a seat for each line; return the number of refused lines."""
    group = made.group
    free = _free_seats(group, len(lines)) if group.is_open else []
    people = [read_line(line) for line in lines]
    taken = taken_logins(group, [who.login_key for who in people if isinstance(who, Person)])
    refused = 0
    for line, who in zip(lines, people, strict=True):
        problem = _problem_now(group, who, taken, free)
        if problem == NO_PROBLEM and isinstance(who, Person):
            problem = _configure_line(made, free, line, who, by)
        if problem != NO_PROBLEM:
            line_jobs.write_refusal(line, problem)
            refused += 1
    return refused


def _problem_now(
    group: LicenceGroup, who: Person | Problem, taken: set[str], free: list[Seat]
) -> Problem:
    """Return the problem of a line, checked again: the group or the rules may have changed."""
    if not group.is_open:
        return actions.GROUP_CLOSED, {}
    if not isinstance(who, Person):
        return who
    if who.login_key in taken:
        return actions.LOGIN_TAKEN, {}
    return NO_PROBLEM if free else (NO_FREE_SEAT, {})


def _configure_line(
    made: SeatImport, free: list[Seat], line: SeatImportLine, person: Person, by: str
) -> Problem:
    """Configure the next free seat for a line's person; return the problem, if there is one."""
    seat = free[0]
    try:
        with database.atomic():
            actions.begin_configuration(seat, person, by, jobs.Priority.BULK)
            handovers.choose_by(made, seat, line.recipient)
    except IntegrityError:
        # Another request took the login after the check.
        free[0] = _reload(seat)
        return actions.LOGIN_TAKEN, {}
    line_jobs.write_outcome(line, seat=seat, version=seat.version)
    free.pop(0)
    return NO_PROBLEM


def _reload(seat: Seat) -> Seat:
    """Return a fresh copy of a seat, after a rollback."""
    fresh: Seat = Seat.get_by_id(seat.id)
    fresh.group = seat.group
    return fresh


def _free_seats(group: LicenceGroup, number: int) -> list[Seat]:
    """Return unconfigured seats by number, locked until the transaction ends.

    Seats that another transaction has locked are skipped.
    """
    unconfigured = Seat.status == SeatStatus.UNCONFIGURED
    query: Any = Seat.select().where(Seat.group == group, unconfigured)
    query = query.order_by(Seat.number).limit(number)
    if isinstance(database.obj, PostgresqlDatabase):
        query = query.for_update("FOR UPDATE SKIP LOCKED")
    seats = list(query)
    for seat in seats:
        seat.group = group
    return seats
