"""Templates that call macros as functions and know their constants read as Jinja renders them."""

from __future__ import annotations

from typing import Any

import pytest
from babel.support import NullTranslations
from jinja2 import (
    DictLoader,
    Environment,
    StrictUndefined,
    TemplateAssertionError,
    UndefinedError,
    pass_context,
)
from markupsafe import Markup

from shop.text.translating import TranslatingEnvironment

pytestmark = pytest.mark.one_database

MACROS = """
{% set kept = 1 %}
{% macro badge(label, tone="calm", class="") %}<b class="{{ tone }} {{ class }}">{{ label }}</b>{% endmacro %}
{% macro frame(title) %}<div>{{ title }}: {{ caller() if caller else "alone & empty" }}</div>{% endmacro %}
{% macro rows(numbers) %}{% for n in numbers %}{{ caller(n, last=loop.last) }}{% endfor %}{% endmacro %}
{% macro twice(label) %}{{ badge(label) }}{{ badge(label=label, *given) }}{% endmacro %}
"""  # noqa: E501 - as templates are written

IMPORTED = '{% from "macros.html" import badge, frame, rows as listed, twice %}'
HEIR = '{% extends "parent.html" %}'

TEMPLATES = {
    "macros.html": MACROS,
    "positions.html": IMPORTED + '{{ badge(given) }}{{ badge("<&>", "good", "wide") }}',
    "keywords.html": IMPORTED + "{{ badge(tone=given, label=1, class=marked) }}",
    "unpacked.html": IMPORTED + '{{ badge(*("a", "b")) }}{{ badge(**{"label": given}) }}',
    "blocks.html": IMPORTED + "{% call frame(given) %}<i>{{ badge(given) }}</i>{% endcall %}",
    "alone.html": IMPORTED + "{{ frame(given) }}{{ frame(given)|upper }}",
    "values.html": IMPORTED + "{% set made = badge(given) %}{{ made }}{{ made ~ given }}",
    "loop.html": IMPORTED + "{% for each in 'ab' %}{{ badge(each, loop.index) }}{% endfor %}",
    "shadow.html": IMPORTED + "{% for badge in (given.upper,) %}{{ badge() }}{% endfor %}",
    "own.html": "{% macro own(a, b=a) %}{{ a ~ b }}{% endmacro %}{{ own(given) }}{{ own(1, 2) }}",
    "module.html": '{% import "macros.html" as all %}{{ all.badge(given, class="wide") }}',
    "method.html": IMPORTED + "{{ given.replace('<', '&') }}{% set all = given %}{{ all.upper() }}",
    "heir.html": HEIR + IMPORTED + "{% block a %}{{ badge(given) }}{% endblock %}",
    "parent.html": "<p>{% block a %}{% endblock %}</p>",
    "included.html": IMPORTED + '{% include "part.html" %}',
    "part.html": "{{ badge(given) }}",
    "branches.html": "{{ '<' if given else '>' }}{{ given if marked else '&' }}",
    "no_branch.html": "<a{{ ' b' if not given }}{{ ' c=\"&\"' if given }}>{{ given if marked }}",
    "nested.html": "{{ ('a&b' if marked else 'c') if given else ('d' if marked) }}",
    "functions.html": "{{ shout(given) }}{{ shout(1, mark='<') }}{{ dict(a=1) }}{{ _('Hello') }}",
    "keyword.html": "{{ shout(given, **{'class': 'x'}) }}{{ named(class=given) }}",
    "context.html": "{{ looked() }}",
    "constants.html": "{{ [1.5, _('Hello'), (_('Hello'), none)] }}{{ {'a': _('Hello')}['a'] }}",
    "text.txt": "{% macro own(a) %}{{ a }}&{% endmacro %}{{ own(given) }}{{ '&' if given }}",
}  # fmt: skip

DIRECT = (
    "positions.html", "keywords.html", "blocks.html", "heir.html", "functions.html", "module.html",
)  # fmt: skip

GIVEN: dict[str, Any] = {"given": "<&>", "marked": Markup("<br>")}


class Catalogue(NullTranslations):
    """A catalogue in memory."""

    def gettext(self, message: str) -> str:
        return {"Hello": "Bonjour & merci"}.get(message, message)

    ugettext = gettext


def environment(kind: type[Environment], **options: Any) -> Any:
    made: Any = kind(
        loader=DictLoader(TEMPLATES),
        autoescape=lambda name: str(name).endswith(".html"),
        extensions=["jinja2.ext.i18n"],
        **options,
    )
    made.install_gettext_translations(Catalogue(), newstyle=True)

    made.globals |= {
        "shout": lambda text, mark="!", **more: f"{text}{mark}{more or ''}",
        "named": lambda **named: named["class"],
        "looked": pass_context(lambda context: context["given"]),
    }
    return made


def translating(**options: Any) -> Any:
    made = environment(TranslatingEnvironment, **options)
    made.catalogue = Catalogue()
    return made


@pytest.mark.parametrize("name", sorted(TEMPLATES.keys() - {"part.html"}))
def test_a_template_reads_as_jinja_renders_it(name: str) -> None:
    expected = environment(Environment).get_template(name).render(GIVEN)
    assert translating().get_template(name).render(GIVEN) == expected


def test_a_macro_is_called_without_jinja_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = translating()
    pages.get_template("macros.html")
    monkeypatch.delattr("jinja2.runtime.Macro.__call__")
    monkeypatch.delattr("jinja2.runtime.Context.call")
    for name in DIRECT:
        assert "&lt;&amp;&gt;" in pages.get_template(name).render(GIVEN)


def test_a_text_of_a_template_is_made_once() -> None:
    macros = "{% macro one() %}{{ given(_('Hello')) }}{% endmacro %}{{ one() }}{{ one() }}"
    texts: list[str] = []
    translating().from_string(macros).render(given=texts.append)
    first, second = texts
    assert first is second


@pytest.mark.parametrize(
    "wrong",
    [
        "{{ badge() }}",
        "{{ badge(1, title=2) }}",
        "{{ badge(1, 2, 3, 4) }}",
        "{{ listed((1,)) }}",
        "{{ never_imported(1) }}",
        '{% from "macros.html" import lost %}{{ lost(1) }}',
        '{% import "macros.html" as all %}{{ all.lost(1) }}',
        "{{ lost() }}{% macro later() %}{% endmacro %}",
    ],
)
def test_a_wrong_call_is_an_error(wrong: str) -> None:
    template = translating(undefined=StrictUndefined).from_string(IMPORTED + wrong)
    with pytest.raises((UndefinedError, TypeError)):
        template.render(GIVEN)


@pytest.mark.parametrize("taken", ["kwargs", "varargs"])
def test_a_macro_that_takes_anything_is_not_compiled(taken: str) -> None:
    with pytest.raises(TemplateAssertionError, match="names all its parameters"):
        translating().from_string(f"{{% macro any() %}}{{{{ {taken} }}}}{{% endmacro %}}")
