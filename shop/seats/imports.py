"""Many seats at once: a file of people looked at first, then configured in the background.

Each chunk of lines is one transaction, which takes the seats, queues their activation and ticks
the lines off: a worker that dies leaves whole chunks behind it, and the next one goes on there.
"""

from __future__ import annotations

from typing import Any, cast

from peewee import JOIN, IntegrityError, PostgresqlDatabase

from models import (
    ImportStatus,
    LicenceGroup,
    Seat,
    SeatImport,
    SeatImportLine,
    SeatStatus,
    database,
    lock,
)
from shop import clock, jobs, pauses, transitions
from shop.errors import N_, Conflict
from shop.seats import acts, files, rules
from shop.seats.rules import InvalidPerson, Person

AT_ONCE = 50
"""Lines of one transaction: other writers wait for it."""

NOT_WHOLE = N_("Three columns are expected: first name, last name, login.")
TWICE = N_("This login stands in the file already.")
NO_SEAT = N_("There is no free licence left for this line.")

Problem = tuple[str, dict[str, object]]
"""What is wrong with a line: a sentence of the catalogue and what fills its places."""

FINE: Problem = ("", {})


# --- Looking at a file -----------------------------------------------------------------------


def prepare(group: LicenceGroup, filename: str, content: bytes) -> SeatImport:
    """Keep a file with what is wrong with each of its lines. Raises `Refusal` at ``file``."""
    lines = files.read(content)
    problems = _problems(group, lines)
    with database.atomic():
        made = SeatImport.create(
            group=group,
            filename=filename[-255:],
            lines_total=len(lines),
            lines_good=sum(problem == FINE for problem in problems),
            created_at=clock.now(),
        )
        rows = [_row(made, line, problem) for line, problem in zip(lines, problems, strict=True)]
        for start in range(0, len(rows), 500):
            SeatImportLine.insert_many(rows[start : start + 500]).execute()
    return made


def _row(made: SeatImport, line: files.Line, problem: Problem) -> dict[str, Any]:
    return {
        "seat_import": made,
        "number": line.number,
        "first_name": line.first_name[:255],
        "last_name": line.last_name[:255],
        "login": line.login[:255],
        "problem": problem[0],
        "details": problem[1],
    }


def _problems(group: LicenceGroup, lines: list[files.Line]) -> list[Problem]:
    """What is wrong with each line, the free seats given out in the file's order."""
    taken = _taken(group, [line.login.lower() for line in lines])
    seen: set[str] = set()
    free, problems = group.seats_unconfigured, []
    for line in lines:
        problem = _problem(line, taken, seen)
        if problem == FINE:
            seen.add(line.login.lower())
            if free <= 0:
                problem = (NO_SEAT, {})
            free -= 1
        problems.append(problem)
    return problems


def _problem(line: files.Line, taken: set[str], seen: set[str]) -> Problem:
    if not line.is_whole:
        return NOT_WHOLE, {}
    try:
        person = rules.read_person(line.first_name, line.last_name, line.login)
    except InvalidPerson as invalid:
        first = invalid.refusals[0]
        return first.sentence, dict(first.values)
    if person.login_key in seen:
        return TWICE, {}
    return (acts.TAKEN, {}) if person.login_key in taken else FINE


def _taken(group: LicenceGroup, logins: list[str]) -> set[str]:
    """Which of the logins somebody in the group has."""
    found: set[str] = set()
    for start in range(0, len(logins), 500):
        query = Seat.select(Seat.login_key).where(
            Seat.group == group, Seat.login_key.in_(logins[start : start + 500])
        )
        found.update(row[0] for row in cast("Any", query.tuples()))
    return found


def find(group: LicenceGroup, import_id: int) -> SeatImport | None:
    """A file of the group."""
    found: SeatImport | None = SeatImport.get_or_none(
        SeatImport.group == group, SeatImport.id == import_id
    )
    return found


