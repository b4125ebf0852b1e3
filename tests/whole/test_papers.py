"""Papers that differ by chance alone are typeset once, and read by no test that did not ask."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from shop.documents import typesetting

SOURCE = b'#set document(title: "x")\n#read("/paper")'


def typeset(paper: str) -> bytes:
    return typesetting.typeset(SOURCE, {"paper": paper, "data": ""})


def test_one_paper_stands_for_those_that_differ_by_chance() -> None:
    paper = typeset("ab12345-ovh, no. 109876196, 10:59, 31.68")
    assert paper == typeset("zy98765-ovh, no. 110357704, 11:02, 31.68")
    assert paper != typeset("ab12345-ovh, no. 109876196, 10:59, 31.69")


def test_it_cannot_be_read() -> None:
    paper = typeset("no. 109876196")
    with pytest.raises(AssertionError, match="reads_papers"):
        PdfReader(io.BytesIO(paper))


@pytest.mark.reads_papers
def test_whoever_reads_papers_gets_their_own() -> None:
    for number in ("109876196", "110357704"):
        assert number in PdfReader(io.BytesIO(typeset(number))).pages[0].extract_text()
