"""The offers on sale and their prices, from the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from peewee import JOIN, ModelSelect, fn

from records.base import database
from records.catalogue import Offer, Price
from shop import clock
from shop.prepared import prepared

SHIPPED = (
    ("business", "Office 365 Business", 300, 880),
    ("pro_plus", "Office 365 Pro Plus", None, 1290),
)
"""Code, name, limit of places (guide), price in cents a month excluding VAT (design)."""

SHIPPED_FROM = datetime(2017, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PricedOffer:
    """An offer with the price in force: integer cents a month, excluding VAT."""

    code: str
    name: str
    places_limit: int | None
    price_cents: int


def publish_shipped() -> None:
    """Insert the default offers and prices that do not exist yet."""
    with database.atomic():
        for code, name, places_limit, cents in SHIPPED:
            Offer.insert(
                code=code, name=name, places_limit=places_limit
            ).on_conflict_ignore().execute()
            Price.insert(
                offer=code, amount_cents=cents, valid_from=SHIPPED_FROM
            ).on_conflict_ignore().execute()


def known_offers() -> list[str]:
    """Return the codes of all offers, on sale or not."""
    return [offer.code for offer in Offer.select(Offer.code).order_by(Offer.code)]


def offers(at: datetime | None = None) -> dict[str, PricedOffer]:
    """Return every offer by its code with the price in force at a moment (now by default)."""
    rows: list[Any] = _priced.rows(at or clock.now())
    priced = [PricedOffer(*row) for row in rows]
    return {offer.code: offer for offer in priced}


@prepared
def _priced(at: datetime) -> ModelSelect[Any]:
    newest = (
        Price.select(Price.offer, fn.MAX(Price.valid_from).alias("since"))
        .where(Price.valid_from <= at)
        .group_by(Price.offer)
        .alias("newest")
    )
    return (
        Offer.select(Offer.code, Offer.name, Offer.places_limit, Price.amount_cents)
        .join(Price)
        .join(
            newest,
            JOIN.INNER,
            on=(newest.c.offer_id == Price.offer) & (newest.c.since == Price.valid_from),
        )
        .order_by(Price.amount_cents)
        .tuples()
    )
