"""The metadata of Factur-X in a PDF: complete, described for archives, every offset right."""

from __future__ import annotations

import io
from datetime import date

import pytest
from facturx import get_facturx_xml_from_pdf, get_level
from lxml import etree
from pypdf import PdfReader

from shop.documents import factur_x_metadata, typesetting
from shop.documents.factur_x_metadata import UnknownPdfError
from shop.documents.invoice import invoice_pdf
from tests.shop.documents.test_invoices import credit_note, invoice

pytestmark = pytest.mark.reads_papers

HELLO = b'#set document(title: "x")\nHello'
FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFA = "{http://www.aiim.org/pdfa/ns/%s#}"
EXPECTED = {
    "DocumentType": "INVOICE",
    "DocumentFileName": "factur-x.xml",
    "Version": "1.0",
    "ConformanceLevel": "EN 16931",
}


@pytest.fixture(params=[invoice, credit_note], ids=["invoice", "credit note"])
def content(request: pytest.FixtureRequest) -> bytes:
    return invoice_pdf(request.param(paid_on=date(2026, 11, 5)))


def metadata_of(content: bytes) -> etree._Element:
    reader = PdfReader(io.BytesIO(content), strict=True)
    return etree.fromstring(reader.trailer["/Root"]["/Metadata"].get_data())


def test_the_library_of_the_standard_reads_it(content: bytes) -> None:
    name, xml = get_facturx_xml_from_pdf(content, check_xsd=True, check_schematron=False)
    assert name == "factur-x.xml"
    assert get_level(etree.fromstring(xml)) == "en16931"


def test_its_metadata_name_the_standard_and_describe_what_they_hold(content: bytes) -> None:
    metadata = metadata_of(content)
    (about,) = [
        each for each in metadata.iter(RDF + "Description") if each.find(FX + "Version") is not None
    ]
    assert {each.tag.removeprefix(FX): each.text for each in about} == EXPECTED
    assert about.get(RDF + "about") == ""
    (schemas,) = metadata.iter("{http://www.aiim.org/pdfa/ns/extension/}schemas")
    (described,) = [
        each
        for each in schemas.find(RDF + "Bag")
        if each.findtext(PDFA % "schema" + "namespaceURI") == FX.strip("{}")
    ]
    assert described.findtext(PDFA % "schema" + "prefix") == "fx"
    properties = {
        each.findtext(PDFA % "property" + "name"): each.findtext(PDFA % "property" + "category")
        for each in described.iter(RDF + "li")
        if each is not described
    }
    assert properties == dict.fromkeys(EXPECTED, "external")


def test_every_offset_leads_to_its_object(content: bytes) -> None:
    table = int(content.rpartition(b"startxref\n")[2].split()[0])
    entries = content[table:].split(b"trailer")[0].split(b"\r\n")
    assert entries[0].startswith(b"xref\n0 ")
    offsets = [int(entry[:10]) for entry in entries[1:-1]]
    assert len(offsets) > 50
    for number, offset in enumerate(offsets, start=1):
        assert content[offset:].startswith(b"%d 0 obj\n" % number)


def test_nothing_else_of_the_pdf_changes() -> None:
    before = typesetting.typeset(HELLO, {})
    after = factur_x_metadata.added_to(before)
    changed = [
        one
        for one, other in zip(objects_of(before), objects_of(after), strict=True)
        if one != other
    ]
    assert len(changed) == 1
    assert b"/Type/Metadata" in changed[0]


def objects_of(content: bytes) -> list[bytes]:
    return content.partition(b"\nxref\n")[0].split(b"\nendobj\n")


@pytest.mark.parametrize(
    ("part", "otherwise"),
    [
        (b"</rdf:Bag></pdfaExtension:schemas>", b"</rdf:Bag></pdfaExtension:schemaz>"),
        (b"/Type/Metadata/Subtype/XML", b"/Subtype/XML/Type/Metadata"),
        (b"\nendstream\nendobj\n", b"\nendstream endobj\n"),
        (b"startxref\n", b"startxref\n1"),
        (b"xref\n0 ", b"xref\n1 "),
    ],
)
def test_a_pdf_built_otherwise_is_refused(part: bytes, otherwise: bytes) -> None:
    made = typesetting.typeset(HELLO, {})
    assert part in made
    with pytest.raises(UnknownPdfError):
        factur_x_metadata.added_to(made.replace(part, otherwise))
