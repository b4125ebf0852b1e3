"""The accounts of the general plan (PCG) that the shop's entries are booked on, by setting."""

from __future__ import annotations

from dataclasses import dataclass

from shop import settings
from shop.vat import Kind


@dataclass(frozen=True)
class BookAccount:
    """An account: its number, and its French name."""

    number: str
    name: str


_NAMES = {
    "customers": "Clients",
    "bank": "Banque",
    "cards": "Encaissements par carte",
    "bank_fees": "Commissions sur cartes bancaires",
    "goodwill": "Gestes commerciaux",
    "vat": "TVA collectée",
    "vat_oss": "TVA collectée, guichet unique OSS",
    "sales": "Prestations de services, France",
    "sales_untaxed": "Prestations de services, Guyane et Mayotte",
    "sales_oss": "Prestations de services, particuliers de l'UE",
    "sales_reverse_charge": "Prestations de services, entreprises de l'UE",
    "sales_outside": "Prestations de services, hors UE",
}

_SALES = {
    Kind.DOMESTIC: "sales",
    Kind.UNTAXED: "sales_untaxed",
    Kind.OSS: "sales_oss",
    Kind.REVERSE_CHARGE: "sales_reverse_charge",
    Kind.OUTSIDE: "sales_outside",
}


def account_for(role: str) -> BookAccount:
    """Return the account of a role, by its name in ``ACCOUNTING_CHART``."""
    return BookAccount(dict(settings.current().accounting_chart)[role], _NAMES[role])


def sales_of(kind: str) -> BookAccount:
    """Return the account of sales that are taxed so (`shop.vat.Kind`)."""
    return account_for(_SALES[Kind(kind)])


def vat_of(kind: str) -> BookAccount:
    """Return the account of the VAT collected on sales that are taxed so."""
    return account_for("vat_oss" if Kind(kind) is Kind.OSS else "vat")
