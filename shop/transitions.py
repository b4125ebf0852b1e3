"""One way to change a status: compare and set, with its record, in one transaction."""

from __future__ import annotations

from typing import Any

from records.base import Table, database
from records.cards import CARD_SETUP_MOVES, CardSetup
from records.events import Event
from records.exports import EXPORT_MOVES, DataExport
from records.groups import ADDITION_MOVES, GROUP_MOVES, Addition, LicenceGroup
from records.imports import IMPORT_MOVES, SeatImport
from records.invoices import INVOICE_MOVES, Invoice
from records.letters import LETTER_MOVES, Letter
from records.orders import ORDER_MOVES, Order
from records.payments import PAYMENT_MOVES, Payment
from records.seat_states import SEAT_MOVES
from records.seats import Seat
from records.subscriptions import SUBSCRIPTION_MOVES, Subscription
from records.terminations import GIVE_BACK_MOVES, TERMINATION_MOVES, GiveBack, Termination
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
