"""Contracts as PDF."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shop.documents import pdf
from shop.errors import N_
from shop.text import formats, markdown
from shop.text.templates import translate


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
    language, day = document.language, formats.day(document.published_at, document.language)
    version = translate(N_("version %(number)s"), language, number=document.version)
    about = translate(
        N_("Version %(number)s of %(day)s"), language, number=document.version, day=day
    )
    return pdf.render(
        "contract.typ",
        {
            "language": language,
            "shop_name": document.shop_name,
            "title": f"{document.title} · {document.shop_name}",
            "author": document.shop_name,
            "description": about,
            "keywords": [],
            "heading": document.title,
            "number": version,
            "foot": f"{document.title} · {version} · {document.shop_name}",
            "fonts": [],
            "text": markdown.tree(document.body),
            "digest_label": translate(N_("Digest of the text (SHA-256)"), language),
            "digest": document.digest,
        },
    )
