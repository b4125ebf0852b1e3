"""The content of an invoice or credit note. Amounts are checked on creation, so that a document
whose lines and totals disagree is never rendered."""

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
from shop.vat import Kind

_NUMBER = re.compile(r"[A-Za-z0-9+_/-]{1,35}")
"""Invoice numbers that the French rules allow (BR-FR-01, BR-FR-02)."""


@dataclass(frozen=True)
class InvoiceLine:
    """A line and the period it charges; ``service`` is the name of its licence group."""

    line: Line
    period: Period
    service: str = ""


@dataclass(frozen=True)
class Corrected:
    """The invoice that a credit note corrects, in full or in part, or that another one replaces."""

    number: str
    issued_on: date


@dataclass(frozen=True)
class InvoiceDocument:
    """The content of an invoice or, with ``corrects``, of a credit note (amounts positive too).

    ``paid_on`` is the day on which it was paid or, for a credit note, refunded; ``payment`` is
    the printed sentence on the means of payment; ``is_paid_by_transfer`` says that the operator
    recorded it. ``reason`` is why a credit note was issued, or an invoice in place of another one
    (``replaces``), in its language. ``prepaid_cents`` is what was paid before, where it is less
    than the total. Raises `ValueError` if the content is not consistent.
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
    is_paid_by_transfer: bool = False
    replaces: Corrected | None = None
    prepaid_cents: int = 0

    def __post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.number):
            raise ValueError(f"{self.number!r} cannot be the number of an invoice")
        if not self.lines:
            raise ValueError(f"invoice {self.number} has no lines")
        added = totals((each.line for each in self.lines), self.totals.treatment)
        if not self._agrees_with(added):
            raise ValueError(f"invoice {self.number} does not add up: {added} is {self.totals}")

    def _agrees_with(self, added: Totals) -> bool:
        """Whether the amounts are the sums of the lines. The VAT of a credit note may differ by a
        cent, so that partial credit notes add up to the invoice's VAT, which is rounded once."""
        if not self.is_credit_note:
            return added == self.totals
        net, vat = self.totals.net_cents, self.totals.vat_cents
        is_close = net == added.net_cents and abs(vat - added.vat_cents) <= 1
        return is_close and net + vat == self.totals.total_cents

    @property
    def due_cents(self) -> int:
        """The amount still to be paid when it was issued."""
        return 0 if self.paid_on else self.totals.total_cents - self.prepaid_cents

    @property
    def is_credit_note(self) -> bool:
        """Whether it is a credit note."""
        return self.corrects is not None

    @property
    def is_on_debits(self) -> bool:
        """Whether its French VAT is due on the day of issue, by the seller's option."""
        return self.seller.vat_on_debits and self.totals.treatment.kind is Kind.DOMESTIC

    @property
    def title(self) -> str:
        """The name of the document, in its language."""
        name = N_("Credit note") if self.is_credit_note else N_("Invoice")
        return translate(name, self.language)