def lines_of(made: SeatImport, *, bad: bool = False) -> Any:
    """The lines of a file in its order; only those with a problem, if asked."""
    query = SeatImportLine.select().where(SeatImportLine.seat_import == made)
    if bad:
        query = query.where(SeatImportLine.problem != "")
    return query.order_by(SeatImportLine.number)


# --- Running it ------------------------------------------------------------------------------


def start(made: SeatImport, by: str) -> None:
    """Configure the good lines in the background. Raises `Conflict` if that was asked already."""
    with database.atomic():
        if made.status != ImportStatus.PREVIEW or not transitions.move(
            made, ImportStatus.RUNNING, by=by
        ):
            raise Conflict(N_("This file is being worked on already."))
        jobs.enqueue("import_seats", f"import_seats:{made.id}", seat_import=made.id, by=by)


def abandon(made: SeatImport, by: str) -> None:
    """Do nothing with a file. Raises `Conflict` if it is being worked on."""
    if made.status != ImportStatus.PREVIEW or not transitions.move(
        made, ImportStatus.ABANDONED, by=by
    ):
        raise Conflict(N_("This file is being worked on already."))


@jobs.handles("import_seats", attempts=20)
def import_seats(seat_import: int, by: str) -> None:
    """Configure a seat for each good line, a chunk at a time, wherever an earlier worker ended."""
    while _work_on(seat_import, by):
        pauses.point("imports.chunk")


def _work_on(seat_import: int, by: str) -> bool:
    """Do one chunk; False when nothing is left."""
    try:
        with database.atomic():
            made = lock(SeatImport.get_by_id(seat_import))
            if made.status != ImportStatus.RUNNING:
                return False
            lines = list(_waiting(made).limit(AT_ONCE))
            if not lines:
                transitions.move(made, ImportStatus.DONE, by="shop", finished_at=clock.now())
                return False
            refused = _configure(made.group, lines, by)
            SeatImport.update(
                lines_done=SeatImport.lines_done + len(lines),
                lines_refused=SeatImport.lines_refused + refused,
            ).where(SeatImport.id == made.id).execute()
    except IntegrityError:
        # Somebody took one of the logins just now: looking again will show which.
        pauses.point("imports.again")
    return True


def _waiting(made: SeatImport) -> Any:
    return lines_of(made).where(~SeatImportLine.is_done, SeatImportLine.problem == "")


def _configure(group: LicenceGroup, lines: list[SeatImportLine], by: str) -> int:
    """Configure a seat for each line; how many could not be."""
    free = _free_seats(group, len(lines)) if group.is_open else []
    taken = _taken(group, [line.login.lower() for line in lines])
    refused = 0
    for line in lines:
        problem = _why_not(group, line, taken, free)
        if problem:
            _done(line, problem=problem)
            refused += 1
        else:
            seat = acts.begin_configuration(free.pop(0), _person(line), by)
            _done(line, seat=seat, version=seat.version)
    return refused


def _why_not(group: LicenceGroup, line: SeatImportLine, taken: set[str], free: list[Seat]) -> str:
    if not group.is_open:
        return acts.CLOSED
    if line.login.lower() in taken:
        return acts.TAKEN
    return "" if free else NO_SEAT


def _person(line: SeatImportLine) -> Person:
    return rules.read_person(line.first_name, line.last_name, line.login)


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


# --- How far it is ---------------------------------------------------------------------------


def under_way(made: SeatImport) -> int:
    """How many of its seats the provider is still making."""
    return int(
        SeatImportLine.select()
        .join(Seat)
        .where(
            SeatImportLine.seat_import == made,
            Seat.status == SeatStatus.ACTIVATING,
            Seat.version == SeatImportLine.version,
        )
        .count()
    )


def results(made: SeatImport) -> Any:
    """The lines of a file, each with its seat if it has one, in the file's order."""
    return (
        SeatImportLine.select(SeatImportLine, Seat)
        .join(Seat, JOIN.LEFT_OUTER)
        .where(SeatImportLine.seat_import == made)
        .order_by(SeatImportLine.number)
    )
