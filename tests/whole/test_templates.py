"""Every template loads, and holds no text outside the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment, nodes

from models import Language
from tests import ROOT
from web.page_templates import PageEnvironment

pytestmark = pytest.mark.one_database

TEMPLATES = sorted(
    str(path.relative_to(ROOT / "templates"))
    for path in (ROOT / "templates").rglob("*")
    if path.is_file() and path.suffix != ".typ"
)
PAPERS = sorted((ROOT / "templates" / "documents").iterdir())

# Elements and comments with their content; attributes that people read are checked separately.
MARKUP = re.compile(r"<!--.*?-->|<style>.*?</style>|<[^>]*>|&#?\w+;", re.DOTALL)
READ = re.compile(r'\b(?:aria-label|title|alt|placeholder)="([^"]*)"')
PRINTED = re.compile(r"\[([^\[\]]*)\]")
"""Text within the code of a paper; all before the first code is an import or a comment."""

EXPRESSION = re.compile(r"#[\w.-]+(\([^()]*\))?(\.\w+\([^()]*\))*")
NAMES = {"Microsoft", "Office", "Business", "Pro", "Plus", "Exchange"}
"""Names that are the same in every language."""

CLASSES = re.compile(r"{%-? block \w*class\w* -?%}.*?{%-? endblock -?%}")
"""A block of CSS class names, which is not text."""


@pytest.fixture
def app(_app: Flask) -> Flask:
    """The shop, whatever its database holds: no template is filled in here."""
    return _app


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_loads(app: Flask, name: str) -> None:
    pages = app.jinja_env
    assert isinstance(pages, PageEnvironment)
    for language in Language:
        pages.in_language(language).get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_hold_no_text_outside_the_catalogue(app: Flask, name: str) -> None:
    source = (ROOT / "templates" / name).read_text()
    assert not list(untranslatable(app.jinja_env, source))


def untranslatable(environment: Environment, source: str) -> set[str]:
    """Return the words of a template outside ``_()`` and ``{% trans %}``."""
    text: list[str] = []
    in_trans = in_block = False
    for _, kind, value in environment.lex(CLASSES.sub("", source)):
        in_block = kind == "block_begin" or (in_block and kind != "block_end")
        if in_block and kind == "name" and value in {"trans", "endtrans"}:
            in_trans = value == "trans"
        text.append(value if kind == "data" and not in_trans else " ")
    joined = "".join(text)
    seen = [MARKUP.sub(" ", joined), *READ.findall(joined)]
    words = {word for part in seen for word in re.findall(r"[^\W\d_]{2,}", part)}
    return words - NAMES


def test_a_text_outside_the_catalogue_is_found(app: Flask) -> None:
    """The check itself: it finds words, and accepts them where they are allowed."""
    translated = '<p class="calm">{{ _("Order") }} {% trans %}now{% endtrans %}</p>'
    assert untranslatable(app.jinja_env, translated) == set()
    assert untranslatable(app.jinja_env, "<p>Order {{ 1 }} now</p>") == {"Order", "now"}
    assert untranslatable(app.jinja_env, '<img alt="A cloud">') == {"cloud"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_compares_a_status_with_a_word(app: Flask, name: str) -> None:
    source = (ROOT / "templates" / name).read_text()
    assert not list(compared_statuses(app.jinja_env, source)), "ask the model: order.is_payable"


def compared_statuses(environment: Environment, source: str) -> Iterator[int]:
    """Yield the lines that compare a status or state with a literal."""
    for compared in environment.parse(source).find_all(nodes.Compare):
        operands = [compared.expr, *(operand.expr for operand in compared.ops)]
        names = {str(getattr(one, "attr", getattr(one, "name", ""))) for one in operands}
        words = any(
            isinstance(const.value, str)
            for one in operands
            for const in (one, *one.find_all(nodes.Const))
            if isinstance(const, nodes.Const)
        )
        if words and any(name.endswith(("status", "state")) for name in names):
            yield compared.lineno


@pytest.mark.parametrize(
    "source",
    [
        '{% if order.status == "paid" %}{% endif %}',
        '{{ "paid" if order.status in ("paid", "delivering") }}',
        '{% if "paid" != vat_status %}{% endif %}',
    ],
)
def test_a_compared_status_is_found(app: Flask, source: str) -> None:
    """The check itself."""
    assert list(compared_statuses(app.jinja_env, source)) == [1]
    assert not list(compared_statuses(app.jinja_env, "{{ looks[order.status] }}"))


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.name)
def test_papers_hold_no_text_but_the_number_of_the_page(path: Path) -> None:
    code = re.sub(r"^//.*$", "", path.read_text(), flags=re.MULTILINE)
    written = [EXPRESSION.sub("", text) for text in PRINTED.findall(code)]
    assert {word for text in written for word in re.findall(r"[^\W\d_]{2,}", text)} <= {"Page"}
    top_level = [line for line in code.splitlines() if re.match(r"[^\W\d_]", line)]
    assert top_level == []
