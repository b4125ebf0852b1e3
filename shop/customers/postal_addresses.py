"""Postal addresses: the list of countries, and the checks that depend on the country."""

from __future__ import annotations

import re

from shop.errors import N_, Refusal
from shop.text import formats
from shop.vat.numbers import read_siren, read_vat_number, siren_of
from shop.vat.territories import (
    FRANCE,
    FRENCH_FAMILY,
    OVERSEAS_DEPARTMENTS,
    compact_postcode,
    territory_of,
)


def countries(language: str) -> list[tuple[str, str]]:
    """Return all countries as (ISO 3166 code, name), in the alphabetical order of ``language``."""
    return list(formats.countries(language))


def check_postcode(country: str, postcode: str) -> str:
    """Return the postcode as stored, with normalised spaces.

    French postcodes are checked, because they determine the VAT territory. Raise `Refusal` at
    ``postcode`` for one that is missing, malformed or of another territory than ``country``.
    """
    if country not in FRENCH_FAMILY:
        return re.sub(r"\s+", " ", postcode).strip()
    digits = compact_postcode(postcode)
    if not re.fullmatch(r"\d{5}", digits):
        raise Refusal(N_("A French postcode has five digits."), "postcode")
    if country not in (FRANCE, territory_of(country, digits)):
        raise Refusal(N_("This postcode lies in another territory than the country."), "postcode")
    return digits


def needs_siren(country: str, postcode: str = "") -> bool:
    """Whether companies there must give a SIREN (mainland France and overseas departments)."""
    territory = territory_of(country, postcode)
    return territory == FRANCE or territory in OVERSEAS_DEPARTMENTS


def check_company(
    country: str, postcode: str, company: str, siren: str, vat_number: str
) -> tuple[str, str]:
    """Return a company's SIREN and VAT number as stored; "" for one it does not have.

    A French VAT number contains the SIREN. Raise `Refusal` at ``company``, ``siren`` or
    ``vat_number`` for a value that is missing, wrong, or of another country than the address.
    """
    number = read_vat_number(country, vat_number)
    given = read_siren(siren) if country in FRENCH_FAMILY else ""
    if not company.strip():
        if number or given:
            raise Refusal(N_("Give the name of the company these numbers are of."), "company")
        return "", ""
    inside = siren_of(number)
    if given and inside and given != inside:
        raise Refusal(N_("The SIREN and the VAT number are of different companies."), "siren")
    if not given and not inside and needs_siren(country, postcode):
        raise Refusal(N_("French companies give their SIREN, nine digits."), "siren")
    return given or inside, number
