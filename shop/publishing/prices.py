"""Prices: set from a day to come, and taken back until they were announced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import IntegrityError, fn

from records.base import database
from records.catalogue import Offer, Price
from records.subscriptions import PriceAnnouncement
from shop import clock
from shop.errors import N_, Conflict, Refusal
from shop.publishing import acts, offers
from shop.subscriptions import price_changes

NOT_TO_COME = N_("This price applies already: set another one from a day to come.")
ANNOUNCED = N_("This price was announced to customers: it can no longer be taken back.")


@dataclass(frozen=True)
class ShownPrice:
    """A price and the state in which it is."""

    price: Price
    is_to_come: bool
    is_in_force: bool
    """Whether it is the last one of its offer that has begun to apply."""
    announced: int
    """The number of services whose customers it was announced to."""

    @property
    def can_be_taken_back(self) -> bool:
        """Whether nobody relies on it yet."""
        return self.is_to_come and not self.announced


def all_prices() -> list[ShownPrice]:
    """Return every price of every offer with its state, the newest first. One query."""
    told = PriceAnnouncement.select(fn.COUNT(PriceAnnouncement.id)).where(
        PriceAnnouncement.price == Price.id
    )
    rows: Any = (
        Price.select(Price, Offer, told.alias("told"))
        .join(Offer)
        .order_by(Price.valid_from.desc(), Price.offer)
    )
    return list(_with_state(rows, clock.now()))


def _with_state(newest_first: Iterable[Any], now: datetime) -> Iterator[ShownPrice]:
    begun: set[str] = set()
    for row in newest_first:
        is_to_come = row.valid_from > now
        yield ShownPrice(row, is_to_come, not is_to_come and row.offer_id not in begun, row.told)
        if not is_to_come:
            begun.add(row.offer_id)


def set_price(offer: str, cents: int, day: date, *, by: str, reason: str) -> Price:
    """Set the price of an offer from the beginning of a day to come.

    Raise `Refusal` without a reason, and as `price_changes.change_price` does.
    """
    reason = acts.checked(reason)
    with database.atomic():
        price = price_changes.change_price(offer, cents, clock.midnight(day))
        acts.record_act("price", price, "price_set", by=by, reason=reason)
    return price


EUROS = re.compile(r"(\d{1,6})(?:[.,](\d{1,2}))?")


def read_euros(typed: str) -> int:
    """Return the cents of an amount in euros as typed. Raise `Refusal` for anything else."""
    found = EUROS.fullmatch(typed.strip().removesuffix("€").strip())
    if found is None:
        raise Refusal(N_("Give the amount in euros, as in 9.90."), "amount")
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def find_price(price_id: int) -> Price | None:
    """Return a price and its offer, or None."""
    return Price.select(Price, Offer).join(Offer).where(Price.id == price_id).first()


def find_price_from(offer: str, valid_from: datetime) -> Price | None:
    """Return the price of an offer that begins to apply at a moment, or None."""
    return Price.get_or_none(Price.offer == offer, Price.valid_from == valid_from)


def take_back(price: Price, *, by: str, reason: str) -> None:
    """Delete a price that does not apply yet and was announced to nobody.

    Raise `Refusal` without a reason, and `Conflict` for any other price, and for the one with which
    the sale of an offer begins.
    """
    reason = acts.checked(reason)
    if price.valid_from <= clock.now():
        raise Conflict(NOT_TO_COME)
    try:
        with database.atomic():
            offers.hold_price(price.offer_id, price.id)
            told = PriceAnnouncement.select().where(PriceAnnouncement.price == price.id).exists()
            if told or not Price.delete().where(Price.id == price.id).execute():
                raise Conflict(ANNOUNCED)
            acts.record_act("price", price.id, "price_taken_back", by=by, reason=reason)
    except IntegrityError:
        # It was announced at the same time.
        raise Conflict(ANNOUNCED) from None
