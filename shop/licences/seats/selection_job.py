"""The background job that releases the seats of a selection, or replaces their passwords."""

from __future__ import annotations

from collections.abc import Callable

from records.imports import ImportAct, SeatImport, SeatImportLine
from records.seats import Seat
from shop import jobs
from shop.errors import N_, Refusal
from shop.jobs import kinds
from shop.licences.seats import actions, handovers, line_jobs, seat_states
from shop.licences.seats.line_jobs import NO_PROBLEM, Problem
from shop.licences.seats.selections import UNKNOWN_SEAT

CHUNK_SIZE = 50
"""Seats in one transaction; small, because other writers wait for it."""

NOT_REACHED = N_("Something went wrong on our side before this licence: choose it again.")

CHANGED = N_("This licence has been changed meanwhile. Nothing was done with it.")

BULK = jobs.Priority.BULK

ACTS: dict[str, Callable[[Seat, int, str], Seat]] = {
    ImportAct.RELEASE: lambda seat, seen, by: actions.release(seat, seen, by, BULK),
    ImportAct.PASSWORD: lambda seat, seen, by: actions.change_password(seat, seen, "", by, BULK),
}


def _give_up(seat_import: int, by: str, reason: str) -> None:
    """End a selection whose job has failed; mark the seats it did not reach."""
    line_jobs.give_up(seat_import, NOT_REACHED)


@kinds.act_on_seats.handler(attempts=20, give_up=_give_up)
def act_on_seats(seat_import: int, by: str) -> None:
    """Begin the act on each seat, chunk by chunk; idempotent, resumes where it ended."""
    line_jobs.run_lines(seat_import, by, _act, CHUNK_SIZE)


def _act(made: SeatImport, lines: list[SeatImportLine], by: str) -> int:
    """Begin the act on the seat of each line; return the number of refused lines."""
    seats = locked_seats(lines)
    refused = 0
    for line in lines:
        problem = _act_on(made, line, seats.get(line.seat_id), by)
        if problem != NO_PROBLEM:
            line_jobs.write_refusal(line, problem)
            refused += 1
    return refused


def locked_seats(lines: list[SeatImportLine]) -> dict[int | None, Seat]:
    """Lock the seats of lines in one order, before any of their groups; return those there are."""
    chosen = Seat.id.in_([line.seat_id for line in lines if line.seat_id] or [0])
    seat_states.lock_seats(chosen)
    return {seat.id: seat for seat in Seat.select().where(chosen)}


def _act_on(made: SeatImport, line: SeatImportLine, seat: Seat | None, by: str) -> Problem:
    if seat is None:
        return UNKNOWN_SEAT, {}
    try:
        done = ACTS[made.act](seat, line.version or 0, by)
    except actions.StaleVersion:
        return CHANGED, {}
    except Refusal as refusal:
        return refusal.sentence, refusal.values
    if made.makes_passwords:
        handovers.choose_by(made, done, line.recipient)
    line_jobs.write_outcome(line, version=done.version)
    return NO_PROBLEM
