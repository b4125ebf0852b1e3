"""One way to change a status: compare and set, with its record, in one transaction."""

from __future__ import annotations

from typing import Any

from records.base import StateMachine, database
from records.events import Event
from shop import clock


class IllegalMove(Exception):
    """The code asked for a move that stands in no table: a fault of ours."""


def move(row: StateMachine, to: str, *, by: str, note: str = "", **changes: Any) -> bool:
    """Move ``row`` from the status it was read with to ``to``; False if it moved meanwhile.

    ``by`` names who did it (a nic-handle, ``bank``, ``provider``, ``operator`` or ``shop``);
    ``changes`` are written in the same statement. On success ``row`` shows the new values.
    Raises `IllegalMove` where the row's table does not allow it.
    """
    if not row.may_become(to):
        raise IllegalMove(f"{row.event_subject} {row.id}: {row.status} → {to}")
    with database.atomic():
        won = (
            type(row)
            .update(status=to, **changes)
            .where(type(row).id == row.id, type(row).status == row.status)
            .execute()
        )
        if not won:
            return False
        name = f"{row.event_subject}_{to}"
        record(row, name, by=by, note=note, from_status=row.status, to_status=to)
    row.status = to
    for name, value in changes.items():
        setattr(row, name, value)
    return True


def record(
    row: StateMachine, name: str, *, by: str, note: str = "",
    from_status: str = "", to_status: str = "",
) -> None:  # fmt: skip
    """Write that something happened to ``row``."""
    Event.insert(
        subject=row.event_subject,
        subject_id=row.id,
        name=name,
        from_status=from_status,
        to_status=to_status,
        by=by,
        note=note[:255],
        at=clock.now(),
    ).execute()


def history(row: StateMachine) -> list[Event]:
    """What happened to ``row``, oldest first."""
    return list(
        Event.select()
        .where(Event.subject == row.event_subject, Event.subject_id == row.id)
        .order_by(Event.id)
    )
