"""Licences ordered for an existing group: pro rata by the day up to the renewal, within its limit.

They join the running period of the group, are payable until it ends at the latest, and renew with
the group's other licences (design).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from records.accounts import Account
from records.groups import LicenceGroup
from records.orders import Order, OrderLine
from shop import clock, vat
from shop.errors import N_, Refusal
from shop.licences import reservations
from shop.orders import baskets, orders, placing
from shop.orders.placing import Confirmation, Draft, Quote
from shop.pricing import catalogue, money, periods
from shop.pricing.periods import Period


@dataclass(frozen=True)
class Wish:
    """So many licences more for a group, under a basket's name."""

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
    """Raise `reservations.NoRoom` where ``quantity`` more do not fit (the table has the word)."""
    if group.places_free is not None and quantity > group.places_free:
        raise reservations.NoRoom(group)


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


def quote(wish: Wish, account: Account) -> Quote:
    """What ``wish`` costs up to the renewal, for its customer."""
    now, offer = clock.now(), catalogue.offers()[wish.group.offer_id]
    share = periods.share_left(running_period(wish.group, now), now)
    line = money.Line(offer.code, offer.name, wish.quantity, offer.price_cents, share)
    treatment = vat.treatment_of(vat.place_of(account))
    return Quote([line], money.totals([line], treatment), treatment, is_estimate=False)


def place_order(account: Account, wish: Wish, confirmed: Confirmation) -> Order:
    """The order of ``wish``; its places are taken from now on, paid or not.

    Raises like `placing.place`, `reservations.NoRoom`, and `Refusal` where the group takes none.
    """

    def draft() -> Draft:
        now = clock.now()
        period = running_period(wish.group, now)
        check_room(wish.group, wish.quantity)
        quoted = quote(wish, account)
        check_amount(quoted)
        return Draft(
            wish.basket,
            wish.key,
            quoted,
            expires_at=min(now + orders.EXPIRES_AFTER, period.ends_at),
            hold=lambda lines: _hold(wish, lines, period),
        )

    return placing.place(account, wish.key, draft, confirmed)


def _hold(wish: Wish, lines: list[OrderLine], period: Period) -> None:
    for line in lines:
        reservations.hold(wish.group, line, period.end)


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
