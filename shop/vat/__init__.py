"""VAT: which rate a customer pays, and what the documents must say about it (design: Billing).

A French seller of services supplied electronically taxes its customers where they are:

- France and Monaco at 20 %, Guadeloupe, Martinique and Réunion at 8.5 %, Guyane and Mayotte not
  at all (CGI, articles 278, 296 and 294);
- consumers of the Union at the standard rate of their country, declared in the One Stop Shop
  (directive 2006/112/EC, articles 58 and 369a onwards);
- businesses of the Union not at all, once their VAT number was confirmed: the customer owes the VAT
  (articles 44 and 196). Until then they are taxed as consumers of their country, as the seller may
  do while no valid number is given (regulation 282/2011, article 18, paragraph 2);
- customers outside the Union's VAT area not at all (CGI, articles 259 and 259 D).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from records.accounts import VatStatus
from shop.errors import N_
from shop.vat.numbers import prefix_of
from shop.vat.rates import standard_rate
from shop.vat.territories import FRANCE, Zone, territory_of, zone_of


class Kind(StrEnum):
    """Why a rate applies."""

    DOMESTIC = "domestic"
    UNTAXED = "untaxed"
    OSS = "oss"
    REVERSE_CHARGE = "reverse_charge"
    OUTSIDE = "outside"


_MENTIONS: dict[Kind, str] = {
    Kind.UNTAXED: N_("VAT not applicable: article 294, 1 of the French tax code (CGI)."),
    Kind.OSS: N_("VAT of %(country)s, declared through the One Stop Shop of the Union (OSS)."),
    Kind.REVERSE_CHARGE: N_(
        "Reverse charge: VAT is due by the customer (directive 2006/112/EC, articles 44 and 196)."
    ),
    Kind.OUTSIDE: N_(
        "VAT not applicable: the customer is established outside the VAT area of the European "
        "Union (articles 259 and 259 D of the French tax code, CGI)."
    ),
}

_CATEGORIES: dict[Kind, str] = {
    Kind.DOMESTIC: "S",
    Kind.OSS: "S",
    Kind.UNTAXED: "E",
    Kind.REVERSE_CHARGE: "AE",
    Kind.OUTSIDE: "O",
}


@dataclass(frozen=True)
class VatTreatment:
    """How a sale is taxed. ``rate`` is in basis points (2000 is 20 %)."""

    kind: Kind
    territory: str
    rate: int

    @property
    def code(self) -> str:
        """The text an order stores, beside the rate: ``kind:territory``; read by `restore`."""
        return f"{self.kind}:{self.territory}"

    @property
    def country(self) -> str:
        """The ISO 3166 code of the territory's country."""
        return self.territory[:2]

    @property
    def category(self) -> str:
        """The VAT category of an e-invoice (UNTDID 5305): S, E, AE or O."""
        return _CATEGORIES[self.kind]

    @property
    def mention(self) -> str:
        """The sentence the documents must carry, in the catalogue's English; "" if none.

        It may have a placeholder ``%(country)s``, for the name of `country`.
        """
        return _MENTIONS.get(self.kind, "")


@dataclass(frozen=True)
class PlaceOfSupply:
    """The customer's location, and whether a VAT number of that country was confirmed."""

    country: str
    postcode: str = ""
    vat_number: str = ""
    vat_confirmed: bool = False


class Buyer(Protocol):
    """The attributes of a customer's account that VAT depends on."""

    country: str
    postcode: str
    vat_number: str
    vat_status: str


def place_of(buyer: Buyer) -> PlaceOfSupply:
    """Return the place of supply of a customer's account."""
    return PlaceOfSupply(
        country=buyer.country,
        postcode=buyer.postcode,
        vat_number=buyer.vat_number,
        vat_confirmed=buyer.vat_status == VatStatus.CONFIRMED,
    )


def french_estimate(on: date | None = None) -> VatTreatment:
    """Return the treatment shown with prices before the customer is known: a sale in France."""
    return treatment_of(PlaceOfSupply(FRANCE), on)


def treatment_of(place: PlaceOfSupply, on: date | None = None) -> VatTreatment:
    """Return how a sale to ``place`` on a day (today by default) is taxed."""
    territory = territory_of(place.country, place.postcode)
    zone = zone_of(territory)
    if zone is Zone.FRANCE:
        return VatTreatment(Kind.DOMESTIC, territory, standard_rate(territory, on))
    if zone is Zone.FRANCE_UNTAXED:
        return VatTreatment(Kind.UNTAXED, territory, 0)
    if zone is Zone.OUTSIDE:
        return VatTreatment(Kind.OUTSIDE, territory, 0)
    if _is_confirmed_business(place):
        return VatTreatment(Kind.REVERSE_CHARGE, territory, 0)
    return VatTreatment(Kind.OSS, territory, standard_rate(territory, on))


def _is_confirmed_business(place: PlaceOfSupply) -> bool:
    """Return whether the confirmed VAT number is of the customer's country.

    After a move to another country a number of that country is required.
    """
    return place.vat_confirmed and place.vat_number.startswith(prefix_of(place.country))


def restore(code: str, rate: int) -> VatTreatment:
    """Return the treatment an order was placed with, from its ``vat_code`` and ``vat_rate``."""
    kind, _, territory = code.partition(":")
    return VatTreatment(Kind(kind), territory, rate)
