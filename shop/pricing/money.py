"""Prices: lines, totals and VAT. The only module that rounds money.

Money is an integer number of cents. A line is quantity times unit price, exact; only a pro rata
share of it is rounded, half up, once per line. VAT is the rate times the sum of the lines, rounded
half up, once per document: e-invoices reject rounding per line (EN 16931, BR-CO-17).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shop.errors import N_, Refusal
from shop.vat import VatTreatment

WHOLE = 10_000
"""Basis points in a whole: a rate of 2000 is 20 %."""

MOST_CENTS = 100_000_000_000
"""The largest total of one document (a thousand million euros); a larger one is a typing error."""

LEAST_CENTS = 50
"""The smallest amount charged, VAT included: card payments begin at 0.50 EUR."""

MOST_PAYABLE_CENTS = 99_999_999
"""The largest amount that one card payment takes, VAT included (999,999.99 EUR)."""


class TooLarge(Refusal):
    """A quantity or total beyond what the shop can charge."""


def round_half_up(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` rounded half up. Neither may be negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def rounded(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` rounded half up, away from zero where it is negative."""
    size = round_half_up(abs(numerator), denominator)
    return -size if numerator < 0 else size


@dataclass(frozen=True)
class Share:
    """A part of a billing period, in days: ``days`` of its ``of`` days are charged."""

    days: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.days <= self.of or self.of <= 0:
            raise ValueError(f"{self.days} of {self.of} days is no share of a period")


@dataclass(frozen=True)
class Line:
    """A quantity of licences of an offer (its code), at a monthly price excluding VAT, in cents.

    ``share`` is the part of the month charged for licences that join a current period.
    """

    offer: str
    name: str
    quantity: int
    unit_price_cents: int
    share: Share | None = None

    def __post_init__(self) -> None:
        if self.quantity < 0 or self.unit_price_cents < 0:
            raise ValueError("quantities and prices are not negative")

    @property
    def days(self) -> int | None:
        """The number of days charged; None for whole months."""
        return self.share.days if self.share else None

    @property
    def period_days(self) -> int | None:
        """The number of days of the period that `days` is part of; None for whole months."""
        return self.share.of if self.share else None

    @property
    def full_cents(self) -> int:
        """The price of the line for a whole period, excluding VAT."""
        return self.quantity * self.unit_price_cents

    @property
    def net_cents(self) -> int:
        """The price of the line, excluding VAT; a share of it is rounded half up."""
        if self.share is None:
            return self.full_cents
        return round_half_up(self.full_cents * self.share.days, self.share.of)


@dataclass(frozen=True)
class Totals:
    """The totals of a document, in cents; ``treatment`` says how it is taxed."""

    net_cents: int
    vat_cents: int
    total_cents: int
    treatment: VatTreatment

    @property
    def vat_rate(self) -> int:
        """The VAT rate in basis points."""
        return self.treatment.rate


def vat_on(net_cents: int, rate: int) -> int:
    """Return the VAT of an amount at a rate in basis points, rounded half up, in cents."""
    return round_half_up(net_cents * rate, WHOLE)


def totals(lines: Iterable[Line], treatment: VatTreatment) -> Totals:
    """Return the totals of ``lines`` under ``treatment``.

    Raise `TooLarge` beyond what the shop can charge.
    """
    net = sum(line.net_cents for line in lines)
    vat = vat_on(net, treatment.rate)
    if net + vat > MOST_CENTS:
        raise TooLarge(N_("This order is too large for the shop. Please contact us."))
    return Totals(net, vat, net + vat, treatment)
