"""What a VAT return consists of: its figures and lines, and the documents behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shop import vat
from shop.pricing import money
from shop.vat import VatTreatment


@dataclass(frozen=True, order=True)
class Figure:
    """A base excluding VAT and its VAT, in cents, of sales that are taxed alike."""

    code: str
    rate: int
    base_cents: int
    vat_cents: int

    @property
    def treatment(self) -> VatTreatment:
        """How these sales are taxed."""
        return vat.restore(self.code, self.rate)

    @property
    def total_cents(self) -> int:
        """The amount with VAT."""
        return self.base_cents + self.vat_cents


@dataclass(frozen=True, order=True)
class Service:
    """A line of the DES: services to a business of another member state."""

    vat_number: str
    base_cents: int

    @property
    def euros(self) -> int:
        """The amount declared: whole euros, rounded."""
        return money.rounded(self.base_cents, 100)


@dataclass(frozen=True, order=True)
class OssLine:
    """A line of an OSS return; ``quarter`` is the earlier one that it corrects, "" for none."""

    country: str
    rate: int
    quarter: str
    base_cents: int
    vat_cents: int


@dataclass(frozen=True)
class Document:
    """A document or a movement of money that a figure is made of."""

    day: date
    number: str
    nic_handle: str
    base_cents: int
    vat_cents: int
