"""Orders of licences for an existing group, within its limit, charged pro rata by the day.

They are charged up to the end of the group's current period, and renew with the group's other
licences (design). Their price is that of one day: it is payable until the end of that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
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
from shop.pricing.catalogue import PricedOffer
from shop.pricing.periods import Period

ONE_DAY, ONE_SECOND = timedelta(days=1), timedelta(seconds=1)


@dataclass(frozen=True)
class AdditionRequest:
    """A number of additional licences for a group, under a basket's name."""

    group: LicenceGroup
    quantity: int
    basket: str

    @property
    def key(self) -> str:
        """The idempotency key: basket name and content."""
        return f"{self.basket}:{self.group.name}={self.quantity}"


def running_period(group: LicenceGroup, at: datetime) -> Period:
    """Return the group's period that contains ``at``. Raises `Refusal` if the group is not open."""
    if group.installed_at is None or not group.is_open:
        raise Refusal(reservations.CLOSED, "group")
    return periods.period_of(clock.day_of(at), periods.anchor_of(group.installed_at))


def renewal_of(group: LicenceGroup) -> date:
    """Return the renewal up to which licences added now are charged."""
    return running_period(group, clock.now()).end


TOO_LITTLE = N_(
    "Up to the renewal this costs less than banks accept. Choose more licences, or "
    "order from the renewal on."
)


def places_free(group: LicenceGroup, held: dict[int, int]) -> int | None:
    """Return the number of licences that an order may have; None without a limit.

    ``held`` is what `reservations.held_by_basket` returns for the order's basket: the places that
    its unpaid order holds are free for the order that replaces it.
    """
    limit = group.limit
    return None if limit is None else max(limit - group.places_taken + held.get(group.id, 0), 0)


def check_places(group: LicenceGroup, quantity: int, held: dict[int, int]) -> None:
    """Raise `reservations.PlacesExhausted` if ``quantity`` exceeds the free places."""
    free = places_free(group, held)
    if free is not None and quantity > free:
        raise reservations.PlacesExhausted(group, free)


class AdditionOrder(OrderKind):
    """An order of licences for a group; its places are reserved from its placement on."""

    def __init__(self, account: Account, request: AdditionRequest) -> None:
        super().__init__(account, request.basket, request.key)
        self.request = request

    @cached_property
    def now(self) -> datetime:
        """The moment for which period and price are computed."""
        return clock.now()

    @cached_property
    def period(self) -> Period:
        """The group's current period. Raises `Refusal` if the group is not open."""
        return running_period(self.request.group, self.now)

    @cached_property
    def quote(self) -> Quote:
        """The price of the days up to the renewal."""
        request = self.request
        offer = catalogue.offers(language=self.language)[request.group.offer_id]
        share = periods.share_left(self.period, self.now)
        line = money.Line(offer.code, offer.name, request.quantity, offer.price_cents, share)
        treatment = vat.treatment_of(vat.place_of(self.account))
        return Quote([line], money.totals([line], treatment), treatment, is_estimate=False)

    @property
    def expires_at(self) -> datetime:
        """The last second of the day for which the price is computed."""
        return clock.midnight(clock.day_of(self.now) + ONE_DAY) - ONE_SECOND

    def check(self) -> None:
        """Raise `Refusal` if the group is not open, or has too few places."""
        _ = self.period
        held = reservations.held_by_basket(self.account.id, self.request.basket)
        check_places(self.request.group, self.request.quantity, held)

    def check_amount(self) -> None:
        """Raise `Refusal` at ``quantity`` if no bank accepts the total.

        For example, of one licence for the last day of a period.
        """
        total = self.quote.totals.total_cents
        placing.check_payable(total, "quantity", too_little=TOO_LITTLE)

    def reserve(self, lines: list[OrderLine]) -> None:
        """Reserve places in the group. Raises `reservations.PlacesExhausted`."""
        for line in lines:
            reservations.hold_places(self.request.group, line, self.period.end)


def read_quantity(typed: str, group: LicenceGroup, held: dict[int, int], offer: PricedOffer) -> int:
    """Return the number of licences typed for ``group``, which is of ``offer``.

    Raises `Refusal` at ``quantity``.
    """
    try:
        quantity = baskets.read_quantity(typed, offer)
    except Refusal as refusal:
        raise Refusal(refusal.sentence, "quantity", **refusal.values) from refusal
    if not quantity:
        raise Refusal(N_("Choose at least one licence."), "quantity")
    check_places(group, quantity, held)
    return quantity
