"""Invoices and credit notes: PDF/A-3 files with embedded Factur-X data (EN 16931).

PDF and data come from one `InvoiceDocument`. The mentions are those of CGI, annexe II,
article 242 nonies A, and of the French commercial code, article L. 441-9.
"""

from __future__ import annotations

from facturx import generate_from_binary

from shop.documents import factur_x, mentions, pdf
from shop.documents.invoice_data import InvoiceDocument

ARCHIVAL_PDF = "pdf/a-3b"


def invoice_pdf(document: InvoiceDocument) -> bytes:
    """Return the invoice as Factur-X: PDF/A-3 in its language, with data in ``factur-x.xml``.

    The metadata contain the time of rendering: store the bytes, because an issued invoice must
    not change.
    """
    printed = pdf.render(
        "invoice.html",
        document.language,
        variant=ARCHIVAL_PDF,
        document=document,
        on_debits=mentions.on_debits(document),
        mentions=mentions.late_payment_mentions(document.seller, document.language),
    )
    return bytes(
        generate_from_binary(
            printed,
            factur_x.xml_of(document),
            flavor="factur-x",
            level="en16931",
            check_xsd=False,  # done when the XML was made
            check_schematron=False,  # needs a separate server; done by the tests
            pdf_metadata=_metadata(document),
            lang=document.language,
            afrelationship="data",
        )
    )


def _metadata(document: InvoiceDocument) -> dict[str, str]:
    name = f"{document.title} {document.number}"
    return {
        "author": document.seller.name,
        "title": f"{name} · {document.shop_name}",
        "subject": name,
        "keywords": "Factur-X",
    }
