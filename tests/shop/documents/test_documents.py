"""Purchase orders and contracts: the text and structure of their PDFs."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import typst
from pypdf import PdfReader

from shop import documents, vat
from shop.documents import typesetting
from shop.documents.contract import ContractDocument, contract_pdf
from shop.documents.parties import Buyer
from shop.documents.purchase_order import (
    AcceptedContract,
    PurchaseOrderDocument,
    PurchaseOrderState,
    purchase_order_pdf,
)
from shop.orders import contracts
from shop.orders.contracts import texts
from shop.pricing import money
from shop.pricing.money import Line, Share
from shop.settings import Seller
from shop.text import formats, markdown
from shop.vat import PlaceOfSupply

pytestmark = [pytest.mark.one_database, pytest.mark.reads_papers]

PLACED = datetime(2026, 11, 5, 13, 4, tzinfo=UTC)
ALICE = Buyer(
    nic_handle="al12345-ovh", first_name="Alice", last_name="Lefèvre", company="Atelier & Cie",
    street="12 rue des Lilas", postcode="59800", city="Lille", country="FR", siren="404833048",
    vat_number="FR83404833048",
)  # fmt: skip
LINES = (
    Line("business", "Office 365 Business", 25, 880),
    Line("pro_plus", "Office 365 Pro Plus", 10, 1290),
)


LILLE = PlaceOfSupply("FR", "59800")


def order_of(language="fr", lines=LINES, place=LILLE, **changes):
    document = PurchaseOrderDocument(
        number="482915730",
        language=language,
        shop_name="Nuage",
        seller=Seller(),
        buyer=ALICE,
        placed_at=PLACED,
        expires_at=PLACED + timedelta(days=14),
        lines=lines,
        totals=money.totals(lines, vat.treatment_of(place)),
        contracts=(AcceptedContract("Conditions générales", 1, "0123456789abcdef" * 4, PLACED),),
        pay_url="https://shop.example/fr/order/482915730",
    )
    return replace(document, **changes)


def opened(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content), strict=True)


def text_of(reader: PdfReader, page: int | None = None) -> str:
    pages = reader.pages if page is None else [reader.pages[page]]
    return re.sub(r"\s+", " ", " ".join(each.extract_text() for each in pages))


def as_extracted(text: str) -> str:
    """Return a text as extracted from a PDF, with single spaces."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_printed_totals_are_those_of_the_order(language):
    document = order_of(language)
    text = text_of(opened(purchase_order_pdf(document)))
    totals = document.totals
    for cents in (22000, 12900, totals.net_cents, totals.vat_cents, totals.total_cents):
        assert as_extracted(formats.money(cents, language)) in text
    assert totals.net_cents == 34900
    assert totals.vat_cents == 6980


def test_a_french_purchase_order_says_everything_it_must():
    text = text_of(opened(purchase_order_pdf(order_of())))
    for expected in (
        "Bon de commande", "n° 482915730", "5 novembre 2026", "19 novembre 2026",
        "Nuage & Cie", "SAS au capital de 100 000 €", "2 rue du Faubourg", "59100 Roubaix",
        "732 829 320", "FR44732829320", "Atelier & Cie", "Alice Lefèvre", "12 rue des Lilas",
        "404 833 048", "FR83404833048", "al12345-ovh", "Office 365 Business", "25", "8,80 €",
        "TVA (20 %)", "Total à payer TTC", "Comment payer",
        "https://shop.example/fr/order/482915730", "19 novembre 2026 à 14:04 (heure de Paris)",
        "Conditions générales", "version 1", "0123456789abcdef0123456789abcdef", "Page 1 / 1",
    ):  # fmt: skip
        assert expected in text


def test_an_english_purchase_order_is_english_throughout():
    text = text_of(opened(purchase_order_pdf(order_of("en"))))
    assert "Purchase order no. 482915730" in text
    assert "Total due incl. VAT" in text
    assert "VAT (20%)" in text
    for french in ("Bon de commande", "TVA", "Vendeur", "novembre"):
        assert french not in text


@pytest.mark.parametrize(
    ("place", "rate", "mention"),
    [
        (PlaceOfSupply("DE", "10117", "DE136695976", True), "VAT (0%)", "Reverse charge"),
        (PlaceOfSupply("DE", "10117"), "VAT (19%)", "VAT of Germany, declared through"),
        (PlaceOfSupply("GF", "97300"), "VAT (0%)", "article 294"),
        (PlaceOfSupply("RE", "97400"), "VAT (8.5%)", ""),
        (PlaceOfSupply("US", "10001"), "VAT (0%)", "outside the VAT area"),
    ],
)
def test_vat_is_printed_with_its_rate_and_mention(place, rate, mention):
    text = text_of(opened(purchase_order_pdf(order_of("en", place=place))))
    assert rate in text
    assert mention in text


