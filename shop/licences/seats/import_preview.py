"""Import of a file of people: the preview before anything is configured, start and results.

Start and results are those of selections (`shop.licences.seats.selections`), too.
`shop.licences.seats.import_job` runs the import of a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from peewee import JOIN, fn

from records.base import database
from records.batches import in_batches
from records.groups import LicenceGroup
from records.imports import ImportAct, ImportStatus, SeatImport, SeatImportLine, SendTo
from records.seat_states import SeatStatus
from records.seats import Seat
from shop import clock, transitions
from shop.errors import N_, Conflict, Refusal
from shop.jobs import kinds
from shop.jobs.tasks import Task
from shop.licences.seats import actions, csv_reader, handovers, rules
from shop.licences.seats.line_jobs import NO_PROBLEM, Problem
from shop.licences.seats.rules import InvalidPerson, Person

WRONG_COLUMNS = N_("Three columns are expected: first name, last name, login.")
DUPLICATE_LOGIN = N_("This login stands in the file already.")
OTHER_DOMAIN = "other_domain"
"""The detail of a line whose login is what stands before the @ of an address at that domain."""
REFUSED_FORMERLY = (
    N_("This address ends with @%(typed)s; those of this group end with @%(domain)s."),
)
"""Problems of lines of former files, which are still shown."""
NO_FREE_SEAT = N_("There is no free licence left for this line.")

LATEST = 5
"""The number of a group's imports that are listed."""

ALREADY = N_("This file is being worked on already.")
SELECTION_ALREADY = N_("These licences are being worked on already, or were left.")


# --- Preview ---------------------------------------------------------------------------------


def prepare_import(group: LicenceGroup, filename: str, content: bytes) -> SeatImport:
    """Store a file with the problem of each line. Raises `Refusal` at ``file``."""
    if not group.is_open:
        raise Refusal(actions.GROUP_CLOSED, "file")
    csv_reader.check_name(filename)
    read = [_without_domain(line, group) for line in csv_reader.read_people(content)]
    problems = _problems(group, [line for line, _ in read])
    with database.atomic():
        made = SeatImport.create(
            group=group,
            filename=filename[-255:],
            lines_total=len(read),
            lines_good=sum(problem == NO_PROBLEM for problem in problems),
            created_at=clock.now(),
        )
        rows = [
            _row(made, line, problem if problem != NO_PROBLEM else (problem[0], told))
            for (line, told), problem in zip(read, problems, strict=True)
        ]
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
        "recipient": handovers.address_for(line.recipient, made.group),
        "problem": problem[0],
        "details": problem[1],
    }


def _without_domain(
    line: csv_reader.Line, group: LicenceGroup
) -> tuple[csv_reader.Line, dict[str, object]]:
    """Return a line with the login alone where it holds a whole address, and what to tell of it.

    A directory has the addresses of a company: their domain is not the group's, and is told.
    """
    login, at, domain = line.login.rpartition("@")
    if not at or not domain:
        return line, {}
    is_other = domain.casefold() != group.domain.casefold()
    return replace(line, login=login), {OTHER_DOMAIN: domain} if is_other else {}


def _of_line(line: csv_reader.Line) -> Person | Problem:
    """Return the person that a line of a file describes, or the line's own problem."""
    if not line.is_whole:
        return WRONG_COLUMNS, {}
    return read_line(line)


def _problems(group: LicenceGroup, lines: list[csv_reader.Line]) -> list[Problem]:
    """Return the problem of each line; free seats are allotted in the order of the file."""
    people = [_of_line(line) for line in lines]
    taken = taken_logins(group, [who.login_key for who in people if isinstance(who, Person)])
    free, problems = group.seats_unconfigured, []
    seen: set[str] = set()
    for who in people:
        problem = _problem(who, taken, seen)
        if problem == NO_PROBLEM:
            if free <= 0:
                problem = (NO_FREE_SEAT, {})
            free -= 1
        problems.append(problem)
    return problems


def read_line(line: csv_reader.Line | SeatImportLine) -> Person | Problem:
    """Return the person that a line describes, or the line's own problem."""
    try:
        return rules.read_person(line.first_name, line.last_name, line.login)
    except InvalidPerson as invalid:
        first = invalid.refusals[0]
        return first.sentence, dict(first.values)


def _problem(who: Person | Problem, taken: set[str], seen: set[str]) -> Problem:
    """Return the problem of a person among the others.

    Logins are compared as the unique index of seats compares them.
    """
    if not isinstance(who, Person):
        return who
    if who.login_key in seen:
        return DUPLICATE_LOGIN, {}
    if who.login_key in taken:
        return actions.LOGIN_TAKEN, {}
    seen.add(who.login_key)
    return NO_PROBLEM


