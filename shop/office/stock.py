"""How many licences are left at the provider: asked every hour, and kept for the desk."""

from __future__ import annotations

from records.licence_stock import LicenceStock
from shop import clock, jobs
from shop.errors import PartyRejected
from shop.office.configured import provider
from shop.office.protocol import StockCounter

FEW = 20
"""The number of licences below which more should be bought."""


@jobs.handles("count_stock", attempts=3)
def count_stock() -> None:
    """Keep what the provider says of the licences left; a provider without a stock says nothing."""
    asked = provider()
    if not isinstance(asked, StockCounter):
        return
    try:
        left = asked.licences_left()
    except PartyRejected:
        return  # `flask doctor` says why; what was last known stays.
    for product, number in left.items():
        LicenceStock.insert(product=product, left=number, seen_at=clock.now()).on_conflict(
            conflict_target=[LicenceStock.product],
            preserve=[LicenceStock.left, LicenceStock.seen_at],
        ).execute()


def running_out() -> list[LicenceStock]:
    """Return the products of which few licences are left, the fewest first."""
    return list(LicenceStock.select().where(LicenceStock.left < FEW).order_by(LicenceStock.left))
