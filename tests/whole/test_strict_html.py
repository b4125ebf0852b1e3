"""The fast reader accepts no page that html5lib refuses, and reads what html5lib reads."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest

from tests.support import pages, strict_html
from tests.support.client import CheckingClient
from tests.support.strict_html import Reader

pytestmark = pytest.mark.one_database

PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    <title>A &amp; B</title>
    <meta name="config" content='{"a":1}'>
  </head>
  <body>
    <h1>Licences</h1>
    <p>One <a href="/a?b=1&amp;c=2">link</a><br>and <strong>more</strong></p>
    <form action="/a" method="post">
      <select name="s"><option value="1" selected>One</option><option>Two</option></select>
      <textarea name="t">
 &lt;p&gt;</textarea>
      <button>Go</button>
    </form>
    <svg viewBox="0 0 1 1"><use href="#a"></use></svg>
    <table><thead><tr><th>Name</th></tr></thead><tbody><tr><td>Alice</td></tr></tbody></table>
    <ul><li>One</li><li>Two</li></ul>
  </body>
</html>
"""

FAULTS = {
    "<!DOCTYPE html>\n": "",
    "</strong>": "",
    "</a>": "",
    "<p>One": "<p>One<div></div>",
    "<br>": "<br></br>",
    "<h1>Licences": "<h1>Licences<h2>More</h2>",
    "<button>Go": "<button>Go<button>On</button>",
    "link</a>": "link<a>again</a></a>",
    "<select": "<form action='/b'></form><select",
    "<option>Two": "<option>Two<div></div>",
    "<td>Alice</td>": "<td>Alice</td><div></div>",
    "<tr><td>": "<tr><div><td></div>",
    "<ul>": "<table><p>lost</p></table><ul>",
    "<li>Two</li>": "<li/>",
    'href="/a?b': 'href="/a" href="/a?b',
    'lang="en"': 'lang="en"lang',
    "&amp; B": "&nothing; B",
    ">One</option>": ">One\0</option>",
    "</head>": "<p>early</p></head>",
    "</body>": "</body><p>late</p>",
    "</html>": "</html><p>late</p>",
    "<body>": "<body><body>",
    "</tbody>": "</tbody></div>",
}


@pytest.fixture
def reader() -> Reader:
    """A reader that knows the places of `PAGE`."""
    reader = Reader()
    assert reader.read(PAGE, is_partial=False)[1] == []
    return reader


def test_a_known_page_is_read_as_by_html5lib(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = PAGE.replace("Alice", "Bob &#34;&nbsp;").replace("<p>One", '<p class="a b">Two')
    expected, errors = strict_html.judge(other, is_partial=False)
    monkeypatch.delattr(strict_html, "judge")
    root, ours = reader.read(other, is_partial=False)
    assert ours == errors == []
    assert contents(root) == contents(expected)
    assert root.findtext(".//textarea") == " <p>"


@pytest.mark.parametrize("right", list(FAULTS))
def test_a_fault_on_a_known_page_is_found(reader: Reader, right: str) -> None:
    faulty = PAGE.replace(right, FAULTS[right], 1)
    expected = strict_html.judge(faulty, is_partial=False)[1]
    assert expected
    assert reader.read(faulty, is_partial=False)[1] == expected


def test_a_place_is_accepted_only_after_html5lib(reader: Reader) -> None:
    faulty = PAGE.replace("<p>One", "<p>One<div></div>")
    for _ in range(2):
        assert reader.read(faulty, is_partial=False)[1]


def test_what_is_random_on_a_known_page_hides_no_fault() -> None:
    first, second = "IjA1b2c3d4e5f6g7h8i9j0", "IjZ1y2x3w4v5u6t7s8r9q0"
    page = f'<p id="{first}">1</p><p id="{second}">2</p><a href="/a" aria-describedby="{first}">'

    def problems(html: str) -> list[str]:
        return pages.problems(html + "link</a>", is_partial=True)

    assert not problems(page)
    assert not problems(page.replace(second, second[::-1]))
    assert problems(page.replace(second, first)) == [f"id {first!r} stands 2 times"]
    (dangling,) = problems(page.replace(f'describedby="{first}', f'describedby="{first[::-1]}'))
    assert "names no id here" in dangling
    assert problems(page) == []


def test_a_partial_is_no_page(reader: Reader) -> None:
    assert reader.read("<p>One</p>", is_partial=True)[1] == []
    assert reader.read("<p>One</p>", is_partial=False)[1]
    assert reader.read("<b>One", is_partial=True)[1]


def test_any_damage_is_found(client: CheckingClient, reader: Reader) -> None:
    page = client.get("/login").text
    reader.read(page, is_partial=False)
    for damage in DAMAGES:
        for _ in range(10):
            damaged = damage(page)
            expected, errors = strict_html.judge(damaged, is_partial=False)
            root, ours = reader.read(damaged, is_partial=False)
            assert bool(ours) == bool(errors), damaged
            assert errors or contents(root) == contents(expected)


def contents(root: Element) -> list[tuple[object, ...]]:
    return [
        (each.tag, each.attrib, (each.text or "").split(), (each.tail or "").split())
        for each in root.iter()
    ]


def any_of(pattern: str, page: str) -> re.Match[str]:
    return random.choice(list(re.finditer(pattern, page)))


def without_a_tag(page: str) -> str:
    tag = any_of("<[^>]+>", page)
    return page[: tag.start()] + page[tag.end() :]


def without_a_character(page: str) -> str:
    at = random.randrange(len(page))
    return page[:at] + page[at + 1 :]


def with_a_character(page: str) -> str:
    at = random.randrange(len(page))
    return page[:at] + random.choice("<>&\"'=/\0 \x0b") + page[at:]


def with_a_tag_twice(page: str) -> str:
    tag = any_of("<[^>]+>", page)
    return page[: tag.end()] + page[tag.start() :]


def with_tags_exchanged(page: str) -> str:
    first, second = sorted((any_of("<[^>]+>", page) for _ in range(2)), key=re.Match.start)
    if first.end() > second.start():
        return page
    between = page[first.end() : second.start()]
    return page[: first.start()] + second[0] + between + first[0] + page[second.end() :]


def with_an_element(page: str) -> str:
    names = "a body button dd div form h2 head html li nobr option p select table td textarea tr"
    name = random.choice(names.split())
    tag = any_of("<[^>]+>", page)
    return page[: tag.start()] + f"<{name}></{name}>" + page[tag.start() :]


DAMAGES: list[Callable[[str], str]] = [
    without_a_tag,
    without_a_character,
    with_a_character,
    with_a_tag_twice,
    with_tags_exchanged,
    with_an_element,
]