def test_a_share_of_the_month_is_shown_with_its_days():
    lines = (Line("business", "Office 365 Business", 3, 880, Share(12, 30)),)
    text = text_of(opened(purchase_order_pdf(order_of(lines=lines))))
    assert "Au prorata : 12 jours sur 30" in text
    assert "10,56 €" in text


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (PurchaseOrderState.PAID, "Paid on 6 November 2026"),
        (PurchaseOrderState.CANCELLED, "closed since 6 November 2026"),
        (PurchaseOrderState.EXPIRED, "closed since 6 November 2026"),
        (PurchaseOrderState.REFUNDED, "refunded in full on 6 November 2026"),
    ],
)
def test_a_closed_order_asks_for_no_money(state, says):
    closed = order_of("en", state=state, state_at=PLACED + timedelta(days=1))
    text = text_of(opened(purchase_order_pdf(closed)))
    assert says in text
    assert "How to pay" not in text
    assert "Total due" not in text


def test_a_long_order_goes_on_over_pages_with_its_headings():
    reader = opened(purchase_order_pdf(order_of(lines=LINES * 20)))
    assert len(reader.pages) >= 3
    for number in range(len(reader.pages)):
        page = text_of(reader, number)
        assert f"Page {number + 1} / {len(reader.pages)}" in page
        assert "SIREN 732 829 320" in page
    assert "Prix unitaire HT" in text_of(reader, 1)
    assert "Bon de commande n° 482915730" in text_of(reader, 1)
    assert text_of(reader).count("Office 365 Business") == 20


def test_a_purchase_order_can_be_read_aloud(caplog):
    reader = opened(purchase_order_pdf(order_of()))
    assert not caplog.records
    root = reader.trailer["/Root"]
    assert reader.metadata.title == "Bon de commande n°\u00a0482915730 · Nuage"
    assert reader.metadata.author == "Nuage & Cie"
    assert root["/Lang"] == "fr"
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert b"pdfuaid:part" in root["/Metadata"].get_data()


def test_customers_names_are_printed_as_text_only():
    buyer = replace(ALICE, company="<img src='https://elsewhere.example/x.png'> & <b>Co</b>")
    text = text_of(opened(purchase_order_pdf(order_of(buyer=buyer))))
    assert "<img src='https://elsewhere.example/x.png'> & <b>Co</b>" in text


def test_names_in_other_scripts_are_printed():
    buyer = replace(ALICE, company="", first_name="Ελένη", last_name="Нагорная Łuczak")
    assert "Ελένη Нагорная Łuczak" in text_of(opened(purchase_order_pdf(order_of(buyer=buyer))))


MARKUP = (
    '#import "@preview/tablex:0.0.9": *', "#read(\"/etc/passwd\")", "$ x^2 $", "*bold* _it_ `code`",
    "@label <label> [content]", "= Heading", "// comment /* more */", "\\u{41} \\# ~ --- ...",
    "#panic()", "{{ 7 * 7 }} %(number)s {0}",
)  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
def test_customers_texts_are_never_read_as_markup(text):
    buyer = replace(ALICE, company=text, street=text, city=text, first_name="", last_name=text)
    printed = text_of(opened(purchase_order_pdf(order_of(buyer=buyer))))
    assert printed.count(text) == 4


@pytest.mark.parametrize(
    "source",
    ['#read("/etc/passwd")', '#read("../setup.cfg")', '#read("../../setup.cfg")',
     '#image("../../../../../../etc/passwd")', '#import "../../setup.cfg"',
     '#image("https://elsewhere.example/x.png")', '#read("http://169.254.169.254/")'],
)  # fmt: skip
def test_documents_read_nothing_from_outside(source):
    with pytest.raises(typst.TypstError):
        typesetting.typeset(f'#set document(title: "x")\n{source}'.encode(), {})


def test_control_documents_read_their_own_folder():
    source = b'#set document(title: "x")\n#import "logo.typ": logo\n#logo(1cm)'
    assert typesetting.typeset(source, {}).startswith(b"%PDF-1.7")


def test_templates_import_no_packages():
    found = [
        line
        for path in typesetting.TEMPLATES.glob("*.typ")
        for line in path.read_text().splitlines()
        if re.search(r"#(import|include)", line) and not re.search(r'"[a-z_]+\.typ"', line)
    ]
    assert found == []


