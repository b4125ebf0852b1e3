"""Baskets: the licences a visitor is about to order, carried in the URL of each step.

A basket is a random name and two quantities in the URL. It survives signing in, a second tab and
the back button, and each tab orders exactly what it shows. The name distinguishes baskets with the
same content, and makes "Confirm and Pay" idempotent.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from functools import cached_property

from records.accounts import Account
from records.orders import Order, OrderLine
from shop import vat
from shop.errors import N_, Refusal
from shop.orders import on_sale, placing
from shop.orders.placing import Confirmation, OrderKind, Quote
from shop.parsing.numbers_and_json import read_integer
from shop.pricing import catalogue, money
from shop.pricing.catalogue import PricedOffer

MOST_LICENCES = 100_000
"""The most licences of one offer in one order; groups themselves may grow further."""

TOO_MANY_BUT_FOR = N_(
    "A group of %(offer)s licences holds at most %(limit)d licences. For more, choose %(larger)s."
)

_NAME = re.compile(r"[A-Za-z0-9_-]{16,43}")


@dataclass(frozen=True)
class Basket:
    """Numbers of licences by offer code, under a random name.

    It holds those offers that the URL names, so that its key stays the same when another offer
    comes on sale.
    """

    name: str
    quantities: dict[str, int]

    @property
    def key(self) -> str:
        """The idempotency key: name and content."""
        content = ":".join(f"{code}={number}" for code, number in sorted(self.quantities.items()))
        return f"{self.name}:{content}"

    @property
    def is_empty(self) -> bool:
        """Whether it holds no licences."""
        return not any(self.quantities.values())


def new_name() -> str:
    """Return a random name for a new basket."""
    return secrets.token_urlsafe(16)


def is_name(text: str) -> bool:
    """Whether ``text`` can be a basket's name."""
    return bool(_NAME.fullmatch(text))


def read_quantity(text: str, offer: PricedOffer) -> int:
    """Return the number of licences typed for ``offer``.

    Raises `Refusal` at the offer's field unless it is a whole number that the offer allows.
    """
    typed = re.sub(r"[\s\u00a0\u202f]", "", text)
    if not typed:
        raise Refusal(N_("Enter a number of licences: 0 if you do not want any."), offer.code)
    if re.fullmatch(r"-\d+([.,]\d+)?", typed):
        raise Refusal(N_("The number of licences cannot be negative."), offer.code)
    if re.fullmatch(r"\+?\d+[.,]\d+", typed):
        raise Refusal(N_("Licences cannot be divided: enter a whole number."), offer.code)
    if not re.fullmatch(r"\+?[0-9]+", typed):
        raise Refusal(N_("Enter a whole number in digits, for example 5."), offer.code)
    number = read_integer(typed.removeprefix("+"), high=MOST_LICENCES)
    if number is None:
        number = MOST_LICENCES + 1  # its value no longer matters, only that it is too large
    if offer.places_limit is not None and number > offer.places_limit:
        raise Refusal(
            TOO_MANY_BUT_FOR if offer.larger else on_sale.TOO_MANY,
            offer.code,
            offer=offer.name,
            limit=offer.places_limit,
            larger=offer.larger,
        )
    if number > MOST_LICENCES:
        raise Refusal(
            N_("You can order at most 100,000 licences at once. Contact us if you need more."),
            offer.code,
        )
    return number


def read_basket(name: str, typed: dict[str, str], offers: dict[str, PricedOffer]) -> Basket:
    """Return the basket with the quantities typed, by offer code.

    Raises `InvalidBasket` with every refusal, each at its field. What is no longer on sale is in
    it, too: `check_basket` refuses that.
    """
    quantities, refusals = {}, []
    for code, offer in offers.items():
        try:
            if code in typed:
                quantities[code] = read_quantity(typed[code], offer)
        except Refusal as refusal:
            refusals.append(refusal)
    if not refusals and not any(quantities.values()):
        refusals.append(Refusal(N_("Choose at least one licence."), _first_field(typed, offers)))
    if refusals:
        raise InvalidBasket(refusals)
    return Basket(name if is_name(name) else new_name(), quantities)


def _first_field(typed: dict[str, str], offers: dict[str, PricedOffer]) -> str:
    fields = [code for code in offers if code in typed] or list(offers)
    return next((code for code in fields if offers[code].is_on_sale), next(iter(fields), ""))


def check_basket(basket: Basket, offers: dict[str, PricedOffer]) -> None:
    """Raise `InvalidBasket` if a basket holds licences that are no longer on sale."""
    refusals = []
    for code, number in basket.quantities.items():
        try:
            if number:
                on_sale.check_on_sale(offers[code])
        except Refusal as refusal:
            refusals.append(refusal)
    if refusals:
        raise InvalidBasket(refusals)


class InvalidBasket(Exception):
    """The input is not a valid basket; ``refusals`` says why, field by field."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__("; ".join(map(str, refusals)))
        self.refusals = refusals


# --- Ordering --------------------------------------------------------------------------------


def quote(basket: Basket, offers: dict[str, PricedOffer], account: Account | None) -> Quote:
    """Return the monthly price of ``basket`` for a customer, or an estimate before sign-in."""
    lines = [
        money.Line(code, offers[code].name, number, offers[code].price_cents)
        for code, number in basket.quantities.items()
        if number
    ]
    treatment = vat.treatment_of(vat.place_of(account)) if account else vat.french_estimate()
    return Quote(lines, money.totals(lines, treatment), treatment, account is None)


def read_and_quote(
    name: str, typed: dict[str, str], offers: dict[str, PricedOffer], account: Account | None
) -> tuple[Basket, Quote]:
    """Return the basket typed and its price.

    Raises `InvalidBasket`, also if no bank accepts the total, or an offer is no longer on sale.
    """
    basket = read_basket(name, typed, offers)
    check_basket(basket, offers)
    try:
        quoted = quote(basket, offers, account)
        placing.check_payable(quoted.totals.total_cents)
    except Refusal as refusal:
        field = next(code for code, number in basket.quantities.items() if number)
        raise InvalidBasket([Refusal(refusal.sentence, field, **refusal.values)]) from refusal
    return basket, quoted


class BasketOrder(OrderKind):
    """The order of a basket: each of its lines creates a new group (guide)."""

    def __init__(self, account: Account, basket: Basket) -> None:
        super().__init__(account, basket.name, basket.key)
        self.contents = basket

    @cached_property
    def quote(self) -> Quote:
        """The price of the licences for one month."""
        return quote(self.contents, self.offers, self.account)

    @cached_property
    def offers(self) -> catalogue.Offers:
        """The offers as they were when it was placed."""
        return catalogue.offers(language=self.language)

    def check(self) -> None:
        """Raise `Refusal` at the first offer that is no longer on sale."""
        for code, number in self.contents.quantities.items():
            if number:
                on_sale.check_on_sale(self.offers[code])

    def reserve(self, lines: list[OrderLine]) -> None:
        """Raise `Refusal` at an offer whose sale ended, or whose limit was lowered, meanwhile."""
        on_sale.hold(lines)


def place_order(account: Account, basket: Basket, confirmed: Confirmation) -> Order:
    """Place the order of a basket. Raises the exceptions of `placing.place`."""
    return placing.place(BasketOrder(account, basket), confirmed)
