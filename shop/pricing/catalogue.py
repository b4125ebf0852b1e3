"""The offers and their prices, from the database: those on sale, and those sold before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from peewee import JOIN, ModelSelect, fn

from records.base import database
from records.catalogue import Described, Offer, Price
from records.languages import Language
from shop import clock
from shop.pricing.catalogue_version import Kept
from shop.settings.per_process import PerProcess
from shop.sql.prepared import prepared

SHIPPED = (
    (
        "business", "Office 365 Business", 300, 880,
        "Excel, Word, PowerPoint, Outlook, OneNote, Publisher",
    ),
    (
        "pro_plus", "Office 365 Pro Plus", None, 1290,
        "Excel, Word, PowerPoint, Outlook, Access, Power BI",
    ),
)  # fmt: skip
"""Code, name, limit of places (guide), price in cents a month excluding VAT (design), contents."""

SHIPPED_FROM = datetime(2017, 1, 1, tzinfo=UTC)
FIRST_DAY = SHIPPED_FROM.date()

Offers = dict[str, "PricedOffer"]
"""Offers by their code, in the order in which pages show them."""


@dataclass(frozen=True)
class PricedOffer(Described):
    """An offer with the price in force: integer cents a month, excluding VAT.

    ``name`` is in the language asked for, and ``larger`` the name of an offer on sale whose groups
    hold more licences, "" if there is none.
    """

    code: str
    name: str
    places_limit: int | None
    price_cents: int
    applications: str = ""
    on_sale_from: date | None = FIRST_DAY
    on_sale_until: date | None = None
    larger: str = ""

    @property
    def is_on_sale(self) -> bool:
        """Whether new groups of it can be ordered now."""
        return self.is_on_sale_on(clock.today())


def publish_shipped() -> None:
    """Insert the default offers and prices that do not exist yet."""
    with database.atomic():
        for position, (code, name, places_limit, cents, applications) in enumerate(SHIPPED, 1):
            described = {
                "applications": applications, "product": code, "position": position,
                "on_sale_from": FIRST_DAY,
            }  # fmt: skip
            Offer.insert(
                code=code, name=name, places_limit=places_limit, **described
            ).on_conflict_ignore().execute()
            # The previous release inserts offers that say nothing of themselves.
            undescribed = (Offer.code == code) & (Offer.applications == "")
            Offer.update(described).where(undescribed).execute()
            Price.insert(
                offer=code, amount_cents=cents, valid_from=SHIPPED_FROM
            ).on_conflict_ignore().execute()


def known_offers() -> list[str]:
    """Return the codes of all offers, on sale or not."""
    return [offer.code for offer in Offer.select(Offer.code).order_by(Offer.code)]


# --- With prices -----------------------------------------------------------------------------


def offers(at: datetime | None = None, language: str = Language.ENGLISH) -> Offers:
    """Return every offer that has a price at a moment (now by default), on sale or not."""
    rows = [(row.offer, row.amount_cents) for row in _priced.rows(at or clock.now())]
    today = clock.today()
    sold = [offer for offer, _ in rows if offer.is_on_sale_on(today)]
    return {
        offer.code: PricedOffer(
            offer.code, offer.name_in(language), offer.places_limit, cents, offer.applications,
            offer.on_sale_from, offer.on_sale_until, _larger(offer, sold, language),
        )
        for offer, cents in rows
    }  # fmt: skip


def _larger(offer: Offer, sold: list[Offer], language: str) -> str:
    """Return the name of the first offer on sale whose groups hold more licences than ``offer``."""
    limit = offer.places_limit
    if limit is None:
        return ""
    names = (
        each.name_in(language)
        for each in sold
        if each.places_limit is None or each.places_limit > limit
    )
    return next(names, "")


def on_sale(priced: Offers) -> Offers:
    """Return those of ``priced`` of which new groups can be ordered now."""
    return {code: offer for code, offer in priced.items() if offer.is_on_sale}


@prepared
def _priced(at: datetime) -> ModelSelect[Any]:
    newest = (
        Price.select(Price.offer, fn.MAX(Price.valid_from).alias("since"))
        .where(Price.valid_from <= at)
        .group_by(Price.offer)
        .alias("newest")
    )
    return (
        Price.select(Price.amount_cents, Offer)
        .join(Offer)
        .switch(Price)
        .join(
            newest,
            JOIN.INNER,
            on=(newest.c.offer_id == Price.offer) & (newest.c.since == Price.valid_from),
        )
        .order_by(Offer.position, Price.amount_cents, Offer.code)
    )


# --- Without prices --------------------------------------------------------------------------


def keep_offers() -> Kept[dict[str, Offer]]:
    """Return what keeps the offers, by code."""
    return Kept(
        lambda: {row.code: row for row in Offer.select().order_by(Offer.position, Offer.code)}, {}
    )


kept = PerProcess(keep_offers)


def described(token: str) -> dict[str, Offer]:
    """Return every offer by its code, as this process keeps them; without prices.

    ``token`` is that of the catalogue (`records.catalogue.CatalogueVersion`), read before: the
    database is not asked unless the catalogue has changed.
    """
    return kept().under(token)


def last_described() -> dict[str, Offer]:
    """Return what `described` returned last; asks no database."""
    return kept().last()
