"""Running a file of people, in the background.

Each chunk of lines is one transaction, which takes the seats, queues their activation and ticks
the lines off: a worker that dies leaves whole chunks behind it, and the next one goes on there.
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
from shop.licences.seats.import_preview import FINE, NO_SEAT, Problem, read, taken_of
from shop.licences.seats.rules import Person
from shop.sandbox_link import test_points

AT_ONCE = 50
"""Lines of one transaction: other writers wait for it."""

NOT_REACHED = N_("Something went wrong on our side before this line: load it again.")


def _give_up(seat_import: int, by: str, reason: str) -> None:
    """End a file that cannot be worked on, and say so of the lines that were not reached."""
    made = lock(SeatImport.get_by_id(seat_import))
    if made.status != ImportStatus.RUNNING:
        return
    waiting = (SeatImportLine.seat_import == made) & _WAITING
    left = SeatImportLine.update(is_done=True, problem=NOT_REACHED).where(waiting).execute()
    _count(made, left, left)
    _finish(made)


@kinds.import_seats.handler(attempts=20, give_up=_give_up)
def import_seats(seat_import: int, by: str) -> None:
    """Configure a seat for each good line, a chunk at a time, wherever an earlier worker ended."""
    while _work_on(seat_import, by):
        test_points.point("imports.chunk")


_WAITING = ~SeatImportLine.is_done & (SeatImportLine.problem == "")


def _work_on(seat_import: int, by: str) -> bool:
    """Do one chunk; False when nothing is left."""
    with database.atomic():
        made = lock(SeatImport.get_by_id(seat_import))
        if made.status != ImportStatus.RUNNING:
            return False
        waiting = SeatImportLine.select().where(SeatImportLine.seat_import == made, _WAITING)
        lines = list(waiting.order_by(SeatImportLine.number).limit(AT_ONCE))
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
    """Configure a seat for each line; how many could not be."""
    free = _free_seats(group, len(lines)) if group.is_open else []
    people = [read(line) for line in lines]
    taken = taken_of(group, [who.login_key for who in people if isinstance(who, Person)])
    refused = 0
    for line, who in zip(lines, people, strict=True):
        problem = _why_not(group, who, taken, free)
        if problem == FINE and isinstance(who, Person):
            problem = _give(free, line, who, by)
        if problem != FINE:
            _done(line, problem=problem[0], details=problem[1])
            refused += 1
    return refused


def _why_not(
    group: LicenceGroup, who: Person | Problem, taken: set[str], free: list[Seat]
) -> Problem:
    """What stands against a line by now; its rules may be stricter than when it was looked at."""
    if not group.is_open:
        return actions.CLOSED, {}
    if not isinstance(who, Person):
        return who
    if who.login_key in taken:
        return actions.TAKEN, {}
    return FINE if free else (NO_SEAT, {})


def _give(free: list[Seat], line: SeatImportLine, person: Person, by: str) -> Problem:
    """Give the next free seat to a line's person; what stands against it, if anything does."""
    seat = free[0]
    try:
        with database.atomic():
            actions.begin_configuration(seat, person, by, jobs.Priority.BULK)
    except IntegrityError:
        # Somebody took the login after we looked.
        free[0] = _again(seat)
        return actions.TAKEN, {}
    _done(line, seat=seat, version=seat.version)
    free.pop(0)
    return FINE


def _again(seat: Seat) -> Seat:
    """A seat as it stands, after what was written to it was taken back."""
    fresh: Seat = Seat.get_by_id(seat.id)
    fresh.group = seat.group
    return fresh


def _done(line: SeatImportLine, **outcome: Any) -> None:
    SeatImportLine.update(is_done=True, **outcome).where(
        SeatImportLine.seat_import == line.seat_import_id, SeatImportLine.number == line.number
    ).execute()


def _free_seats(group: LicenceGroup, number: int) -> list[Seat]:
    """Unconfigured seats in their order, held until the transaction ends; none that somebody
    else holds."""
    unconfigured = Seat.status == SeatStatus.UNCONFIGURED
    query: Any = Seat.select().where(Seat.group == group, unconfigured)
    query = query.order_by(Seat.number).limit(number)
    if isinstance(database.obj, PostgresqlDatabase):
        query = query.for_update("FOR UPDATE SKIP LOCKED")
    seats = list(query)
    for seat in seats:
        seat.group = group
    return seats
