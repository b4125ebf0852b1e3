"""A selection of a group's seats, and one act on all of them: what is shown before it is confirmed.

It is kept like a file of people (`SeatImport`), with a line for each seat, and started like one
(`import_preview.start_import`). `shop.licences.seats.selection_job` carries it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from records.base import database
from records.groups import LicenceGroup
from records.imports import ImportAct, SeatImport, SeatImportLine
from records.seats import Seat
from shop import clock
from shop.errors import N_, Refusal
from shop.licences.seats import actions, listing
from shop.licences.seats.line_jobs import NO_PROBLEM, Problem

NOTHING_SELECTED = N_("Choose at least one licence.")
UNKNOWN_SEAT = N_("The group does not have this licence.")
UNCONFIGURED = N_("Nobody has this licence: there is nothing to do.")

Judge = Callable[[Seat], Problem]
"""Returns why the act cannot be carried out on a seat."""


def problem_of(act: str, seat: Seat) -> Problem:
    """Return why a seat cannot be released, or get a new password, now."""
    if seat.may(act):
        return NO_PROBLEM
    return (actions.refusal_reason(seat) if seat.is_configured else UNCONFIGURED), {}


def prepare_selection(group: LicenceGroup, act: str, numbers: Iterable[int]) -> SeatImport:
    """Keep which seats are to be released or to get new passwords, for the customer to confirm.

    Seats that it cannot be done with, and numbers that the group does not have, are kept with the
    reason. Raise `Refusal` where nothing is selected, or the group cannot be changed.
    """
    if not group.is_open:
        raise Refusal(actions.GROUP_CLOSED)
    return keep(group, act, numbers, lambda seat: problem_of(act, seat))


def keep(
    group: LicenceGroup, act: ImportAct | str, numbers: Iterable[int], judge: Judge
) -> SeatImport:
    """Write a selection with a line for each number. Raise `Refusal` where there is none."""
    wanted = sorted(set(numbers))
    if not wanted:
        raise Refusal(NOTHING_SELECTED)
    found = listing.selected(group, wanted)
    rows = [_line(number, found.get(number), judge) for number in wanted]
    with database.atomic():
        made = SeatImport.create(
            group=group,
            act=act,
            filename="",
            lines_total=len(rows),
            lines_good=sum(not row["problem"] for row in rows),
            created_at=clock.now(),
        )
        for start in range(0, len(rows), 500):
            lines = [{"seat_import": made, **row} for row in rows[start : start + 500]]
            SeatImportLine.insert_many(lines).execute()
    return made


def _line(number: int, seat: Seat | None, judge: Judge) -> dict[str, Any]:
    problem, details = (UNKNOWN_SEAT, {}) if seat is None else judge(seat)
    return {
        "number": number,
        "first_name": seat.first_name if seat else "",
        "last_name": seat.last_name if seat else "",
        "login": (seat.login or "") if seat else "",
        "problem": problem,
        "details": details,
        "seat": seat.id if seat else None,
        "version": seat.version if seat else None,
    }
