"""One way to change a status: compare and set, with its record, in one transaction."""

from __future__ import annotations

from typing import Any

from models import (
    ADDITION_MOVES,
    CARD_SETUP_MOVES,
    EXPORT_MOVES,
    GIVE_BACK_MOVES,
    GROUP_MOVES,
    IMPORT_MOVES,
    INVOICE_MOVES,
    LETTER_MOVES,
    ORDER_MOVES,
    PAYMENT_MOVES,
    SEAT_MOVES,
    SUBSCRIPTION_MOVES,
    TERMINATION_MOVES,
    Addition,
    CardSetup,
    DataExport,
    Event,
    GiveBack,
    Invoice,
    Letter,
    LicenceGroup,
    Order,
    Payment,
    Seat,
    SeatImport,
    Subscription,
    Table,
    Termination,
    database,
)
from shop import clock

_MOVES: dict[type[Table], tuple[str, dict[str, set[str]]]] = {
    Order: ("order", ORDER_MOVES),
    Payment: ("payment", PAYMENT_MOVES),
    Invoice: ("invoice", INVOICE_MOVES),
    LicenceGroup: ("group", GROUP_MOVES),
    Addition: ("addition", ADDITION_MOVES),
    CardSetup: ("card_setup", CARD_SETUP_MOVES),
    Seat: ("seat", SEAT_MOVES),
    SeatImport: ("import", IMPORT_MOVES),
    Letter: ("letter", LETTER_MOVES),
    DataExport: ("export", EXPORT_MOVES),
    Subscription: ("subscription", SUBSCRIPTION_MOVES),
    Termination: ("termination", TERMINATION_MOVES),
    GiveBack: ("give_back", GIVE_BACK_MOVES),
}


class IllegalMove(Exception):
    """The code asked for a move that stands in no table: a fault of ours."""


def move(row: Any, to: str, *, by: str, note: str = "", **changes: Any) -> bool:
    """Move ``row`` from the status it was read with to ``to``; False if it moved meanwhile.

    ``by`` names who did it (a nic-handle, ``bank``, ``provider``, ``operator`` or ``shop``);
    ``changes`` are written in the same statement. On success ``row`` shows the new values.
    Raises `IllegalMove` where the table of moves does not allow it.
    """
    subject, moves = _MOVES[type(row)]
    if to not in moves[row.status]:
        raise IllegalMove(f"{subject} {row.id}: {row.status} → {to}")
    with database.atomic():
        won = (
            type(row)
            .update(status=to, **changes)
            .where(type(row).id == row.id, type(row).status == row.status)
            .execute()
        )
        if not won:
            return False
        record(row, f"{subject}_{to}", by=by, note=note, from_status=row.status, to_status=to)
    row.status = to
    for name, value in changes.items():
        setattr(row, name, value)
    return True


def record(
    row: Any, name: str, *, by: str, note: str = "", from_status: str = "", to_status: str = ""
) -> None:
    """Write that something happened to ``row``."""
    Event.insert(
        subject=_MOVES[type(row)][0],
        subject_id=row.id,
        name=name,
        from_status=from_status,
        to_status=to_status,
        by=by,
        note=note[:255],
        at=clock.now(),
    ).execute()


def history(row: Any) -> list[Event]:
    """What happened to ``row``, oldest first."""
    subject = _MOVES[type(row)][0]
    return list(
        Event.select()
        .where(Event.subject == subject, Event.subject_id == row.id)
        .order_by(Event.id)
    )
