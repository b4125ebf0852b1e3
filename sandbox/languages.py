"""The sandbox's own two languages: texts, amounts and moments as its pages show them."""

from __future__ import annotations

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency
from flask import g, request, session

from sandbox import clock
from sandbox.french import FRENCH

LANGUAGES = {"fr": "Français", "en": "English"}
_LOCALES = {"fr": "fr_FR", "en": "en_GB"}


def N_(message: str) -> str:
    """Mark ``message`` for translation where it is written; it is translated where it is shown."""
    return message


def _(message: str, **values: object) -> str:
    """``message`` in the language of the page, its ``%(name)s`` places filled."""
    text = FRENCH.get(message, message) if language() == "fr" else message
    return text % values if values else text


def language() -> str:
    """The language of the page being made."""
    return str(g.get("language", "fr"))


def speak(wanted: str) -> None:
    """Make this page in ``wanted``, or in French if that is none of ours."""
    g.language = wanted if wanted in LANGUAGES else "fr"


def speak_as_asked() -> None:
    """Make this page in the language chosen before or asked for by the browser."""
    chosen = request.args.get("lang", "")
    if chosen in LANGUAGES:
        session["language"] = chosen
    preferred = request.accept_languages.best_match(list(LANGUAGES))
    speak(session.get("language") or preferred or "fr")


def money(cents: int, currency: str = "EUR") -> str:
    """An amount as the reader writes it: 1 234,56 €."""
    return format_currency(cents / 100, currency, locale=_LOCALES[language()])


def moment(at: float) -> str:
    """A moment as the reader writes it, in the time of Paris."""
    here, locale = clock.as_datetime(at), _LOCALES[language()]
    return (
        f"{format_date(here, 'long', locale=locale)}, {format_time(here, 'short', locale=locale)}"
    )


def short_moment(at: float) -> str:
    """A moment, to the minute, as the reader writes it, in the time of Paris."""
    return format_datetime(clock.as_datetime(at), "short", locale=_LOCALES[language()])
