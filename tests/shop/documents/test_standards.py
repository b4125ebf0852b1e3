"""What papers claim to be, PDF/A-3a and PDF/UA-1, in the judgement of veraPDF."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from shop.documents.contract import ContractDocument, contract_pdf
from shop.documents.invoice import invoice_pdf
from shop.documents.purchase_order import purchase_order_pdf
from shop.orders.contracts import texts
from tests.shop.documents.test_documents import LINES, PLACED, order_of
from tests.shop.documents.test_glyphs import NAMES
from tests.shop.documents.test_invoices import FRENCH, credit_note, invoice
from tests.support import verapdf

pytestmark = [pytest.mark.slow, pytest.mark.reads_papers]

MARKDOWN = """
## Title *em*

A [link **b**](https://shop.example/x), `code` and a line\\
break.

> Quote

3. three
   - nested

| a | b |
|---|---|
| 1 | *two* |

### Third
"""


def papers() -> dict[str, bytes]:
    """Return a paper of each kind, in both languages, and names in every script."""
    made = {
        "invoice": invoice_pdf(invoice(paid_on=date(2026, 11, 5))),
        "long invoice": invoice_pdf(invoice(language="en", lines=invoice().lines * 20)),
        "credit note": invoice_pdf(credit_note()),
        "purchase order": purchase_order_pdf(order_of()),
        "long purchase order": purchase_order_pdf(order_of("en", lines=LINES * 20)),
        "markdown": contract_pdf(contract("Contrat", 1, "fr", MARKDOWN)),
    }
    for text in texts.shipped_texts():
        document = contract(text.title, text.version, text.language, text.body)
        made[f"{text.kind} {text.version} {text.language}"] = contract_pdf(document)
    for script, (name, _) in NAMES.items():
        made[script] = invoice_pdf(invoice(buyer=replace(FRENCH, company=name)))
    return made


def contract(title: str, version: int, language: str, body: str) -> ContractDocument:
    digest = hashlib.sha256(body.encode()).hexdigest()
    return ContractDocument(title, version, language, body, digest, PLACED, "Nuage")


def test_every_paper_is_what_it_claims_to_be(tmp_path: Path) -> None:
    made = papers()
    for name, content in made.items():
        (tmp_path / f"{name}.pdf").write_bytes(content)
    found = verapdf.broken_clauses(sorted(tmp_path.iterdir()))
    assert len(found) == 2 * len(made)
    assert {paper: broken for paper, broken in found.items() if broken} == {}


def test_control_what_is_wrong_is_found(tmp_path: Path) -> None:
    right = invoice_pdf(invoice())
    faults = {
        "metadata that nothing describes": (b"invoice:1p0#</pdfa", b"invoice:1p1#</pdfa"),
        "not tagged": (b"/Marked true", b"/Marked null"),
    }
    for name, (part, otherwise) in faults.items():
        assert part in right
        (tmp_path / name).write_bytes(right.replace(part, otherwise))
    found = verapdf.broken_clauses(sorted(tmp_path.iterdir()))
    assert found["metadata that nothing describes", "3a"] == "6.6.2.3.1 !"
    assert found["not tagged", "3a"] == "6.7.2.2 !"
    assert found["not tagged", "ua1"] == "6.2 !"
