"""Which events the history of a licence group tells, and of which licence and person."""

from __future__ import annotations

from typing import Any

from peewee import fn

from records.base import Table
from records.groups import LicenceGroup
from records.imports import SeatImport
from records.orders import OrderLine
from records.seats import Seat

TOLD = frozenset({
    "seat_activating", "seat_updating", "seat_releasing", "seat_error",
    "import_running", "import_done",
    "addition_held", "addition_installed", "addition_failed", "addition_freed",
    "give_back_scheduled", "give_back_undone", "give_back_done", "give_back_withdrawn",
    "group_installed", "group_install_failed", "group_suspended", "group_renamed",
    "group_terminated", "group_cancelled",
    "termination_scheduled", "termination_undone", "termination_by_operator",
    "termination_withdrawal",
})  # fmt: skip
"""The names of these events: what was asked for and what came of it, without the steps between."""


def told_of(row: Table, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the columns by which an event belongs to the history of a group; {} if it does not.

    What is done with a selection of licences is told of each of them. ``changes`` are what the same
    transaction writes to ``row``. Values may be queries, as those of `records.owners.owner_of`.
    """
    known = row.__data__ | changes
    if name not in TOLD or (isinstance(row, SeatImport) and not row.is_of_file):
        return {}
    if isinstance(row, LicenceGroup):
        return {"group_id": row.id}
    return {"group_id": known.get("group", _group_of(row))} | _subject(row, known)


def _group_of(row: Any) -> Any:
    """Return the group of a row that was read without it, as a query."""
    return type(row).select(type(row).group).where(type(row).id == row.id)


def _subject(row: Table, known: dict[str, Any]) -> dict[str, Any]:
    """Return which licence, or how many, and whose."""
    if isinstance(row, Seat):
        name = f"{known.get('first_name', '')} {known.get('last_name', '')}".strip()
        return {
            "number": known.get("number"), "person": name, "login": known.get("login") or "",
        }  # fmt: skip
    if "lines_good" in known:
        return {"number": known["lines_good"]}
    if "line" in known:
        line = known["line"]
        return {"number": OrderLine.select(OrderLine.quantity).where(OrderLine.id == line)}
    if "seat" in known:
        full_name = fn.TRIM(Seat.first_name.concat(" ").concat(Seat.last_name))
        return {
            "number": known["number"],
            "person": _of_seat(known["seat"], full_name),
            "login": _of_seat(known["seat"], Seat.login),
        }
    return {}


def _of_seat(seat: int | None, value: Any) -> Any:
    """Return a value of a seat as a query, "" where the seat has none or is there no more."""
    return fn.COALESCE(Seat.select(value).where(Seat.id == seat), "")
