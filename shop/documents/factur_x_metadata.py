"""What makes a PDF with an attached ``factur-x.xml`` a Factur-X: its description in the metadata.

Typst writes metadata (XMP) but takes none of ours. They are put into the bytes of its PDF, whose
objects and table of offsets are plain text: a library that reads and writes a whole PDF for them
took several times as long as typesetting it.
"""

from __future__ import annotations

import re

FILE = "factur-x.xml"
NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"

_PROPERTIES = {
    "DocumentType": ("INVOICE", "The type of the hybrid document in capital letters"),
    "DocumentFileName": (FILE, "The name of the embedded XML document"),
    "Version": ("1.0", "The version of the standard that the embedded XML document follows"),
    "ConformanceLevel": ("EN 16931", "The conformance level of the embedded XML document"),
}
"""What Factur-X requires, with the description of each; a credit note is an INVOICE, too."""

_SCHEMA = (
    '<rdf:li rdf:parseType="Resource">'
    "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
    f"<pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI>"
    "<pdfaSchema:prefix>fx</pdfaSchema:prefix>"
    "<pdfaSchema:property><rdf:Seq>"
    + "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{description}</pdfaProperty:description>"
        "</rdf:li>"
        for name, (_, description) in _PROPERTIES.items()
    )
    + "</rdf:Seq></pdfaSchema:property></rdf:li>"
).encode()
_VALUES = (
    f'<rdf:Description rdf:about="" xmlns:fx="{NAMESPACE}">'
    + "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in _PROPERTIES.items())
    + "</rdf:Description>"
).encode()

_SCHEMAS_END = b"</rdf:Bag></pdfaExtension:schemas>"
_END = b"</rdf:RDF>"

_METADATA = re.compile(
    rb"(?<=\n)\d+ 0 obj\n<</Length (\d+)/Type/Metadata/Subtype/XML>>\nstream\n(.*?)"
    rb"\nendstream\nendobj\n",
    re.DOTALL,
)
_TABLE = re.compile(
    rb"xref\n0 (\d+)\n((?:\d{10} \d{5} [fn]\r\n)+)trailer\n(<<.*>>)\nstartxref\n(\d+)\n%%EOF\s*",
    re.DOTALL,
)


class UnknownPdfError(ValueError):
    """A PDF is not built as Typst builds it: see whether a new release of Typst changed that."""


def added_to(pdf: bytes) -> bytes:
    """Return a PDF made by Typst with the metadata of a Factur-X.

    Raise `UnknownPdfError` if its objects are not where they are expected.
    """
    table = _TABLE.fullmatch(pdf, _begin_of_table(pdf))
    # The metadata are among the last objects, after all streams of content.
    found = _METADATA.search(pdf, pdf.rfind(b"/Type/Metadata/Subtype/XML") - 40)
    if not table or not found or int(table[4]) != table.start():
        raise UnknownPdfError("table of offsets or metadata")
    xmp = _described(found[2])
    if int(found[1]) != len(found[2]) or len(table[2]) != 20 * int(table[1]):
        raise UnknownPdfError("length of the metadata or of the table")
    described = found[0].replace(b"/Length " + found[1], b"/Length %d" % len(xmp), 1)
    described = described.replace(found[2], xmp, 1)
    longer = len(described) - len(found[0])
    return b"".join(
        (
            pdf[: found.start()],
            described,
            pdf[found.end() : table.start()],
            b"xref\n0 %b\n" % table[1],
            _moved(table[2], found.start(), longer),
            b"trailer\n%b\nstartxref\n%d\n%%%%EOF" % (table[3], table.start() + longer),
        )
    )


def _begin_of_table(pdf: bytes) -> int:
    found = re.search(rb"startxref\n(\d+)\n%%EOF\s*\Z", pdf[-64:])
    if not found:
        raise UnknownPdfError("end")
    return int(found[1])


def _described(xmp: bytes) -> bytes:
    """Return metadata with the values of Factur-X and the schema that PDF/A wants for them."""
    if xmp.count(_SCHEMAS_END) != 1 or xmp.count(_END) != 1:
        raise UnknownPdfError("schemas of the metadata")
    return xmp.replace(_SCHEMAS_END, _SCHEMA + _SCHEMAS_END).replace(_END, _VALUES + _END)


def _moved(entries: bytes, start: int, longer: int) -> bytes:
    """Return a table of offsets after the object at ``start`` became longer."""
    lines = [entries[i : i + 20] for i in range(0, len(entries), 20)]
    return b"".join(
        b"%010d%b" % (int(line[:10]) + longer, line[10:]) if int(line[:10]) > start else line
        for line in lines
    )
