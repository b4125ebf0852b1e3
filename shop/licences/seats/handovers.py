"""Who gets the password of a licence, where that is not the customer; kept until it is sent.

`shop.delivery.handovers` sends and shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from records.groups import LicenceGroup
from records.handovers import Handover
from records.imports import SeatImport, SendTo
from records.seats import Seat
from shop import clock
from shop.security import rate_limits
from shop.text import email_addresses

NOBODY = ""
"""Stands for the recipient of a password that nobody is told."""


def replace(seat: Seat, recipient: str | None) -> None:
    """Choose who gets the new password of ``seat``, in the caller's transaction, and end what
    became of the former one.

    ``recipient`` is an e-mail address, `NOBODY`, or None for the customer.
    """
    end_handover(seat)
    if recipient is not None:
        Handover.insert(
            seat=seat, version=seat.version, recipient=recipient, asked_at=clock.now()
        ).execute()


def choose_by(made: SeatImport, seat: Seat, recipient: str) -> None:
    """Choose who gets the new password of ``seat`` as a file or a selection says, in the caller's
    transaction.

    The customer gets, in the file of them all, also those of persons without an address, or whose
    address has had too many e-mails.
    """
    kept_for: SeatImport | None = made
    if made.send_to == SendTo.NOBODY:
        recipient, kept_for = NOBODY, None
    elif made.send_to == SendTo.ME or not _may_write_to(recipient):
        recipient = NOBODY
    Handover.insert(
        seat=seat, version=seat.version, recipient=recipient, seat_import=kept_for,
        asked_at=clock.now(),
    ).execute()  # fmt: skip


def _may_write_to(recipient: str) -> bool:
    if not recipient:
        return False
    try:
        rate_limits.count_unproved(recipient)
    except rate_limits.RateLimited:
        return False
    return True


def address_for(typed: str, group: LicenceGroup) -> str:
    """Return the e-mail address that a link for a person of ``group`` may go to; "" if none."""
    address = email_addresses.valid(typed) if typed else ""
    is_own = address.rpartition("@")[2] == group.domain.lower()
    return "" if is_own else address


def carry_over(seat: Seat, before: int) -> None:
    """Keep the choice made for the version ``before``, whose password was never sent."""
    Handover.update(version=seat.version).where(
        Handover.seat == seat, Handover.version == before, Handover.sent_at.is_null()
    ).execute()


def end_handover(seat: Seat) -> None:
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
