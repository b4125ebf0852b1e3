"""What the list of licences notes beside them, read at once: days they end, links to passwords."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from peewee import JOIN

from records.handovers import Handover
from records.seats import Seat
from records.terminations import GiveBack
from shop.subscriptions import give_backs


@dataclass(frozen=True)
class SeatNotes:
    """The day on which licences given back end, by number, and the links to the present passwords,
    by the seat's id."""

    ending: dict[int, date] = field(default_factory=dict)
    links: dict[int, Handover] = field(default_factory=dict)


def of_seats(seats: Iterable[Seat]) -> SeatNotes:
    """Return what is noted of these seats (one query)."""
    query = (
        Seat.select(
            Seat.id, Seat.number, GiveBack.ends_on,
            Handover.sends, Handover.secret, Handover.expires_at, Handover.read_at,
        )
        .join(
            GiveBack, JOIN.LEFT_OUTER,
            on=(GiveBack.seat == Seat.id) & GiveBack.status.in_(give_backs.ALIVE),
        )
        .switch(Seat)
        .join(
            Handover, JOIN.LEFT_OUTER,
            on=(Handover.seat == Seat.id) & (Handover.sends > 0) & Handover.ended_at.is_null(),
        )
        .where(Seat.id.in_([seat.id for seat in seats] or [0]))
    )  # fmt: skip
    notes = SeatNotes()
    for seat, number, ends_on, sends, *rest in cast("Any", query.tuples()):
        if ends_on is not None:
            notes.ending[number] = ends_on
        if sends:
            secret, expires_at, read_at = rest
            notes.links[seat] = Handover(
                seat=seat, sends=sends, secret=secret, expires_at=expires_at, read_at=read_at
            )
    return notes
