"""Licences ordered for an existing group: pro rata by the day up to the renewal, within its limit.

They join the running period of the group, are payable until it ends at the latest, and renew with
the group's other licences (design).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from records.accounts import Account
from records.groups import LicenceGroup
from records.orders import OrderLine
from shop import clock, vat
from shop.errors import N_, Refusal
from shop.licences import reservations
from shop.orders import baskets, placing
from shop.orders.placing import OrderKind, Quote
from shop.pricing import catalogue, money, periods
from shop.pricing.periods import Period


@dataclass(frozen=True)
class Wish:
    """A number of licences more for a group, under a basket's name."""

    group: LicenceGroup
    quantity: int
    basket: str

    @property
    def key(self) -> str:
        """What makes two presses of one button the same."""
        return f"{self.basket}:{self.group.name}={self.quantity}"


def running_period(group: LicenceGroup, at: datetime) -> Period:
    """The period of a group that ``at`` lies in. Raises `Refusal` where none is running."""
    if group.installed_at is None or not group.is_open:
        raise Refusal(N_("Licences cannot be added to this group at the moment."), "group")
    return periods.period_of(clock.day_of(at), periods.anchor_of(group.installed_at))


def renewal_of(group: LicenceGroup) -> date:
    """Up to which day licences added now are charged."""
    return running_period(group, clock.now()).end


def check_room(group: LicenceGroup, quantity: int) -> None:
    """Raise `reservations.PlacesExhausted` where ``quantity`` more do not fit."""
    if group.places_free is not None and quantity > group.places_free:
        raise reservations.PlacesExhausted(group)


def check_amount(quoted: Quote) -> None:
    """Refuse, at ``quantity``, what costs less than banks take: a licence for the last day, say."""
    if 0 < quoted.totals.total_cents < money.LEAST_CENTS:
        raise Refusal(
            N_(
                "Up to the renewal this costs less than banks accept. Choose more licences, or "
                "order from the renewal on."
            ),
            "quantity",
        )


class AdditionOrder(OrderKind):
    """The order of licences for a group; its places are taken from now on, paid or not."""

    def __init__(self, account: Account, wish: Wish) -> None:
        super().__init__(account, wish.basket, wish.key)
        self.wish = wish

    @cached_property
    def now(self) -> datetime:
        """The moment for which period and price are computed."""
        return clock.now()

    @cached_property
    def period(self) -> Period:
        """The period that the licences join. Raises `Refusal` where none is running."""
        return running_period(self.wish.group, self.now)

    @cached_property
    def quote(self) -> Quote:
        """The days up to the renewal."""
        wish, offer = self.wish, catalogue.offers()[self.wish.group.offer_id]
        share = periods.share_left(self.period, self.now)
        line = money.Line(offer.code, offer.name, wish.quantity, offer.price_cents, share)
        treatment = vat.treatment_of(vat.place_of(self.account))
        return Quote([line], money.totals([line], treatment), treatment, is_estimate=False)

    @property
    def expires_at(self) -> datetime:
        """The renewal at the latest."""
        return min(self.now + placing.EXPIRES_AFTER, self.period.ends_at)

    def check(self) -> None:
        """Refuse where the group takes no licences, has no room, or the price is too small."""
        quoted = self.quote
        check_room(self.wish.group, self.wish.quantity)
        check_amount(quoted)

    def reserve(self, lines: list[OrderLine]) -> None:
        """Take places in the group. Raises `reservations.PlacesExhausted`."""
        for line in lines:
            reservations.hold_places(self.wish.group, line, self.period.end)


def read_quantity(typed: str, group: LicenceGroup) -> int:
    """The number of licences a customer typed for ``group``. Raises `Refusal` at ``quantity``."""
    offer = catalogue.offers()[group.offer_id]
    try:
        quantity = baskets.read_quantity(typed, offer)
    except Refusal as refusal:
        raise Refusal(refusal.sentence, "quantity", **refusal.values) from refusal
    if not quantity:
        raise Refusal(N_("Choose at least one licence."), "quantity")
    check_room(group, quantity)
    return quantity
