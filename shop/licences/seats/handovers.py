"""Who gets the password of a licence, where that is not the customer; kept until it is sent.

`shop.delivery.handovers` sends and shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from records.handovers import Handover
from records.seats import Seat
from shop import clock

NOBODY = ""
"""Stands for the recipient of a password that nobody is told."""


def replace(seat: Seat, recipient: str | None) -> None:
    """Choose who gets the new password of ``seat``, in the caller's transaction, and end what
    became of the former one.

    ``recipient`` is an e-mail address, `NOBODY`, or None for the customer.
    """
    end(seat)
    if recipient is not None:
        Handover.insert(
            seat=seat, version=seat.version, recipient=recipient, asked_at=clock.now()
        ).execute()


def carry_over(seat: Seat, before: int) -> None:
    """Keep the choice made for the version ``before``, whose password was never sent."""
    Handover.update(version=seat.version).where(
        Handover.seat == seat, Handover.version == before, Handover.sent_at.is_null()
    ).execute()


def end(seat: Seat) -> None:
    """End the links to former passwords of ``seat``, and forget those."""
    _end(Handover.seat == seat)


def end_all(seats: Any) -> None:
    """The same for all seats of a query, which selects their ids."""
    _end(Handover.seat.in_(seats))


def _end(which: Any) -> None:
    Handover.update(ended_at=clock.now(), secret="").where(
        which, Handover.ended_at.is_null()
    ).execute()


def chosen_for(seat: Seat) -> Handover | None:
    """Return the choice for the present password of ``seat``; None for the customer."""
    found: Handover | None = Handover.get_or_none(
        Handover.seat == seat, Handover.version == seat.version, Handover.ended_at.is_null()
    )
    return found


def of_seats(seats: Iterable[Seat]) -> dict[int, Handover]:
    """Return the links that were sent for the present passwords, by the seat's id."""
    rows = Handover.select().where(
        Handover.seat.in_([seat.id for seat in seats] or [0]),
        Handover.sends > 0,
        Handover.ended_at.is_null(),
    )
    return {row.seat_id: row for row in rows}
