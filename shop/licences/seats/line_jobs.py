"""Jobs that work through the lines of a file or of a selection, chunk by chunk.

Each chunk is one transaction, which does the work and marks its lines as done. If a worker dies,
the next one continues after the last complete chunk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from records.base import database, lock
from records.imports import ImportStatus, SeatImport, SeatImportLine
from shop import clock, jobs, transitions
from shop.jobs import kinds
from shop.sandbox_link import test_points

Problem = tuple[str, dict[str, object]]
"""The problem of a line: a message id of the catalogue and its placeholders' values."""

NO_PROBLEM: Problem = ("", {})

Work = Callable[[SeatImport, list[SeatImportLine], str], int]
"""Does the work of a chunk for a customer, in its transaction; returns how many were refused."""

_WAITING = ~SeatImportLine.is_done & (SeatImportLine.problem == "")


def run_lines(seat_import: int, by: str, work: Work, chunk_size: int) -> None:
    """Do ``work`` for each valid line; idempotent, resumes where it ended."""
    while _run_chunk(seat_import, by, work, chunk_size):
        test_points.point("imports.chunk")


def give_up(seat_import: int, sentence: str) -> None:
    """End the work whose job has failed; the lines it did not reach have ``sentence``."""
    made = lock(SeatImport.get_by_id(seat_import))
    if made.status != ImportStatus.RUNNING:
        return
    waiting = (SeatImportLine.seat_import == made) & _WAITING
    left = SeatImportLine.update(is_done=True, problem=sentence).where(waiting).execute()
    _count(made, left, left)
    _finish(made)


def write_outcome(line: SeatImportLine, **outcome: Any) -> None:
    """Mark a line as done, with what became of it."""
    SeatImportLine.update(is_done=True, **outcome).where(
        SeatImportLine.seat_import == line.seat_import_id, SeatImportLine.number == line.number
    ).execute()


def write_refusal(line: SeatImportLine, problem: Problem) -> None:
    """Mark a line as done and refused."""
    write_outcome(line, problem=problem[0], details=problem[1])


def _run_chunk(seat_import: int, by: str, work: Work, chunk_size: int) -> bool:
    """Process one chunk; return False when no line is left."""
    with database.atomic():
        made = lock(SeatImport.get_by_id(seat_import))
        if made.status != ImportStatus.RUNNING:
            return False
        waiting = SeatImportLine.select().where(SeatImportLine.seat_import == made, _WAITING)
        lines = list(waiting.order_by(SeatImportLine.number).limit(chunk_size))
        if not lines:
            _finish(made)
            return False
        _count(made, len(lines), work(made, lines, by))
    return True


def _count(made: SeatImport, done: int, refused: int) -> None:
    SeatImport.update(
        lines_done=SeatImport.lines_done + done, lines_refused=SeatImport.lines_refused + refused
    ).where(SeatImport.id == made.id).execute()


def _finish(made: SeatImport) -> None:
    transitions.move(made, ImportStatus.DONE, by="shop", finished_at=clock.now())
    if made.makes_passwords:
        kinds.tell_of_passwords.using(priority=jobs.Priority.BULK).later(seat_import=made.id)
