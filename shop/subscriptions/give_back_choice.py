"""The choice of unused licences to give back."""

from __future__ import annotations

from typing import Any, cast

from records.groups import LicenceGroup
from records.seat_states import SeatStatus
from records.seats import Seat
from records.terminations import GiveBack
from shop.errors import N_, Refusal
from shop.parsing.numbers_and_json import read_integer
from shop.subscriptions import give_backs

MOST = 1000


def with_unused(group: LicenceGroup, ticked: list[int], typed: str) -> list[int]:
    """Return the numbers of the licences ticked and of as many unconfigured ones as were ``typed``.

    Of the unconfigured ones the newest are taken. Raise `Refusal` at ``unused`` for an invalid
    number and where too few are unconfigured, and at ``licences`` where nothing was chosen.
    """
    wanted = _number(typed.strip())
    if not wanted and not ticked:
        raise Refusal(N_("Choose at least one licence."), "licences")
    found = [*ticked, *_unused(group, ticked, wanted)]
    if len(found) < len(ticked) + wanted:
        raise Refusal(N_("There are not so many licences that nobody uses."), "unused")
    return sorted(found)


def _number(typed: str) -> int:
    if not typed:
        return 0
    if (number := read_integer(typed, high=MOST)) is None:
        raise Refusal(N_("Type a whole number of licences, at most %(most)d."), "unused", most=MOST)
    return number


def _unused(group: LicenceGroup, excluded: list[int], number: int) -> list[int]:
    returned = GiveBack.select(GiveBack.seat).where(
        GiveBack.group == group, GiveBack.status.in_(give_backs.ALIVE)
    )
    query = (
        Seat.select(Seat.number)
        .where(
            Seat.group == group,
            Seat.status == SeatStatus.UNCONFIGURED,
            Seat.number.not_in(excluded or [0]),
            Seat.id.not_in(returned),
        )
        .order_by(Seat.number.desc())
        .limit(number)
    )
    return [row[0] for row in cast("Any", query.tuples())]
