"""What invoices and purchase orders share, as the strings that their templates print.

The names of the fields are those that ``templates/documents/`` read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shop.documents.parties import Buyer
from shop.errors import N_
from shop.pricing.money import Line, Share, Totals
from shop.settings import Seller
from shop.text import formats
from shop.text.templates import translate, vat_mention

Texts = dict[str, object]

Given = str | dict[str, str]
"""A text; as a dictionary, one that is written from right to left."""

_CHARACTERS = {"JP": "JP", "KR": "KR", "TW": "TC", "HK": "HK", "MO": "HK"}

ZERO_WIDTH_SPACE = "\u200b"
_PART_OF_LONG_WORD = re.compile(r"\S{24}(?=\w)")
"""What fits into a column; no letter is parted from its accents, which are no letters."""


@dataclass(frozen=True)
class Panel:
    """A framed remark: a title, sentences, an address to open, and a sentence in smaller type."""

    texts: Sequence[str]
    title: str = ""
    address: str = ""
    small: str = ""
    is_good: bool = False

    def record(self) -> Texts:
        """Return it as the template reads it."""
        return {
            "texts": list(self.texts),
            "title": self.title,
            "address": [self.address, breakable(self.address)] if self.address else None,
            "small": self.small,
            "good": self.is_good,
        }


def parties(seller: Seller, buyer: Buyer, language: str) -> list[Texts]:
    """Return the frames of the seller and the buyer."""
    vat_number = translate(N_("VAT number"), language)
    siren = translate(N_("SIREN"), language)
    return [
        {
            "title": translate(N_("Seller"), language),
            "name": given(seller.name),
            "lines": [given(seller.legal_form), *_address(seller, language)],
            "numbers": [
                f"{siren} {digits(seller.siren)}",
                f"{vat_number} {seller.vat_number}",
                seller.email,
            ],
        },
        {
            "title": translate(N_("Customer"), language),
            "name": given(buyer.name),
            "lines": [
                *([given(buyer.person)] if buyer.company else []),
                *_address(buyer, language),
            ],
            "numbers": [
                *([f"{siren} {digits(buyer.siren)}"] if buyer.siren else []),
                *([f"{vat_number} {buyer.vat_number}"] if buyer.vat_number else []),
            ],
        },
    ]


def _address(party: Seller | Buyer, language: str) -> list[Given]:
    town = f"{party.postcode} {party.city}".strip()
    return [given(party.street), given(town), formats.country(party.country, language)]


def font_of(country: str) -> str:
    """Return the font for Chinese characters, which each country writes in its own way."""
    return f"Noto Sans CJK {_CHARACTERS.get(country, 'SC')}"


def given(text: str) -> Given:
    """Return somebody's own text: from right to left if its first letter is written so."""
    directions = (unicodedata.bidirectional(character) for character in text)
    first = next((each for each in directions if each in {"L", "R", "AL"}), "L")
    return breakable(text) if first == "L" else {"right_to_left": breakable(text)}


def breakable(text: str) -> str:
    """Return a text whose words may be broken where they are longer than a column."""
    return _PART_OF_LONG_WORD.sub(lambda part: part[0] + ZERO_WIDTH_SPACE, text)


def digits(siren: str) -> str:
    """Return a SIREN in groups of three digits."""
    return f"{siren[:3]}\u00a0{siren[3:6]}\u00a0{siren[6:]}"


def foot(seller: Seller, language: str) -> str:
    """Return the line at the foot of every page: who the seller is."""
    siren, vat_number = translate(N_("SIREN"), language), translate(N_("VAT number"), language)
    return (
        f"{seller.name}, {seller.legal_form} · {siren} {digits(seller.siren)} · "
        f"{vat_number} {seller.vat_number}"
    )


def columns(language: str) -> list[str]:
    """Return the heads of the columns of lines."""
    return [
        translate(N_("Description"), language),
        translate(N_("Quantity"), language),
        translate(N_("Unit price excl. VAT"), language),
        translate(N_("Amount excl. VAT"), language),
    ]


def row(line: Line, details: Iterable[str], language: str) -> Texts:
    """Return one line; ``details`` stand under its name."""
    return {
        "name": line.name,
        "details": [given(each) for each in details],
        "figures": [
            formats.number(line.quantity, language),
            formats.money(line.unit_price_cents, language),
            formats.money(line.net_cents, language),
        ],
    }


def pro_rata(share: Share, language: str) -> str:
    """Return the sentence on a part of a month."""
    return translate(
        N_("Pro rata: %(days)s of %(all)s days"),
        language,
        days=formats.number(share.days, language),
        all=formats.number(share.of, language),
    )


def sums(totals: Totals, due: str, language: str) -> Texts:
    """Return the sums; ``due`` is what the last one is called."""
    rate = formats.rate(totals.vat_rate, language)
    return {
        "sums": [
            [
                translate(N_("Total excl. VAT"), language),
                formats.money(totals.net_cents, language),
            ],
            [
                translate(N_("VAT (%(rate)s)"), language, rate=rate),
                formats.money(totals.vat_cents, language),
            ],
        ],
        "due": [due, formats.money(totals.total_cents, language)],
        "mention": vat_mention(totals.treatment, language),
    }
