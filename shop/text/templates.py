"""Templates and translations outside a request: e-mails, documents, single sentences.

Pages, e-mails and PDFs share their filters (`formats.FILTERS`), so they format amounts alike.
"""

from __future__ import annotations

from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import mofile, pofile
from babel.support import NullTranslations, Translations
from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape

from records.languages import Language
from shop.errors import Refusal
from shop.settings import ROOT
from shop.text import compiled, formats
from shop.text.translating import TranslatingEnvironment
from shop.vat import VatTreatment

TEMPLATES = ROOT / "templates"
TRANSLATIONS = ROOT / "translations"
SOURCE_LANGUAGE = Language.ENGLISH


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language; the source language has an empty one."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    catalogue = TRANSLATIONS / language / "LC_MESSAGES" / "messages"
    if catalogue.with_suffix(".mo").exists():
        return Translations.load(TRANSLATIONS, [language])
    return Translations(_compile(catalogue.with_suffix(".po"), language))


def _compile(path: Path, language: str) -> BytesIO:
    """Compile a catalogue in memory if the build step has not: its texts must not stay English."""
    compiled = BytesIO()
    with path.open("rb") as source:
        mofile.write_mo(compiled, pofile.read_po(source, locale=language))
    compiled.seek(0)
    return compiled


def translate(sentence: str, language: str, **values: object) -> str:
    """Translate a sentence of the catalogue to ``language``; fill its ``%(name)s`` placeholders."""
    # The entry of the empty text is the catalogue's own header.
    text = translations(language).ugettext(sentence) if sentence else ""
    return text % values if values else text


def refusal(refused: Refusal, language: str) -> str:
    """Return the message of a refusal, in ``language``."""
    return translate(refused.sentence, language, **refused.values)


def vat_mention(treatment: VatTreatment, language: str) -> str:
    """Return the legal sentence of a VAT treatment, in ``language``; "" if there is none."""
    if not treatment.mention:
        return ""
    name = formats.country(treatment.country, language)
    return translate(treatment.mention, language, country=name)


@cache
def environment(language: str) -> TranslatingEnvironment:
    """Return Jinja for one language: autoescaped HTML, strict undefined names, translations."""
    env = TranslatingEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html", "xml"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    env.catalogue = translations(language)
    env.bytecode_cache = compiled.kept("letters", language, translations(language))
    env.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    for name, write in formats.FILTERS.items():
        env.filters[name] = partial(write, language=language)
    env.globals |= {"language": language, "vat_mention": partial(vat_mention, language=language)}
    return env


def render(template: str, language: str, **values: Any) -> str:
    """Render a template of ``templates/`` in ``language``."""
    return environment(language).get_template(template).render(**values)
