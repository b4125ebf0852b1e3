"""The purchase order as PDF: parties, lines, amount due, payment deadline and means of payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from shop.documents import content, pdf
from shop.documents.parties import Buyer
from shop.errors import N_
from shop.pricing.money import Line, Totals
from shop.settings import Seller
from shop.text import formats
from shop.text.templates import translate


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


_STATES = {
    PurchaseOrderState.PAYABLE: N_("Valid until"),
    PurchaseOrderState.PAID: N_("Paid on"),
    PurchaseOrderState.CANCELLED: N_("Cancelled"),
    PurchaseOrderState.EXPIRED: N_("Expired"),
    PurchaseOrderState.REFUNDED: N_("Refunded"),
}

_PAY_BY_CARD = N_(
    "By card, online: open your order at the address below and choose “Pay by card”. "
    "The installation begins as soon as the payment is received."
)
_PAY_UNTIL = N_(
    "This purchase order can be paid until %(moment)s. It then expires, and nothing is due."
)


def purchase_order_pdf(document: PurchaseOrderDocument) -> bytes:
    """Return the purchase order as an accessible PDF, in its language."""
    return pdf.render("purchase_order.typ", _content(document))


def _content(document: PurchaseOrderDocument) -> content.Texts:
    language, say = document.language, partial(translate, language=document.language)
    total = formats.money(document.totals.total_cents, language)
    name = say(N_("Purchase order no. %(number)s"), number=document.number)
    due = N_("Total due incl. VAT") if document.is_payable else N_("Total incl. VAT")
    return {
        "language": language,
        "shop_name": document.shop_name,
        "title": f"{name} · {document.shop_name}",
        "author": document.seller.name,
        "description": f"{formats.day(document.placed_at, language)} · {total}",
        "keywords": [],
        "heading": say(N_("Purchase order")),
        "number": say(N_("no. %(number)s"), number=document.number),
        "foot": content.foot(document.seller, language),
        "fonts": [content.font_of(document.buyer.country)],
        "facts": [
            [say(N_("Date")), formats.day(document.placed_at, language)],
            [
                say(_STATES[document.state]),
                formats.day(document.state_at or document.expires_at, language),
            ],
            [say(N_("Customer ID")), document.buyer.nic_handle],
            [say(N_("Total incl. VAT")), total],
        ],
        "parties": content.parties(document.seller, document.buyer, language),
        "columns": content.columns(language),
        "rows": [content.row(line, [_detail(line, language)], language) for line in document.lines],
        **content.sums(document.totals, say(due), language),
        "panels": [_state_panel(document).record()],
        "accepted": _accepted(document),
    }


def _detail(line: Line, language: str) -> str:
    if line.share:
        return content.pro_rata(line.share, language)
    return translate(N_("Licences, by the month"), language)


def _state_panel(document: PurchaseOrderDocument) -> content.Panel:
    """Return how to pay it, or why there is nothing to pay."""
    language = document.language
    moment = formats.moment(document.state_at or document.expires_at, language)
    if document.is_payable:
        return content.Panel(
            [translate(_PAY_BY_CARD, language)],
            title=translate(N_("How to pay"), language),
            address=document.pay_url,
            small=translate(_PAY_UNTIL, language, moment=moment),
        )
    if document.is_paid:
        sentence = N_("Paid on %(moment)s. Thank you for your order.")
    elif document.is_refunded:
        sentence = N_("This order was refunded in full on %(moment)s.")
    else:
        sentence = N_("This purchase order is closed since %(moment)s. Nothing is due.")
    return content.Panel([translate(sentence, language, moment=moment)], is_good=document.is_paid)


def _accepted(document: PurchaseOrderDocument) -> content.Texts:
    """Return the table of the contracts accepted with it."""
    language, say = document.language, partial(translate, language=document.language)
    return {
        "title": say(N_("Contracts accepted with this order")),
        "columns": [
            say(N_("Contract")),
            say(N_("Accepted on")),
            say(N_("Digest of the text (SHA-256)")),
        ],
        "contracts": [
            {
                "title": each.title,
                "version": say(N_("version %(number)s"), number=each.version),
                "accepted_at": formats.moment(each.accepted_at, language),
                "digest": [each.digest[:32], each.digest[32:]],
            }
            for each in document.contracts
        ],
    }
