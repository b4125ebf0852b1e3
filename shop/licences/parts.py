"""The parts of an order, one for each line: what was delivered, and what was not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from records.groups import Addition, LicenceGroup
from records.orders import Order, OrderLine
from shop import clock
from shop.licences import reservations
from shop.licences.groups import groups_of
from shop.pricing.lines import lines_of


@dataclass(frozen=True)
class Part:
    """A line of an order, and the day on which it was delivered; None where it was not."""

    line: OrderLine
    delivered_on: date | None

    @property
    def name(self) -> str:
        """The number of licences and their offer, the same in every language."""
        return f"{self.line.quantity}\u00a0×\u00a0{self.line.offer_name}"


@dataclass(frozen=True)
class Parts:
    """What was delivered of an order, and what was not, in the order of its lines."""

    delivered: list[Part]
    missing: list[Part]


def parts_of(order: Order) -> Parts:
    """Return the parts of an order (three queries)."""
    return parts_among(lines_of(order), groups_of(order), reservations.for_order(order))


def parts_among(
    lines: list[OrderLine], groups: list[LicenceGroup], additions: list[Addition]
) -> Parts:
    """Return the parts of an order of these lines, groups and additions."""
    times = {group.line_id: group.installed_at for group in groups}
    times |= {row.line_id: row.installed_at for row in additions}
    days = {line: clock.day_of(at) for line, at in times.items() if at is not None}
    parts = [Part(line, days.get(line.id)) for line in lines]
    return Parts(
        [part for part in parts if part.delivered_on is not None],
        [part for part in parts if part.delivered_on is None],
    )
