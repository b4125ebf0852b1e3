"""VAT territories: country and postcode, as finely divided as VAT law divides them.

Some islands, valleys and free ports belong to a member state but not to the Union's VAT area
(directive 2006/112/EC, articles 6 and 7); France taxes its overseas departments at rates of
their own (CGI, articles 294 and 296). The postcode identifies most of them.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

FRANCE = "FR"

MEMBER_STATES = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)
"""The 27 member states of the Union, by ISO 3166 code (Greece is GR here, EL in VAT numbers)."""

_FRENCH_PREFIXES = {
    "97133": "BL", "97150": "MF", "9705": "MF", "9709": "BL", "970": "GP",
    "971": "GP", "972": "MQ", "973": "GF", "974": "RE", "975": "PM", "976": "YT", "977": "RE",
    "978": "RE", "980": "MC", "984": "TF", "986": "WF", "987": "PF", "988": "NC",
}  # fmt: skip
"""Postcodes of La Poste, longest first. 970, 977 and 978 are CEDEX codes of companies: 97054 is
Saint-Martin, 97098 Saint-Barthélemy, 97744 and 97801 Réunion. (977 and 978 begin the INSEE codes
of Saint-Barthélemy and Saint-Martin, which are no postcodes.)"""

FRENCH_FAMILY = frozenset(_FRENCH_PREFIXES.values()) | {FRANCE}
"""Countries of ISO 3166 with French postcodes; a customer there may also choose France."""

OVERSEAS_DEPARTMENTS = frozenset({"GP", "MQ", "RE", "GF", "YT"})

_SPECIAL_PREFIXES = {
    "DE": {"27498": "DE-HELGOLAND", "78266": "DE-BUESINGEN"},
    "DK": {"39": "GL"},
    "ES": {"35": "ES-CN", "38": "ES-CN", "51": "ES-CE", "52": "ES-ML"},
    "FI": {"22": "AX"},
    "GR": {"63086": "GR-69", "63087": "GR-69"},
    "IT": {"22061": "IT-CAMPIONE", "23041": "IT-LIVIGNO"},
    "PT": {"90": "PT-30", "91": "PT-30", "92": "PT-30", "93": "PT-30", "94": "PT-30"}
    | {"95": "PT-20", "96": "PT-20", "97": "PT-20", "98": "PT-20", "99": "PT-20"},
}
"""Heligoland, Büsingen, Greenland, the Canaries, Ceuta, Melilla, Åland, Mount Athos, Campione and
Livigno lie outside the VAT area; Madeira (PT-30) and the Azores (PT-20) have rates of their own."""

_POSTCODE_DIGITS = {"DE": 5, "DK": 4, "ES": 5, "FI": 5, "GR": 5, "IT": 5}


class Zone(StrEnum):
    """The kind of a territory, as a French seller taxes it."""

    FRANCE = "france"
    FRANCE_UNTAXED = "france_untaxed"
    UNION = "union"
    OUTSIDE = "outside"


_IN_FRANCE = frozenset({"FR", "MC", "GP", "MQ", "RE"})
_UNTAXED = frozenset({"GF", "YT"})
_UNION_REGIONS = frozenset({"PT-20", "PT-30"})


def compact_postcode(postcode: str) -> str:
    """Return a postcode without spaces, hyphens, country letters and the word CEDEX.

    "F-97 400", "FR 97400" and "97400 Cedex 9" are 97400. Letters after the first digit stay.
    """
    plain = unicodedata.normalize("NFKC", postcode).upper().partition("CEDEX")[0]
    return re.sub(r"^[A-Z]{1,3}(?=\d)", "", re.sub(r"[^0-9A-Z]", "", plain))


def territory_of(country: str, postcode: str = "") -> str:
    """Return the territory of an address: an ISO 3166 code, or our own code of a special region.

    Among the countries with French postcodes the postcode decides, not the country chosen.
    """
    country, postcode = country.upper(), compact_postcode(postcode)
    if country in FRENCH_FAMILY:
        return _french_territory(postcode) if postcode else country
    digits = _POSTCODE_DIGITS.get(country)
    if digits and len(postcode) != digits:
        return country
    prefixes = _SPECIAL_PREFIXES.get(country, {})
    return next((code for start, code in prefixes.items() if postcode.startswith(start)), country)


def _french_territory(postcode: str) -> str:
    if len(postcode) != 5:
        return FRANCE
    matching = (code for start, code in _FRENCH_PREFIXES.items() if postcode.startswith(start))
    return next(matching, FRANCE)


def zone_of(territory: str) -> Zone:
    """Return the zone of a territory, for a seller in France."""
    if territory in _IN_FRANCE:
        return Zone.FRANCE
    if territory in _UNTAXED:
        return Zone.FRANCE_UNTAXED
    if territory in MEMBER_STATES or territory in _UNION_REGIONS:
        return Zone.UNION
    return Zone.OUTSIDE
