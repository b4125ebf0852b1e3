"""A selection of seats that are given back at the end of the period charged."""

from __future__ import annotations

from collections.abc import Iterable

from records.base import database
from records.groups import LicenceGroup
from records.imports import ImportAct, SeatImport, SeatImportLine
from records.seats import Seat
from shop.errors import N_, Refusal
from shop.jobs import kinds
from shop.licences.seats import line_jobs, selection_job, selections
from shop.licences.seats.line_jobs import NO_PROBLEM, Problem
from shop.subscriptions import give_backs, subscriptions

CHUNK_SIZE = 1000
"""Seats given back in one transaction, which one e-mail lists."""

GIVEN_BACK = N_("This licence is given back already.")


def prepare(group: LicenceGroup, numbers: Iterable[int]) -> SeatImport:
    """Keep which seats are to be given back, for the customer to confirm.

    Those given back already, and numbers that the group does not have, are kept with the reason.
    Raise `Refusal` where nothing is selected, the service does not run, or no licence would stay.
    """
    if not group.is_open:
        raise Refusal(subscriptions.NOT_RUNNING)
    returned = {row.seat_id for row in give_backs.for_group(group)}
    with database.atomic():
        made = selections.keep(
            group, ImportAct.GIVE_BACK, numbers, lambda seat: _problem_of(seat, returned)
        )
        if made.lines_good >= group.seats_total - len(returned):
            raise Refusal(give_backs.ONE_STAYS)
    return made


def _problem_of(seat: Seat, returned: set[int | None]) -> Problem:
    return (GIVEN_BACK, {}) if seat.id in returned else NO_PROBLEM


def _give_up(seat_import: int, by: str, reason: str) -> None:
    """End a selection whose job has failed; mark the seats it did not reach."""
    line_jobs.give_up(seat_import, selection_job.NOT_REACHED)


@kinds.give_seats_back.handler(attempts=20, give_up=_give_up)
def give_seats_back(seat_import: int, by: str) -> None:
    """Give the seats of a selection back; idempotent, resumes where it ended."""
    line_jobs.run_lines(seat_import, by, _give_back, CHUNK_SIZE)


def _give_back(made: SeatImport, lines: list[SeatImportLine], by: str) -> int:
    """Give the seats of the lines back; return the number of refused lines."""
    subscriptions.locked_for_group(made.group)
    problems = _problems(made, lines)
    good = [line.number for line in lines if problems[line.number] == NO_PROBLEM]
    try:
        if good:
            give_backs.give_back_seats(made.group, good, by=by)
    except Refusal as refusal:
        problems |= dict.fromkeys(good, (refusal.sentence, refusal.values))
    for line in lines:
        if problems[line.number] == NO_PROBLEM:
            line_jobs.write_outcome(line)
        else:
            line_jobs.write_refusal(line, problems[line.number])
    return sum(problem != NO_PROBLEM for problem in problems.values())


def _problems(made: SeatImport, lines: list[SeatImportLine]) -> dict[int, Problem]:
    """Return the problem of each line by its number, while the subscription is locked."""
    returned = {row.seat_id for row in give_backs.for_group(made.group)}
    seats = {
        seat.id: seat for seat in Seat.select().where(Seat.id.in_([line.seat_id for line in lines]))
    }

    def problem(line: SeatImportLine) -> Problem:
        seat = seats.get(line.seat_id or 0)
        if seat is None:
            return selections.UNKNOWN_SEAT, {}
        if seat.version != line.version:
            return selection_job.CHANGED, {}
        return _problem_of(seat, returned)

    return {line.number: problem(line) for line in lines}
