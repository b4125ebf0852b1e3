"""Templates and texts outside any request: letters, documents, sentences for a language.

Pages, letters and PDFs share their filters (`formats.FILTERS`) and write an amount in one way.
"""

from __future__ import annotations

from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import mofile, pofile
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from records.languages import Language
from shop.errors import Refusal
from shop.settings import ROOT
from shop.text import formats
from shop.vat import VatTreatment

TEMPLATES = ROOT / "templates"
TRANSLATIONS = ROOT / "translations"
SOURCE_LANGUAGE = Language.ENGLISH


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; the source language needs none."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    catalogue = TRANSLATIONS / language / "LC_MESSAGES" / "messages"
    if catalogue.with_suffix(".mo").exists():
        return Translations.load(TRANSLATIONS, [language])
    return Translations(_compile(catalogue.with_suffix(".po"), language))


def _compile(path: Path, language: str) -> BytesIO:
    """A catalogue the build step has not compiled yet: never English for want of a file."""
    compiled = BytesIO()
    with path.open("rb") as source:
        mofile.write_mo(compiled, pofile.read_po(source, locale=language))
    compiled.seek(0)
    return compiled


def translate(sentence: str, language: str, **values: object) -> str:
    """A sentence of the catalogue in ``language``, its ``%(name)s`` places filled."""
    # Under no text at all a catalogue keeps what it says of itself.
    text = translations(language).ugettext(sentence) if sentence else ""
    return text % values if values else text


def refusal(refused: Refusal, language: str) -> str:
    """What a refusal says to the customer, in ``language``."""
    return translate(refused.sentence, language, **refused.values)


def vat_mention(treatment: VatTreatment, language: str) -> str:
    """The legal sentence of a VAT treatment, in ``language``; "" if there is none."""
    if not treatment.mention:
        return ""
    name = formats.country(treatment.country, language)
    return translate(treatment.mention, language, country=name)


@cache
def environment(language: str) -> Environment:
    """Jinja for one language: HTML escaped, undefined names refused, texts translated."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html", "xml"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    for name, write in formats.FILTERS.items():
        env.filters[name] = partial(write, language=language)
    env.globals |= {"language": language, "vat_mention": partial(vat_mention, language=language)}
    return env


def render(template: str, language: str, **values: Any) -> str:
    """A template of ``templates/`` in ``language``."""
    return environment(language).get_template(template).render(**values)