def test_a_long_word_breaks_within_its_frame():
    buyer = replace(ALICE, company="Donaudampfschifffahrtsgesellschaftskapitän" * 5)
    page = opened(purchase_order_pdf(order_of(buyer=buyer))).pages[0]
    text = page.extract_text().replace("\u200b", "")
    assert "kapitän" in text
    assert not any("gesellschaftskapitänDonaudampf" in line for line in text.splitlines())


@pytest.mark.parametrize(
    "shipped", texts.shipped_texts(), ids=lambda text: f"{text.kind}.{text.language}"
)
def test_every_shipped_contract_prints(shipped):
    digest = hashlib.sha256(shipped.body.encode()).hexdigest()
    content = contract_pdf(
        ContractDocument(
            shipped.title, shipped.version, shipped.language, shipped.body, digest, PLACED, "Nuage"
        )
    )
    reader = opened(content)
    assert reader.metadata.title == f"{shipped.title} · Nuage"
    assert reader.trailer["/Root"]["/Lang"] == shipped.language
    text = text_of(reader)
    assert shipped.title in text
    assert digest in text
    assert "**" not in text
    assert "##" not in text
    headings = [line[3:] for line in shipped.body.splitlines() if line.startswith("## ")]
    assert len(headings) >= (12 if shipped.kind in contracts.KINDS else 6)
    for heading in headings:
        assert as_extracted(heading) in text


def test_a_list_of_questions_is_a_form_with_room_to_answer():
    kinds = [
        block["kind"] for block in markdown.tree("- Name:\n- Date\u00a0:\n\nText\n\n- One:\n- Two")
    ]
    assert kinds == ["form", "paragraph", "bullets"]
    for kind in ("general_terms.fr", "general_terms.en"):
        name, language = kind.split(".")
        (*_, latest) = [
            text for text in texts.shipped_texts() if (text.kind, text.language) == (name, language)
        ]
        last = markdown.tree(latest.body)[-1]
        assert last["kind"] == "form"
        assert len(last["items"]) == 5


def test_the_contracts_are_the_same_in_both_languages():
    shape: dict[tuple[str, int], set[object]] = {}
    for text in texts.shipped_texts():
        numbers = re.findall(r"^(?:## )?(\d+(?:\.\d+)?)\.", text.body, re.MULTILINE)
        bullets = len(re.findall(r"^- ", text.body, re.MULTILINE))
        shape.setdefault((text.kind, text.version), set()).add((tuple(numbers), bullets))
    assert {kind for kind, _ in shape} == {*contracts.KINDS, "privacy_notice"}
    assert all(len(found) == 1 for found in shape.values())


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("apostrophes are ’", "'"),
        ("U+00A0 stands before :", r"(?<!\u00a0):(?=\s|$)"),
        ("U+202F stands before ; ! ?", r"(?<!\u202f)[;!?](?=\s|$)"),
        ("U+00A0 stands inside « »", r"«(?!\u00a0)|(?<!\u00a0)»"),
    ],
)
def test_french_contracts_follow_french_typography(rule, wrong):
    for text in texts.shipped_texts():
        if text.language == "fr":
            assert not re.findall(wrong, text.body, re.MULTILINE), rule


def test_markdown_is_safe_and_has_no_headings_above_its_level():
    html = markdown.markdown("## Title\n\n**bold** <script>x</script> [a](javascript:x)", level=3)
    assert "<h3>Title</h3>" in html
    assert "<strong>bold</strong>" in html
    assert "<script" not in html
    assert "href" not in html


# --- From database records ---------------------------------------------------------------------


def test_the_purchase_order_of_an_order_says_what_was_ordered(app, alice):
    from shop.orders import baskets, contracts, orders
    from shop.orders.placing import Confirmation
    from shop.pricing import catalogue

    basket = baskets.Basket(baskets.new_name(), {"business": 3, "pro_plus": 2})
    quoted = baskets.quote(basket, catalogue.offers(), alice)
    digests = tuple(contract.digest for contract in contracts.current_contracts("fr"))
    order = baskets.place_order(
        alice,
        basket,
        Confirmation(quoted.totals.total_cents, digests, "192.0.2.1", "fr"),
    )
    text = text_of(opened(documents.purchase_order_of(order)))
    assert f"n° {order.number}" in text
    assert as_extracted(formats.money(order.total_cents, "fr")) in text
    assert "Alice Lefèvre" in text
    for digest in digests:
        assert digest[:32] in text
        assert digest[32:] in text
    orders.cancel_order(order, by=alice.nic_handle)
    closed = text_of(opened(documents.purchase_order_of(type(order).get_by_id(order.id))))
    assert "Ce bon de commande est clos" in closed


def test_a_published_contract_prints(app):
    from shop.orders import contracts

    published = contracts.current_contracts("en")[0]
    assert published.title in text_of(opened(documents.contract_of(published)))