def taken_logins(group: LicenceGroup, login_keys: list[str]) -> set[str]:
    """Return those of the login keys that a seat of the group already has."""
    found: set[str] = set()
    for start_import in range(0, len(login_keys), 500):
        query = Seat.select(Seat.login_key).where(
            Seat.group == group, Seat.login_key.in_(login_keys[start_import : start_import + 500])
        )
        found.update(row[0] for row in cast("Any", query.tuples()))
    return found


def find_import(group: LicenceGroup, import_id: int) -> SeatImport | None:
    """Return an import of a file, or an act on a selection, of the group; None if not found."""
    return SeatImport.get_or_none(SeatImport.group == group, SeatImport.id == import_id)


def latest_of(group: LicenceGroup) -> list[SeatImport]:
    """Return the newest imports of files into a group, in any status."""
    of_files = SeatImport.act == ImportAct.CONFIGURE
    query = SeatImport.select().where(SeatImport.group == group, of_files)
    return list(query.order_by(SeatImport.id.desc()).limit(LATEST))


def running_of(group: LicenceGroup) -> SeatImport | None:
    """Return the running import of the group, or the running act on a selection, if any."""
    return (
        SeatImport.select(SeatImport.id, SeatImport.act, SeatImport.status)
        .where(SeatImport.group == group, SeatImport.status == ImportStatus.RUNNING)
        .order_by(SeatImport.id.desc())
        .first()
    )


# --- Start -----------------------------------------------------------------------------------


JOBS: dict[str, Task[...]] = {
    ImportAct.CONFIGURE: kinds.import_seats,
    ImportAct.RELEASE: kinds.act_on_seats,
    ImportAct.PASSWORD: kinds.act_on_seats,
    ImportAct.GIVE_BACK: kinds.give_seats_back,
}
"""The job that processes the lines of each act."""


def start_import(made: SeatImport, by: str, send_to: str = SendTo.ME) -> None:
    """Queue the work on the valid lines; ``send_to`` says who gets the passwords that it makes.

    Raises `Conflict` if it was started before, `Refusal` if the group cannot be changed now.
    """
    if not LicenceGroup.get_by_id(made.group_id).is_open:
        raise Refusal(actions.GROUP_CLOSED)
    with database.atomic():
        _leave_preview(made, ImportStatus.RUNNING, by, send_to=send_to)
        job = JOBS[made.act]
        job.using(key=f"{job.kind}:{made.id}").later(made.id, by)


def abandon_import(made: SeatImport, by: str) -> None:
    """Discard an import or a selection. Raises `Conflict` if it was started before."""
    _leave_preview(made, ImportStatus.ABANDONED, by)


def _leave_preview(made: SeatImport, to: str, by: str, **changes: str) -> None:
    if not made.is_preview or not transitions.move(made, to, by=by, **changes):
        raise Conflict(ALREADY if made.is_of_file else SELECTION_ALREADY)


# --- Results ---------------------------------------------------------------------------------

_UNCHANGED = Seat.version == SeatImportLine.version
_FAILED = SeatImportLine.is_done & _UNCHANGED & (Seat.status == SeatStatus.ERROR)


def count_seats_by_status(made: SeatImport) -> dict[str, int]:
    """Return the number of seats done in each status, without those changed by hand since."""
    rows = (
        SeatImportLine.select(Seat.status, fn.COUNT(Seat.id))
        .join(Seat)
        .where(SeatImportLine.seat_import == made, SeatImportLine.is_done, _UNCHANGED)
        .group_by(Seat.status)
        .tuples()
    )
    return dict(cast("Any", rows))


def count_recipients(made: SeatImport) -> int:
    """Return the number of valid lines with an e-mail address of the person."""
    lines = SeatImportLine.select().where(
        SeatImportLine.seat_import == made,
        SeatImportLine.problem == "",
        SeatImportLine.recipient != "",
    )
    return int(lines.count())


def results_of(made: SeatImport, *, bad: bool = False) -> Any:
    """Return the lines in their order, each with its seat if it has one.

    With ``bad``, only the lines that were refused or whose seat is in error.
    """
    query = (
        SeatImportLine.select(SeatImportLine, Seat)
        .join(Seat, JOIN.LEFT_OUTER)
        .where(SeatImportLine.seat_import == made)
    )
    if bad:
        query = query.where((SeatImportLine.problem != "") | _FAILED)
    return query.order_by(SeatImportLine.number)


def all_results(made: SeatImport) -> Iterator[SeatImportLine]:
    """Yield all lines in their order, read in batches."""
    return in_batches(results_of(made), SeatImportLine.number)
