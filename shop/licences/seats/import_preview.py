"""Many seats at once: a file of people, looked at before anything is configured, and what became
of it. `shop.licences.seats.import_job` runs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from peewee import JOIN, fn

from records.base import database
from records.batches import in_batches
from records.groups import LicenceGroup
from records.imports import ImportStatus, SeatImport, SeatImportLine
from records.seat_states import SeatStatus
from records.seats import Seat
from shop import clock, transitions
from shop.errors import N_, Conflict, Refusal
from shop.jobs import kinds
from shop.licences.seats import actions, csv_reader, rules
from shop.licences.seats.rules import InvalidPerson, Person

NOT_WHOLE = N_("Three columns are expected: first name, last name, login.")
TWICE = N_("This login stands in the file already.")
NO_SEAT = N_("There is no free licence left for this line.")

LATEST = 5
"""How many of a group's files are listed."""

Problem = tuple[str, dict[str, object]]
"""What is wrong with a line: a sentence of the catalogue and what fills its places."""

FINE: Problem = ("", {})


# --- Looking at a file -----------------------------------------------------------------------


def prepare(group: LicenceGroup, filename: str, content: bytes) -> SeatImport:
    """Keep a file with what is wrong with each of its lines. Raises `Refusal` at ``file``."""
    if not group.is_open:
        raise Refusal(actions.CLOSED, "file")
    lines = csv_reader.read(content)
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
        for start_import in range(0, len(rows), 500):
            SeatImportLine.insert_many(rows[start_import : start_import + 500]).execute()
    return made


def _row(made: SeatImport, line: csv_reader.Line, problem: Problem) -> dict[str, Any]:
    return {
        "seat_import": made,
        "number": line.number,
        "first_name": line.first_name[:255],
        "last_name": line.last_name[:255],
        "login": line.login[:255],
        "problem": problem[0],
        "details": problem[1],
    }


def _problems(group: LicenceGroup, lines: list[csv_reader.Line]) -> list[Problem]:
    """What is wrong with each line, the free seats given out in the file's order."""
    people = [read(line) if line.is_whole else (NOT_WHOLE, {}) for line in lines]
    taken = taken_of(group, [who.login_key for who in people if isinstance(who, Person)])
    free, problems = group.seats_unconfigured, []
    seen: set[str] = set()
    for who in people:
        problem = _problem(who, taken, seen)
        if problem == FINE:
            if free <= 0:
                problem = (NO_SEAT, {})
            free -= 1
        problems.append(problem)
    return problems


def read(line: csv_reader.Line | SeatImportLine) -> Person | Problem:
    """Whom a line is of, or what is wrong with it as it stands."""
    try:
        return rules.read_person(line.first_name, line.last_name, line.login)
    except InvalidPerson as invalid:
        first = invalid.refusals[0]
        return first.sentence, dict(first.values)


def _problem(who: Person | Problem, taken: set[str], seen: set[str]) -> Problem:
    """What stands against it among the others; logins are compared as the seats' index does."""
    if not isinstance(who, Person):
        return who
    if who.login_key in seen:
        return TWICE, {}
    if who.login_key in taken:
        return actions.TAKEN, {}
    seen.add(who.login_key)
    return FINE


def taken_of(group: LicenceGroup, login_keys: list[str]) -> set[str]:
    """Which of the logins, as they are compared, somebody in the group has."""
    found: set[str] = set()
    for start_import in range(0, len(login_keys), 500):
        query = Seat.select(Seat.login_key).where(
            Seat.group == group, Seat.login_key.in_(login_keys[start_import : start_import + 500])
        )
        found.update(row[0] for row in cast("Any", query.tuples()))
    return found


def find_import(group: LicenceGroup, import_id: int) -> SeatImport | None:
    """A file of the group."""
    return SeatImport.get_or_none(SeatImport.group == group, SeatImport.id == import_id)


def latest_of(group: LicenceGroup) -> list[SeatImport]:
    """The newest files of a group, whatever became of them."""
    query = SeatImport.select().where(SeatImport.group == group)
    return list(query.order_by(SeatImport.id.desc()).limit(LATEST))


def running_of(group: LicenceGroup) -> SeatImport | None:
    """The file of the group that is being worked on, if there is one."""
    return (
        SeatImport.select(SeatImport.id)
        .where(SeatImport.group == group, SeatImport.status == ImportStatus.RUNNING)
        .order_by(SeatImport.id.desc())
        .first()
    )


# --- What is done with it --------------------------------------------------------------------


def start_import(made: SeatImport, by: str) -> None:
    """Configure the good lines in the background.

    Raises `Conflict` if that was asked already, `Refusal` where nothing can be configured now.
    """
    if not LicenceGroup.get_by_id(made.group_id).is_open:
        raise Refusal(actions.CLOSED)
    with database.atomic():
        if made.status != ImportStatus.PREVIEW or not transitions.move(
            made, ImportStatus.RUNNING, by=by
        ):
            raise Conflict(N_("This file is being worked on already."))
        key = f"import_seats:{made.id}"
        kinds.import_seats.using(key=key).later(seat_import=made.id, by=by)


def abandon(made: SeatImport, by: str) -> None:
    """Do nothing with a file. Raises `Conflict` if it is being worked on."""
    if made.status != ImportStatus.PREVIEW or not transitions.move(
        made, ImportStatus.ABANDONED, by=by
    ):
        raise Conflict(N_("This file is being worked on already."))


# --- What became of it -----------------------------------------------------------------------

_AS_MADE = Seat.version == SeatImportLine.version
_FAILED = _AS_MADE & (Seat.status == SeatStatus.ERROR)


def standing(made: SeatImport) -> dict[str, int]:
    """How many of its seats stand in each status; those changed by hand since are not counted."""
    rows = (
        SeatImportLine.select(Seat.status, fn.COUNT(Seat.id))
        .join(Seat)
        .where(SeatImportLine.seat_import == made, _AS_MADE)
        .group_by(Seat.status)
        .tuples()
    )
    return dict(cast("Any", rows))


def results(made: SeatImport, *, bad: bool = False) -> Any:
    """The lines of a file in its order, each with its seat if it has one; only those that came to
    nothing, if asked."""
    query = (
        SeatImportLine.select(SeatImportLine, Seat)
        .join(Seat, JOIN.LEFT_OUTER)
        .where(SeatImportLine.seat_import == made)
    )
    if bad:
        query = query.where((SeatImportLine.problem != "") | _FAILED)
    return query.order_by(SeatImportLine.number)


def every_result(made: SeatImport) -> Iterator[SeatImportLine]:
    """All lines of a file in its order, read in batches."""
    return in_batches(results(made), SeatImportLine.number)
