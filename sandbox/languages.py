"""Localisation of the sandbox's pages: texts, amounts and dates in French and English."""

from __future__ import annotations

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency
from flask import g, request, session

from sandbox import clock
from sandbox.french import FRENCH

LANGUAGES = {"fr": "Français", "en": "English"}
_LOCALES = {"fr": "fr_FR", "en": "en_GB"}


def N_(message: str) -> str:
    """Mark ``message`` for extraction; it is translated where it is shown."""
    return message


def _(message: str, **values: object) -> str:
    """Translate ``message`` to the page's language and fill its ``%(name)s`` placeholders."""
    text = FRENCH.get(message, message) if language() == "fr" else message
    return text % values if values else text


def language() -> str:
    """Return the language of the current page."""
    return str(g.get("language", "fr"))


def use_language(wanted: str) -> None:
    """Set the current page's language; French if ``wanted`` is not supported."""
    g.language = wanted if wanted in LANGUAGES else "fr"


def use_requested_language() -> None:
    """Set the page's language: the one chosen, else the browser's, else French."""
    chosen = request.args.get("lang", "")
    if chosen in LANGUAGES:
        session["language"] = chosen
    use_language(session.get("language") or _of_browser())


def _of_browser() -> str:
    """Return the language that the browser wants most; ``fr-FR`` is French."""
    found = [
        (-quality, position, tag.partition("-")[0].lower())
        for position, (tag, quality) in enumerate(request.accept_languages)
    ]
    return next((code for quality, _, code in sorted(found) if code in LANGUAGES and quality), "fr")


def money(cents: int, currency: str = "EUR") -> str:
    """Format an amount for the page's language: 1 234,56 €."""
    return format_currency(cents / 100, currency, locale=_LOCALES[language()])


def moment(at: float) -> str:
    """Format a moment for the page's language, in Paris time."""
    here, locale = clock.as_datetime(at), _LOCALES[language()]
    return (
        f"{format_date(here, 'long', locale=locale)}, {format_time(here, 'short', locale=locale)}"
    )


def short_moment(at: float) -> str:
    """Format a moment briefly, to the minute, in Paris time."""
    return format_datetime(clock.as_datetime(at), "short", locale=_LOCALES[language()])
