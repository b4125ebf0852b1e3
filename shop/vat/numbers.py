"""VAT numbers and SIREN: parsed as people type them, validated, normalized."""

from __future__ import annotations

import re

from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.fr import siren as fr_siren
from stdnum.fr import siret as fr_siret

from shop.errors import N_, Refusal
from shop.vat.territories import FRANCE, FRENCH_FAMILY, MEMBER_STATES

_LONGEST = 20


def prefix_of(country: str) -> str:
    """Return the prefix of the VAT numbers of ``country``; "" outside the Union."""
    if country == "GR":
        return "EL"
    if country in FRENCH_FAMILY:
        return FRANCE
    return country if country in MEMBER_STATES else ""


def read_vat_number(country: str, typed: str) -> str:
    """Return a VAT number in normal form: prefix and digits, no separators; "" if none was typed.

    The prefix may be left out, and GR is accepted for Greece. Outside the Union a number has no
    effect on VAT; it is only checked for a digit and its length. Raise `Refusal` at ``vat_number``.
    """
    number = re.sub(r"[^0-9A-Z+*]", "", typed.upper())
    if not number:
        if typed.strip():
            raise _invalid(prefix_of(country))
        return ""
    prefix = prefix_of(country)
    if not prefix:
        return _read_foreign(number)
    if prefix == "EL" and number.startswith("GR"):
        number = "EL" + number[2:]
    return _read_union(number, prefix)


def _read_union(number: str, prefix: str) -> str:
    valid = _valid(number) if number.startswith(prefix) else _valid(prefix + number)
    if valid:
        return valid
    if number[:2] != prefix and _valid(number):
        raise Refusal(
            N_(
                "This VAT number begins with %(prefix)s: it is of another country than the address."
            ),
            "vat_number",
            prefix=number[:2],
        )
    raise _invalid(prefix)


def _valid(number: str) -> str:
    """Return ``number`` in normal form, or "" if its format or check digit is wrong."""
    try:
        return str(eu_vat.validate(number))
    except ValidationError:
        return ""


def _invalid(prefix: str) -> Refusal:
    if not prefix:
        return Refusal(N_("This is not a VAT number. Check it, or leave the field empty."),
                       "vat_number")  # fmt: skip
    return Refusal(
        N_("This VAT number is not valid. Check it: it begins with %(prefix)s."),
        "vat_number",
        prefix=prefix,
    )


def _read_foreign(number: str) -> str:
    if len(number) > _LONGEST or not any(character.isdigit() for character in number):
        raise _invalid("")
    return number


def read_siren(typed: str) -> str:
    """Return the nine digits of a SIREN, also from a SIRET; "" if none was typed.

    Raise `Refusal` at ``siren``.
    """
    digits = re.sub(r"[\s.\-\u00a0\u202f]", "", typed)
    if not digits:
        return ""
    if fr_siret.is_valid(digits):
        return digits[:9]
    if not fr_siren.is_valid(digits):
        raise Refusal(
            N_("This SIREN is not valid. It has nine digits, for example 732 829 320."), "siren"
        )
    return digits


def siren_of(vat_number: str) -> str:
    """Return the SIREN inside a French VAT number; "" for any other, those of Monaco included."""
    if not vat_number.startswith(FRANCE) or vat_number[4:7] == "000":
        return ""
    return vat_number[4:]
