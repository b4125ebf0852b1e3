"""Texts that are translated when a template is compiled read as those translated at run time."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from babel.support import NullTranslations
from flask import Flask
from jinja2 import DictLoader, Environment, UndefinedError
from markupsafe import Markup

from shop.text import formats, templates
from shop.text.translating import TranslatingEnvironment
from web.page_templates import PageEnvironment

pytestmark = pytest.mark.one_database

FRENCH = {"Order": "Commander", "100 %%": "100\N{NO-BREAK SPACE}%%", "<b>%(a)s</b>": "<i>%(a)s</i>"}

TEMPLATES = {
    "text.html": "<p>{{ _('Order') }}</p>",
    "alias.html": "{{ gettext('Order') }}, {{ _('Order')|upper }}",
    "attribute.html": "<a title=\"{{ _('Order') }}\">{% set name = _('Order') %}{{ name }}</a>",
    "percent.html": "{{ _('100 %%') }}",
    "values.html": "{{ _('<b>%(a)s</b>', a=given) }}",
    "number.html": "{{ _('<b>%(a)s</b>: %(n)d of %%', a=given, n=3) }}",
    "block.html": "{% trans %}Order{% endtrans %} {% trans a=given %}<b>{{ a }}</b>{% endtrans %}",
    "plurals.html": "{{ ngettext('%(num)s %(a)s', '%(num)s %(a)s each', 2, a=given) }}",
    "plural.html": "{% trans count=2 %}one{% pluralize %}{{ count }} more{% endtrans %}",
    "variable.html": "{{ _(sentence) }}{{ _(sentence ~ '') }}",
    "unknown.html": "{{ _('Not in the catalogue') }}{{ _('') }}",
    "text.txt": "{{ _('Order') }} {{ _('<b>%(a)s</b>', a=given) }}",
    "macro.html": "{% macro button(text) %}<b>{{ text }}</b>{% endmacro %}{{ button(_('Order')) }}",
}
GIVEN: dict[str, Any] = {"given": "<&>", "sentence": "Order"}


class Catalogue(NullTranslations):
    """A catalogue in memory."""

    def gettext(self, message: str) -> str:
        return FRENCH.get(message, message)

    ugettext = gettext


def environment(kind: type[Environment]) -> Any:
    made: Any = kind(
        loader=DictLoader(TEMPLATES),
        autoescape=lambda name: str(name).endswith(".html"),
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(Catalogue(), newstyle=True)
    made.filters["number"] = partial(formats.number, language="fr")
    return made


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_reads_as_jinja_renders_it(name: str) -> None:
    translating = environment(TranslatingEnvironment)
    translating.catalogue = Catalogue()
    expected = environment(Environment).get_template(name).render(GIVEN)
    assert translating.get_template(name).render(GIVEN) == expected


@pytest.mark.parametrize(
    ("language", "written"), [("fr", "2\u202f000\xa0licences"), ("en", "2,000 licences")]
)
def test_the_number_of_a_plural_is_written_as_its_language_does(
    app: Flask, language: str, written: str
) -> None:
    assert isinstance(app.jinja_env, PageEnvironment)
    text = "{{ ngettext('%(num)s licence', '%(num)s licences', number) }}"
    with app.test_request_context(f"/{language}/"):
        for one in (app.jinja_env.in_language(language), templates.environment(language)):
            assert one.from_string(text).render(number=2000) == written
    own = text.replace("number)", "2, num='{n}')")
    assert templates.environment(language).from_string(own).render().startswith("{n}")


def test_jinja_is_asked_for_plurals_alone_when_a_page_is_shown() -> None:
    translating = environment(TranslatingEnvironment)
    translating.catalogue = Catalogue()
    translating.globals |= {"gettext": None, "_": None, "ngettext": None}
    for name in ("text.html", "attribute.html", "block.html", "text.txt"):
        assert "<&>" not in translating.get_template(name).render(given=Markup("x"))
    assert translating.get_template("variable.html").render(GIVEN) == "CommanderCommander"
    with pytest.raises((UndefinedError, TypeError)):
        translating.get_template("plural.html").render(GIVEN)


def test_pages_are_compiled_in_the_language_of_the_request(app: Flask) -> None:
    pages = app.jinja_env
    assert isinstance(pages, PageEnvironment)
    name = "storefront/home.html"
    for language in ("fr", "en", "fr"):
        with app.test_request_context(f"/{language}/"):
            assert pages.get_or_select_template(name).environment is pages.in_language(language)
    assert pages.in_language("fr").catalogue is templates.translations("fr")


def test_a_template_has_the_globals_of_its_environment_and_those_given() -> None:
    translating = environment(TranslatingEnvironment)
    translating.catalogue = Catalogue()
    translating.globals["shop"] = "Nuage"
    plain = translating.from_string("{{ shop }} {{ town is defined }}")
    given = translating.from_string("{{ shop }} {{ town }}", {"town": "Roubaix"})

    assert given.render() == "Nuage Roubaix"
    assert plain.render() == "Nuage False"
