"""The passwords of a file of people or of a selection: one file of them all, and one e-mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from records.accounts import Account
from records.groups import LicenceGroup
from records.handovers import Handover
from records.imports import SeatImport
from records.seat_states import MOVING
from records.seats import Seat
from shop import clock, jobs, mail
from shop.delivery import handovers
from shop.jobs import kinds
from shop.licences.seats import import_preview
from shop.security import encryption

NEXT_LOOK = timedelta(seconds=5)

LONGEST = timedelta(days=1)
"""After which the e-mail does not wait for the last licence any more."""


@dataclass(frozen=True)
class Row:
    """A line of the file of passwords."""

    seat: Seat
    address: str
    password: str


def _kept(made: SeatImport) -> Any:
    return Handover.seat_import == made, Handover.secret != "", Handover.sends == 0


def are_kept(made: SeatImport) -> bool:
    """Return whether passwords are kept for the customer's file."""
    which = (*_kept(made), Handover.expires_at > clock.now())
    return bool(Handover.select().where(*which).exists())


def rows_of(made: SeatImport) -> Iterator[Row]:
    """Yield the passwords that are kept and not replaced since, by the licences' numbers.

    A file of them is sent in pieces, each with a connection of its own: they are read at once.
    """
    query = (
        Handover.select(Handover, Seat)
        .join(Seat)
        .where(*_kept(made), Handover.expires_at > clock.now())
        .order_by(Seat.number)
    )
    for row in list(query):
        row.seat.group = made.group
        address = handovers.address_of(row.seat)
        yield Row(row.seat, address, encryption.unseal(row.secret))


@kinds.tell_of_passwords.handler(attempts=20, priority=jobs.Priority.BULK)
def tell_of_passwords(seat_import: int) -> None:
    """Write to the customer once no licence of the file is being worked on any more."""
    made: SeatImport = (
        SeatImport.select(SeatImport, LicenceGroup, Account)
        .join(LicenceGroup)
        .join(Account)
        .where(SeatImport.id == seat_import)
        .get()
    )
    began = made.finished_at or clock.now()
    standing = import_preview.count_seats_by_status(made)
    if any(standing.get(each) for each in MOVING) and clock.now() - began < LONGEST:
        raise jobs.Later(NEXT_LOOK)
    kept = Handover.select().where(*_kept(made)).count()
    sent = Handover.select().where(Handover.seat_import == made, Handover.sends > 0).count()
    if kept or sent:
        mail.passwords_ready(made, kept=kept, sent=sent)
