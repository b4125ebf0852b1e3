"""Whether new groups of an offer can be ordered, decided in the transaction of the order."""

from __future__ import annotations

from typing import Any

from peewee import ModelSelect, PostgresqlDatabase

from records.base import database
from records.catalogue import Offer
from records.orders import OrderLine
from shop import clock
from shop.errors import N_, Refusal
from shop.pricing.catalogue import PricedOffer
from shop.sql.prepared import prepared

NOT_ON_SALE = N_("%(offer)s is no longer on sale.")
LEAVE_OUT = N_("%(offer)s is no longer on sale: enter 0, or choose another offer.")
CHOOSE_ANOTHER = N_("%(offer)s is no longer on sale: choose another offer.")
TOO_MANY = N_("A group of %(offer)s licences holds at most %(limit)d licences.")


def check_on_sale(offer: PricedOffer) -> None:
    """Raise `Refusal` at the offer's field unless new groups of it can be ordered now."""
    if not offer.is_on_sale:
        raise Refusal(LEAVE_OUT, offer.code, offer=offer.name)


def hold(lines: list[OrderLine]) -> None:
    """Check the lines of new groups against their offers, in the caller's transaction.

    Whoever ends a sale or lowers a limit waits until the order is written, and an order that comes
    later sees it. Raise `Refusal` at the field of an offer that is not on sale, or whose groups
    hold fewer licences.
    """
    held = _held.rows(*[line.offer_id for line in lines])
    found, today = {offer.code: offer for offer in held}, clock.today()
    for line in lines:
        offer = found[line.offer_id]
        if not offer.is_on_sale_on(today):
            raise Refusal(LEAVE_OUT, offer.code, offer=line.offer_name)
        if offer.places_limit is not None and line.quantity > offer.places_limit:
            raise Refusal(TOO_MANY, offer.code, offer=line.offer_name, limit=offer.places_limit)


@prepared
def _held(*codes: str) -> ModelSelect[Offer]:
    """Read offers, and on PostgreSQL lock them in one order; SQLite has locked its file."""
    query: Any = Offer.select().where(Offer.code.in_(codes))
    if isinstance(database.obj, PostgresqlDatabase):
        return query.order_by(Offer.code).for_update("FOR SHARE")
    return query
