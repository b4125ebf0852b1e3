"""Contracts as PDF."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shop.documents import pdf
from shop.text import markdown


@dataclass(frozen=True)
class ContractDocument:
    """One version of a contract; ``body`` is Markdown, ``digest`` its SHA-256."""

    title: str
    version: int
    language: str
    body: str
    digest: str
    published_at: datetime
    shop_name: str


def contract_pdf(document: ContractDocument) -> bytes:
    """Return a contract as an accessible PDF, in its language."""
    html = markdown.markdown(document.body)
    return pdf.render("contract.html", document.language, document=document, body=html)
