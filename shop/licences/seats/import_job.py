"""The background job that imports a file of people.

Each chunk of lines is one transaction, which configures the seats, queues their activation and
marks the lines as done. If a worker dies, the next one continues after the last complete chunk.
"""

from __future__ import annotations

from typing import Any

from peewee import IntegrityError, PostgresqlDatabase

from records.base import database, lock
from records.groups import LicenceGroup
from records.imports import ImportStatus, SeatImport, SeatImportLine
from records.seat_states import SeatStatus
from records.seats import Seat
from shop import clock, jobs, transitions
from shop.errors import N_
from shop.jobs import kinds
from shop.licences.seats import actions
from shop.licences.seats.import_preview import (
    NO_FREE_SEAT,
    NO_PROBLEM,
    Problem,
    read_line,
    taken_logins,
)
from shop.licences.seats.rules import Person
from shop.sandbox_link import test_points

CHUNK_SIZE = 50
"""Lines in one transaction; small, because other writers wait for it."""

NOT_REACHED = N_("Something went wrong on our side before this line: load it again.")


def _give_up(seat_import: int, by: str, reason: str) -> None:
    """End an import whose job has failed; mark the lines it did not reach."""
    made = lock(SeatImport.get_by_id(seat_import))
    if made.status != ImportStatus.RUNNING:
        return
    waiting = (SeatImportLine.seat_import == made) & _WAITING
    left = SeatImportLine.update(is_done=True, problem=NOT_REACHED).where(waiting).execute()
    _count(made, left, left)
    _finish(made)


@kinds.import_seats.handler(attempts=20, give_up=_give_up)
def import_seats(seat_import: int, by: str) -> None:
    """Configure a seat for each valid line, chunk by chunk; idempotent, resumes where it ended."""
    while _run_chunk(seat_import, by):
        test_points.point("imports.chunk")


_WAITING = ~SeatImportLine.is_done & (SeatImportLine.problem == "")


def _run_chunk(seat_import: int, by: str) -> bool:
    """Process one chunk; return False when no line is left."""
    with database.atomic():
        made = lock(SeatImport.get_by_id(seat_import))
        if made.status != ImportStatus.RUNNING:
            return False
        waiting = SeatImportLine.select().where(SeatImportLine.seat_import == made, _WAITING)
        lines = list(waiting.order_by(SeatImportLine.number).limit(CHUNK_SIZE))
        if not lines:
            _finish(made)
            return False
        _count(made, len(lines), _configure(made.group, lines, by))
    return True


def _count(made: SeatImport, done: int, refused: int) -> None:
    SeatImport.update(
        lines_done=SeatImport.lines_done + done, lines_refused=SeatImport.lines_refused + refused
    ).where(SeatImport.id == made.id).execute()


def _finish(made: SeatImport) -> None:
    transitions.move(made, ImportStatus.DONE, by="shop", finished_at=clock.now())


def _configure(group: LicenceGroup, lines: list[SeatImportLine], by: str) -> int:
    """Configure a seat for each line; return the number of refused lines."""
    free = _free_seats(group, len(lines)) if group.is_open else []
    people = [read_line(line) for line in lines]
    taken = taken_logins(group, [who.login_key for who in people if isinstance(who, Person)])
    refused = 0
    for line, who in zip(lines, people, strict=True):
        problem = _problem_now(group, who, taken, free)
        if problem == NO_PROBLEM and isinstance(who, Person):
            problem = _configure_line(free, line, who, by)
        if problem != NO_PROBLEM:
            _write_outcome(line, problem=problem[0], details=problem[1])
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


def _configure_line(free: list[Seat], line: SeatImportLine, person: Person, by: str) -> Problem:
    """Configure the next free seat for a line's person; return the problem, if there is one."""
    seat = free[0]
    try:
        with database.atomic():
            actions.begin_configuration(seat, person, by, jobs.Priority.BULK)
    except IntegrityError:
        # Another request took the login after the check.
        free[0] = _reload(seat)
        return actions.LOGIN_TAKEN, {}
    _write_outcome(line, seat=seat, version=seat.version)
    free.pop(0)
    return NO_PROBLEM


def _reload(seat: Seat) -> Seat:
    """Return a fresh copy of a seat, after a rollback."""
    fresh: Seat = Seat.get_by_id(seat.id)
    fresh.group = seat.group
    return fresh


def _write_outcome(line: SeatImportLine, **outcome: Any) -> None:
    SeatImportLine.update(is_done=True, **outcome).where(
        SeatImportLine.seat_import == line.seat_import_id, SeatImportLine.number == line.number
    ).execute()


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
