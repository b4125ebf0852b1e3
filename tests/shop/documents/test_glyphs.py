"""Names in every script: printed from the fonts of the lock, in their direction, or an alarm."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import structlog
import typst
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from models import MissingGlyph
from shop.documents import glyphs, pdf, typesetting
from shop.documents.invoice import invoice_pdf
from shop.documents.purchase_order import purchase_order_pdf
from shop.errors import Refusal
from shop.operations import monitoring
from shop.operations.doctor import inside
from shop.text.names import read_name
from tests.shop.documents.test_documents import ALICE, order_of
from tests.shop.documents.test_invoices import FRENCH, invoice

pytestmark = pytest.mark.reads_papers

NAMES = {
    "Thai": ("บริษัท สยามคลาวด์ จำกัด", "NotoSansThai"),
    "Hindi": ("भारत क्लाउड प्राइवेट लिमिटेड", "NotoSansDevanagari"),
    "Arabic": ("شركة النور للحوسبة", "NotoSansArabic"),
    "Hebrew": ("חברת הענן בע״מ", "NotoSansHebrew"),
    "Chinese": ("北京云计算有限公司", "NotoSansCJKsc"),
    "Korean": ("한국 클라우드 주식회사", "NotoSansCJK"),
    "Armenian": ("Հայկական ամպ", "NotoSansArmenian"),
    "Georgian": ("ქართული ღრუბელი", "NotoSansGeorgian"),
    "Bengali": ("বাংলা মেঘ লিমিটেড", "NotoSansBengali"),
    "Tamil": ("தமிழ் மேகம்", "NotoSansTamil"),
    "Amharic": ("ደመና ኩባንያ", "NotoSansEthiopic"),
    "Cyrillic": ("Українська хмара", "SourceSansPro"),
    "Greek": ("Ελληνικό σύννεφο", "SourceSansPro"),
    "emoji": ("Café ☕ 😀", "NotoEmoji"),
}
TIBETAN = "བོད་ཀྱི་སྤྲིན།"


def fonts_of(content: bytes) -> set[str]:
    page = PdfReader(io.BytesIO(content)).pages[0]
    fonts = page["/Resources"]["/Font"].get_object().values()
    return {font.get_object()["/BaseFont"].partition("+")[2] for font in fonts}


def company(name: str, country: str = "FR") -> bytes:
    return purchase_order_pdf(order_of(buyer=replace(ALICE, company=name, country=country)))


@pytest.mark.parametrize("script", NAMES)
def test_a_name_in_any_script_is_printed_in_a_font_that_has_it(script: str) -> None:
    name, font = NAMES[script]
    assert any(each.startswith(font) for each in fonts_of(company(name)))


@pytest.mark.parametrize(
    ("country", "font"), [("JP", "jp"), ("KR", "kr"), ("TW", "tc"), ("HK", "hk"), ("CN", "sc")]
)
def test_chinese_characters_are_those_of_the_customers_country(country: str, font: str) -> None:
    used = {each for each in fonts_of(company("直骨海", country)) if "CJK" in each}
    assert {each.partition("CJK")[2][:2] for each in used} == {font}


def test_no_font_of_the_machine_is_used() -> None:
    folders = [str(typesetting.folder_of(name)) for name in typesetting.FONT_PACKAGES]
    found = typesetting.fonts().fonts()
    assert len(found) > 40
    assert all(str(font.path).startswith(tuple(folders)) for font in found)


@pytest.mark.parametrize("name", ["شركة النور", "חברת הענן"])
def test_names_are_set_from_right_to_left(name: str) -> None:
    """What is written after the name stands left of it, and the number left of the Latin."""
    places: dict[str, float] = {}

    def note(text: str, place: list[float], *_: object) -> None:
        places.setdefault("name" if set(text) & set(name) - {" "} else text.strip(), place[4])

    page = PdfReader(io.BytesIO(company(f"{name} (SARL) 75.", country="GB"))).pages[0]
    page.extract_text(visitor_text=note)
    assert places["75"] < places["SARL"] < places["name"]


@pytest.mark.usefixtures("app")
class TestMissing:
    """A character that no font has."""

    @pytest.fixture(autouse=True)
    def _logged(self) -> None:
        with structlog.testing.capture_logs() as self.lines:
            yield

    def test_its_paper_is_made_and_says_so_to_the_operator(self) -> None:
        assert monitoring.alarms()["missing_glyphs"] == 0
        content = invoice_pdf(invoice(buyer=replace(FRENCH, company=f"Nuage {TIBETAN}")))
        text = PdfReader(io.BytesIO(content)).pages[0].extract_text()
        assert f"Nuage {glyphs.REPLACEMENT}" in text
        assert monitoring.alarms()["missing_glyphs"] == len(set(TIBETAN))
        (row, *_) = glyphs.reported()
        assert row.paper == "Facture n°\u00a0F2026-000042"
        (line,) = [each for each in self.lines if each["event"] == "glyphs_missing"]
        assert "U+0F56" in line["codes"]
        assert TIBETAN not in str(line)

    def test_its_data_hold_the_name_as_it_is(self) -> None:
        from facturx import get_facturx_xml_from_pdf

        content = invoice_pdf(invoice(buyer=replace(FRENCH, company=TIBETAN)))
        _, xml = get_facturx_xml_from_pdf(content, check_xsd=True, check_schematron=False)
        assert TIBETAN in xml.decode()

    def test_another_paper_with_it_is_the_same_alarm(self) -> None:
        for _ in range(2):
            company("བ")
        assert MissingGlyph.select().count() == 1

    def test_the_alarm_ends_when_the_operator_has_seen_it(self, app: Flask) -> None:
        company("བ")
        listed = app.test_cli_runner().invoke(args=["papers", "missing"])
        assert "U+0F56  TIBETAN LETTER BA" in listed.output
        assert "482915730" in listed.output
        app.test_cli_runner().invoke(args=["papers", "forget"])
        assert monitoring.alarms()["missing_glyphs"] == 0
        listed = app.test_cli_runner().invoke(args=["papers", "missing"])
        assert "Every character was printed." in listed.output

    def test_an_invisible_character_is_left_out_without_alarm(self) -> None:
        text = PdfReader(io.BytesIO(company("Nu\ufeffage"))).pages[0].extract_text()
        assert "Nuage" in text
        assert monitoring.alarms()["missing_glyphs"] == 0

    def test_an_accent_that_no_font_puts_on_its_letter_is_left_out(self) -> None:
        content = company("ก\u05b0ข")
        assert any(each.startswith("NotoSansThai") for each in fonts_of(content))

    def test_a_wrong_template_is_no_missing_glyph(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pdf, "_template", lambda _name: b"#panic()")
        with pytest.raises(typst.TypstError, match="panicked"):
            company("Nuage")


def test_the_doctor_finds_fonts_that_are_missing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [finding.severity for finding in inside.examine_papers()] == ["ok"]
    monkeypatch.setattr(glyphs, "has_glyph", lambda each: each not in "ไทย")
    (finding,) = inside.examine_papers()
    assert finding.severity == "fault"
    assert "cannot show 3 of" in finding.said


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(min_size=1, max_size=40))
def test_whatever_name_is_accepted_has_its_paper(app: Flask, typed: str) -> None:
    try:
        name = read_name(typed, "company")
    except Refusal:
        assume(False)
    assert company(name).startswith(b"%PDF-")
