"""What an invoice or a credit note says, checked when it is made: what does not add up is never
printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from shop.documents.parties import Buyer
from shop.errors import N_
from shop.pricing.money import Line, Totals, totals
from shop.pricing.periods import Period
from shop.settings import Seller
from shop.text.templates import translate

_NUMBER = re.compile(r"[A-Za-z0-9+_/-]{1,35}")
"""What the French rules allow as an invoice's number (BR-FR-01, BR-FR-02)."""


@dataclass(frozen=True)
class InvoiceLine:
    """A line and the days it is charged for; ``service`` names its licence group."""

    line: Line
    period: Period
    service: str = ""


@dataclass(frozen=True)
class Corrected:
    """The invoice a credit note takes back, wholly or in part."""

    number: str
    issued_on: date


@dataclass(frozen=True)
class InvoiceDocument:
    """Everything an invoice says; with ``corrects``, a credit note, its amounts positive too.

    ``paid_on`` is the day it was paid or, of a credit note, refunded; ``payment`` says how, for
    the customer to read. ``reason`` is why a credit note was issued, in its language.
    """

    number: str
    language: str
    shop_name: str
    seller: Seller
    buyer: Buyer
    issued_on: date
    due_on: date
    lines: tuple[InvoiceLine, ...]
    totals: Totals
    order_number: str = ""
    paid_on: date | None = None
    payment: str = ""
    corrects: Corrected | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.number):
            raise ValueError(f"{self.number!r} cannot be the number of an invoice")
        if not self.lines:
            raise ValueError(f"invoice {self.number} has no lines")
        added = totals((each.line for each in self.lines), self.totals.treatment)
        if not self._agrees_with(added):
            raise ValueError(f"invoice {self.number} does not add up: {added} is {self.totals}")

    def _agrees_with(self, added: Totals) -> bool:
        """Whether the amounts are what the lines add up to. Of a credit note the VAT may be a cent
        beside it: those of all parts of an invoice come to the invoice's VAT, rounded once."""
        if not self.is_credit_note:
            return added == self.totals
        net, vat = self.totals.net_cents, self.totals.vat_cents
        is_rest = net == added.net_cents and abs(vat - added.vat_cents) <= 1
        return is_rest and net + vat == self.totals.total_cents

    @property
    def is_credit_note(self) -> bool:
        """Whether it takes back an invoice."""
        return self.corrects is not None

    @property
    def title(self) -> str:
        """What it is called, in its language."""
        name = N_("Credit note") if self.is_credit_note else N_("Invoice")
        return translate(name, self.language)
