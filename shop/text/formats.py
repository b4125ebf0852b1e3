"""Money, numbers and dates in the customer's language (CLDR, through Babel).

English is European English: days before months, 24 hours. Dates and times are in Europe/Paris.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale, dates, numbers

from records.languages import Language
from shop import clock
from shop.text.folding import without_accents

MOST_KEPT = 4096
"""Amounts, rates and days that a process keeps as written: pages show the same ones again."""

MINUS = "\u2212"

_LOCALES: dict[str, str] = {Language.FRENCH: "fr_FR", Language.ENGLISH: "en_GB"}

_NOT_IN_ISO_3166 = frozenset(
    {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
)
"""Codes that CLDR names and ISO 3166 only reserves or leaves to users: e-invoices know none."""


@cache
def locale_of(language: str) -> Locale:
    """Return Babel's locale for one of the shop's languages."""
    return Locale.parse(_LOCALES[language])


@lru_cache(MOST_KEPT)
def money(cents: int, language: str, currency: str = "EUR") -> str:
    """Format an amount in cents: "1 234,56 €" in French, "€1,234.56" in English."""
    return numbers.format_currency(
        Decimal(cents).scaleb(-2), currency, locale=locale_of(language), group_separator=True
    )


def money_on_page(cents: int, language: str, currency: str = "EUR") -> str:
    """Format an amount as `money` does, with the sign of minus: "−12,00 €"."""
    return money(cents, language, currency).replace("-", MINUS)


def number(value: int | Decimal, language: str) -> str:
    """Format a number with grouped thousands: "12 345" in French, "12,345" in English."""
    # 1.5 and 1.50 are the same key, and are written differently.
    return _integer(value, language) if type(value) is int else _number(value, language)


def _number(value: int | Decimal, language: str) -> str:
    return numbers.format_decimal(
        value, locale=locale_of(language), decimal_quantization=False, group_separator=True
    )


_integer = lru_cache(MOST_KEPT)(_number)


def runs(values: Iterable[int], language: str) -> str:
    """Format whole numbers in order, those without a gap as one run: "1–120, 125"."""
    found: list[list[int]] = []
    for value in sorted(set(values)):
        if found and found[-1][-1] == value - 1:
            found[-1][1:] = [value]
        else:
            found.append([value])
    return ", ".join("–".join(number(end, language) for end in run) for run in found)


@lru_cache(MOST_KEPT)
def rate(basis_points: int, language: str) -> str:
    """Format a rate in basis points: "8,5 %" in French, "8.5%" in English."""
    return numbers.format_percent(
        Decimal(basis_points).scaleb(-4), locale=locale_of(language), decimal_quantization=False
    )


def day(value: date | datetime, language: str) -> str:
    """Format a date in full: "5 novembre 2026", "5 November 2026"; a moment as its day in Paris."""
    return _day(clock.day_of(value) if isinstance(value, datetime) else value, language)


@lru_cache(MOST_KEPT)
def _day(value: date, language: str) -> str:
    if language == Language.FRENCH and value.day == 1:
        return dates.format_date(value, "d'er' MMMM y", locale=locale_of(language))
    return dates.format_date(value, "long", locale=locale_of(language))


def short_day(value: date | datetime, language: str) -> str:
    """Format a date in figures, for tables: "05/11/2026" in both languages."""
    value = clock.day_of(value) if isinstance(value, datetime) else value
    return value.strftime("%d/%m/%Y")


def month(value: date, language: str) -> str:
    """Format a month with its year: "novembre 2026", "November 2026"."""
    return dates.format_date(value, "MMMM y", locale=locale_of(language))


def moment(value: datetime, language: str) -> str:
    """Format a moment to the minute in Paris time: "5 novembre 2026 à 14:03 (heure de Paris)"."""
    at = value.astimezone(clock.PARIS).strftime("%H:%M")
    written = day(value, language)
    if language == Language.FRENCH:
        return f"{written} à {at} (heure de Paris)"
    return f"{written} at {at} (Paris time)"


def short_moment(value: datetime, language: str) -> str:
    """Format a moment in figures and Paris time, for dense tables: "05/11/2026 14:03"."""
    at = value.astimezone(clock.PARIS).strftime("%H:%M")
    return f"{short_day(value, language)} {at}"


def deadline(value: datetime, language: str) -> str:
    """Format the end of a time as the last minute within it.

    What ends with a day ends at 00:00 of the next one, which reads as a day more: "14 décembre
    2026 à 23:59 (heure de Paris)".
    """
    at = value.astimezone(clock.PARIS)
    is_midnight = (at.hour, at.minute) == (0, 0)
    return moment(value - timedelta(minutes=1) if is_midnight else value, language)


def country(code: str, language: str) -> str:
    """Return the name of a country by its ISO 3166 code; the code itself if it has no name."""
    return locale_of(language).territories.get(code, code)


@cache
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """Return every country as (code, name), in the alphabetical order of ``language``."""
    names = locale_of(language).territories
    codes = (str(code) for code in names if len(str(code)) == 2)
    return tuple(
        sorted(
            ((code, names[code]) for code in codes if code not in _NOT_IN_ISO_3166),
            key=lambda pair: without_accents(pair[1]),
        )
    )


FILTERS: dict[str, Callable[..., str]] = {
    "money": money,
    "number": number,
    "runs": runs,
    "rate": rate,
    "day": day,
    "short_day": short_day,
    "month": month,
    "moment": moment,
    "short_moment": short_moment,
    "deadline": deadline,
    "country": country,
}
"""The template filters of pages, e-mails and documents: ``{{ order.total_cents|money }}``.

Each takes the value, then the language.
"""
