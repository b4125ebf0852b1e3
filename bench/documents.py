"""The processor time of each paper, by one thread and by two at once.

Each is another one: other names and numbers, so that nothing is remembered. The variants are
measured alternately, so that none profits from a warmer machine. The output is the median, the
lowest and the highest of all rounds, in milliseconds of the processor; the run fails if an invoice
takes longer than it may.

    python -m bench.documents [--documents 20] [--rounds 5]
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from shop import vat
from shop.documents.contract import ContractDocument, contract_pdf
from shop.documents.factur_x import xml_of
from shop.documents.invoice import invoice_pdf
from shop.documents.invoice_data import InvoiceDocument, InvoiceLine
from shop.documents.parties import Buyer
from shop.documents.purchase_order import PurchaseOrderDocument, purchase_order_pdf
from shop.orders.contracts import texts
from shop.pricing.money import Line, Share, totals
from shop.pricing.periods import Period
from shop.settings import Seller
from shop.vat import PlaceOfSupply

LONGEST = 25.0
"""The milliseconds of the processor that an invoice with its data may take."""

PERIOD = Period(date(2026, 11, 5), date(2026, 12, 5))
PLACED = datetime(2026, 11, 5, 13, 4, tzinfo=UTC)
LINES = (
    Line("business", "Office 365 Business", 25, 880),
    Line("pro_plus", "Office 365 Pro Plus", 10, 1290, Share(12, 30)),
)
BUYER = Buyer(
    nic_handle="al12345-ovh", first_name="Alice", last_name="Lefèvre", street="12 rue des Lilas",
    postcode="59800", city="Lille", country="FR", siren="404833048", email="alice@atelier.example",
)  # fmt: skip

_numbers = itertools.count(1)


def main() -> None:
    """Measure the papers alternately and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    papers: dict[str, Callable[[], object]] = {
        "invoice, Factur-X": lambda: invoice_pdf(_invoice()),
        "its data alone": lambda: xml_of(_invoice()),
        "invoice of 40 lines": lambda: invoice_pdf(_invoice(20)),
        "invoice, in Thai": lambda: invoice_pdf(_invoice(company="บริษัท สยาม จำกัด {}")),
        "purchase order": lambda: purchase_order_pdf(_purchase_order()),
        "general terms": lambda: contract_pdf(_contract()),
    }
    for make in papers.values():
        make()  # loads the fonts
    found: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, make in papers.items():
            for threads in (1, 2):
                spent = _milliseconds(make, options.documents, threads)
                found.setdefault(f"{name}, {threads} at once", []).append(spent)
    for name, rounds in found.items():
        middle = statistics.median(rounds)
        print(f"{name:<34} {middle:6.1f} ms  ({min(rounds):.1f} to {max(rounds):.1f})")
    if statistics.median(found["invoice, Factur-X, 1 at once"]) > LONGEST:
        raise SystemExit(f"an invoice takes more than {LONGEST:.0f} ms of the processor")


def invoice_milliseconds() -> float:
    """Return the processor time of one invoice, the fonts loaded."""
    invoice_pdf(_invoice())
    return _milliseconds(lambda: invoice_pdf(_invoice()), documents=20, threads=1)


def _milliseconds(make: Callable[[], object], documents: int, threads: int) -> float:
    """Return the processor time of one paper, all threads together."""
    with ThreadPoolExecutor(threads) as pool:
        began = time.process_time()
        list(pool.map(lambda _: make(), range(documents)))
        return (time.process_time() - began) / documents * 1000


def _invoice(times: int = 1, company: str = "Atelier {} & Cie") -> InvoiceDocument:
    number = next(_numbers)
    lines = [InvoiceLine(line, PERIOD, f"o365-{number}") for line in LINES * times]
    return InvoiceDocument(
        number=f"F2026-{number:06d}",
        language="fr",
        shop_name="Nuage",
        seller=Seller(),
        buyer=replace(BUYER, company=company.format(number)),
        issued_on=PERIOD.start,
        due_on=PERIOD.start,
        lines=tuple(lines),
        totals=totals([each.line for each in lines], _treatment()),
        paid_on=PERIOD.start,
        payment="Visa •••• 4242",
    )


def _purchase_order() -> PurchaseOrderDocument:
    number = next(_numbers)
    return PurchaseOrderDocument(
        number=str(number),
        language="fr",
        shop_name="Nuage",
        seller=Seller(),
        buyer=replace(BUYER, company=f"Atelier {number} & Cie"),
        placed_at=PLACED,
        expires_at=PLACED + timedelta(days=14),
        lines=LINES,
        totals=totals(LINES, _treatment()),
        contracts=(),
        pay_url=f"https://shop.example/fr/order/{number}",
    )


def _contract() -> ContractDocument:
    shipped = next(each for each in texts.shipped_texts() if each.language == "fr")
    body = f"{shipped.body}\n\n{next(_numbers)}"
    return ContractDocument(
        title=shipped.title,
        version=shipped.version,
        language=shipped.language,
        body=body,
        digest=hashlib.sha256(body.encode()).hexdigest(),
        published_at=PLACED,
        shop_name="Nuage",
    )


def _treatment() -> vat.VatTreatment:
    return vat.treatment_of(PlaceOfSupply("FR", "59800"))


if __name__ == "__main__":
    main()
