"""The checks of every page: the faults they find, and the pages they accept."""

from __future__ import annotations

import pytest

from tests.support.pages import problems

PAGE = """<!doctype html>
<html lang="en"><head><title>Order</title></head>
<body><h1>Order</h1>{}</body></html>"""


def test_a_good_page_passes() -> None:
    form = (
        '<form action="/en/order" method="post" novalidate>'
        '<input type="hidden" name="csrf_token" value="x">'
        '<label for="number">Number</label><input id="number" name="number">'
        "<button>Order</button></form>"
    )
    assert problems(PAGE.format(form)) == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("<p>open <b>bold</p>", "HTML at"),
        ('<p id="a"></p><p id="a"></p>', "id 'a' stands 2 times"),
        ('<input name="number">', "no label"),
        ('<label for="gone">Number</label>', "names no id here"),
        ('<a href="/"></a>', "no name"),
        ('<img src="/cloud.svg">', "no alternative text"),
        ('<form method="post"><button>Go</button></form>', "does nothing without JavaScript"),
        ('<form method="post" action="/x"><button>Go</button></form>', "no csrf_token"),
        ('<p style="color: red">x</p>', "inline code"),
        ('<button hx-on:click="x()">x</button>', "inline code"),
        ("<script>x()</script>", "inline script"),
        ("<h1>Again</h1>", "2 elements h1"),
    ],
)
def test_what_is_wrong_is_found(content: str, found: str) -> None:
    assert any(found in problem for problem in problems(PAGE.format(content)))


def test_an_english_sentence_on_a_french_page_is_found() -> None:
    page = PAGE.format("<p>A French postcode has five digits.</p>").replace(
        'lang="en"', 'lang="fr"'
    )
    assert "not translated: 'A French postcode has five digits.'" in problems(page)
