"""Sentences that the law requires on an invoice."""

from __future__ import annotations

from shop.documents.invoice_data import InvoiceDocument
from shop.errors import N_
from shop.settings import Seller
from shop.text import formats
from shop.text.templates import translate

RECOVERY_CENTS = 4000
"""The fixed compensation for recovery costs (code de commerce, article D. 441-5)."""


def on_debits(document: InvoiceDocument) -> str:
    """Return the sentence on the seller's option for VAT on debits; "" without it.

    CGI, annexe II, article 242 nonies A, I, 11° bis.
    """
    if not document.is_on_debits:
        return ""
    return translate(N_("Option for the payment of VAT on debits."), document.language)


def late_payment_mentions(seller: Seller, language: str) -> dict[str, str]:
    """Return the late-payment terms for businesses, by note code (code de commerce, L. 441-9)."""
    return {
        "PMD": translate(
            N_("Late-payment interest: %(rate)s, from the day after the due date."),
            language,
            rate=translate(seller.late_payment_rate, language),
        ),
        "PMT": translate(
            N_("For late payment, businesses owe a fixed %(amount)s for recovery costs."),
            language,
            amount=formats.money(RECOVERY_CENTS, language),
        ),
        "AAB": translate(N_("No discount for early payment."), language),
    }
