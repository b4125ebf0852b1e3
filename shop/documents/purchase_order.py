"""The purchase order as PDF: parties, lines, amount due, payment deadline and means of payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shop.documents import pdf
from shop.documents.parties import Buyer
from shop.pricing.money import Line, Totals
from shop.settings import Seller


class PurchaseOrderState(StrEnum):
    """The state of an order at the time its purchase order is rendered."""

    PAYABLE = "payable"
    PAID = "paid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"


@dataclass(frozen=True)
class AcceptedContract:
    """A contract the customer accepted; ``digest`` is the SHA-256 of its text, in hexadecimal."""

    title: str
    version: int
    digest: str
    accepted_at: datetime


@dataclass(frozen=True)
class PurchaseOrderDocument:
    """The content of a purchase order. ``state_at`` is when it was paid or closed.

    ``pay_url`` is the URL of the order's page in the shop.
    """

    number: str
    language: str
    shop_name: str
    seller: Seller
    buyer: Buyer
    placed_at: datetime
    expires_at: datetime
    lines: tuple[Line, ...]
    totals: Totals
    contracts: tuple[AcceptedContract, ...]
    pay_url: str
    state: PurchaseOrderState = PurchaseOrderState.PAYABLE
    state_at: datetime | None = None

    @property
    def is_payable(self) -> bool:
        """Whether it can still be paid."""
        return self.state == PurchaseOrderState.PAYABLE

    @property
    def is_paid(self) -> bool:
        """Whether it is paid."""
        return self.state == PurchaseOrderState.PAID

    @property
    def is_refunded(self) -> bool:
        """Whether its payment was refunded."""
        return self.state == PurchaseOrderState.REFUNDED


def purchase_order_pdf(document: PurchaseOrderDocument) -> bytes:
    """Return the purchase order as an accessible PDF, in its language."""
    return pdf.render("purchase_order.html", document.language, document=document)
