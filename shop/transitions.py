"""Status changes: a compare-and-set and its event, in one transaction."""

from __future__ import annotations

from functools import cache
from typing import Any

from peewee import ModelUpdate

from records.base import StateMachine, database
from records.events import Event
from records.group_history import told_of
from records.owners import owner_of
from shop import clock
from shop.sql.prepared import Prepared, prepared_update


class IllegalTransition(Exception):
    """The code asked for a transition that the state machine's table does not allow: a bug."""


def move(row: StateMachine, to: str, *, by: str, note: str = "", **changes: Any) -> bool:
    """Move ``row`` from the status it was read with to ``to``, with an event.

    Return False, with nothing written, if another process changed the status since ``row`` was
    read. ``by`` names the actor (a nic-handle, ``bank``, ``provider``, ``operator`` or ``shop``);
    ``changes`` are written in the same statement. On success ``row`` has the new values.
    Raise `IllegalTransition` where the row's table does not allow the transition.
    """
    if not row.may_become(to):
        raise IllegalTransition(f"{row.event_subject} {row.id}: {row.status} → {to}")
    with database.transaction():
        known = row.id, row.status
        if not _moved(type(row), tuple(changes)).changed(*known, to, *changes.values()):
            return False
        name = f"{row.event_subject}_{to}"
        _write(row, name, by, note, row.status, to, changes)
    row.status = to
    for name, value in changes.items():
        setattr(row, name, value)
    return True


@cache
def _moved(table: type[StateMachine], names: tuple[str, ...]) -> Prepared[Any]:
    """Return the update that moves a row of a status to another, with changes of these names."""

    @prepared_update
    def moved(row_id: Any, known: str, to: str, *changes: Any) -> ModelUpdate:
        changed = dict(zip(names, changes, strict=True))
        return table.update(status=to, **changed).where(table.id == row_id, table.status == known)

    return moved


def record(
    row: StateMachine, name: str, *, by: str, note: str = "",
    from_status: str = "", to_status: str = "",
) -> None:  # fmt: skip
    """Write an event about ``row``."""
    _write(row, name, by, note, from_status, to_status, {})


def _write(
    row: StateMachine, name: str, by: str, note: str, from_status: str, to_status: str,
    changes: dict[str, Any],
) -> None:  # fmt: skip
    Event.add(
        subject=row.event_subject,
        subject_id=row.id,
        name=name,
        from_status=from_status,
        to_status=to_status,
        by=by,
        note=note[:255],
        at=clock.now(),
        account_id=owner_of(row),
        **told_of(row, name, changes),
    )


def history(row: StateMachine) -> list[Event]:
    """Return the events of ``row``, oldest first."""
    return list(
        Event.select()
        .where(Event.subject == row.event_subject, Event.subject_id == row.id)
        .order_by(Event.id)
    )
