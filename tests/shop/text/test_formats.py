"""Formats of money, numbers and dates in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.text import formats


@pytest.mark.parametrize(
    ("cents", "french", "english"),
    [
        (0, "0,00\u00a0€", "€0.00"),
        (5, "0,05\u00a0€", "€0.05"),
        (880, "8,80\u00a0€", "€8.80"),
        (123456, "1\u202f234,56\u00a0€", "€1,234.56"),
        (100000000, "1\u202f000\u202f000,00\u00a0€", "€1,000,000.00"),
        (-150, "-1,50\u00a0€", "-€1.50"),
    ],
)
def test_money(cents, french, english):
    assert formats.money(cents, "fr") == french
    assert formats.money(cents, "en") == english


@given(st.integers(-(10**12), 10**12), st.sampled_from(["fr", "en"]))
def test_no_cent_is_lost_in_writing(cents, language):
    written = formats.money(cents, language)
    digits = "".join(character for character in written if character.isdigit())
    assert int(digits) == abs(cents)


@pytest.mark.parametrize(
    ("basis_points", "french", "english"),
    [(2000, "20\u00a0%", "20%"), (850, "8,5\u00a0%", "8.5%"), (2550, "25,5\u00a0%", "25.5%"),
     (0, "0\u00a0%", "0%")],
)  # fmt: skip
def test_rates(basis_points, french, english):
    assert formats.rate(basis_points, "fr") == french
    assert formats.rate(basis_points, "en") == english


def test_numbers():
    assert formats.number(12345, "fr") == "12\u202f345"
    assert formats.number(12345, "en") == "12,345"


def test_days():
    assert formats.day(date(2026, 11, 5), "fr") == "5 novembre 2026"
    assert formats.day(date(2026, 11, 1), "fr") == "1er novembre 2026"
    assert formats.day(date(2026, 11, 5), "en") == "5 November 2026"
    assert formats.short_day(date(2026, 11, 5), "fr") == "05/11/2026"
    assert formats.short_day(date(2026, 11, 5), "en") == "05/11/2026"
    at = datetime(2026, 11, 5, 23, 30, tzinfo=UTC)
    assert formats.short_moment(at, "fr") == "06/11/2026 00:30"
    assert formats.month(date(2026, 2, 1), "fr") == "février 2026"


def test_a_moment_is_written_in_paris_and_says_so():
    late = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    assert formats.moment(late, "fr") == "1er juillet 2026 à 00:30 (heure de Paris)"
    assert formats.moment(late, "en") == "1 July 2026 at 00:30 (Paris time)"
    assert formats.day(late, "en") == "1 July 2026"
    winter = datetime(2026, 12, 31, 22, 30, tzinfo=UTC)
    assert formats.moment(winter, "en") == "31 December 2026 at 23:30 (Paris time)"


def test_a_deadline_at_midnight_is_the_last_minute_of_the_day_before():
    midnight = datetime(2026, 12, 14, 23, 0, tzinfo=UTC)
    assert formats.deadline(midnight, "fr") == "14 décembre 2026 à 23:59 (heure de Paris)"
    assert formats.deadline(midnight, "en") == "14 December 2026 at 23:59 (Paris time)"
    noon = datetime(2026, 12, 14, 11, 0, tzinfo=UTC)
    assert formats.deadline(noon, "fr") == formats.moment(noon, "fr")


def test_pages_write_the_sign_of_minus():
    assert formats.money_on_page(-150, "fr") == "−1,50\u00a0€"
    assert formats.money_on_page(-150, "en") == "−€1.50"


def test_countries_have_names():
    assert formats.country("RE", "fr") == "La Réunion"
    assert formats.country("GR", "en") == "Greece"
    assert formats.country("??", "en") == "??"


@pytest.mark.parametrize("name", formats.FILTERS)
def test_every_filter_writes_both_languages(name):
    value = {
        "country": "FR",
        "day": date(2026, 1, 2),
        "short_day": date(2026, 1, 2),
        "month": date(2026, 1, 2),
        "moment": datetime(2026, 1, 2, tzinfo=UTC),
        "short_moment": datetime(2026, 1, 2, tzinfo=UTC),
        "deadline": datetime(2026, 1, 2, tzinfo=UTC),
        "runs": [3, 4],
    }.get(name, 1234)
    assert formats.FILTERS[name](value, "fr")
    assert formats.FILTERS[name](value, "en")


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([], ""),
        ([7], "7"),
        ([2, 1], "1–2"),
        ([5, 1, 2, 3, 9, 8], "1–3, 5, 8–9"),
        (range(998, 2001), "998–2\u202f000"),
        (range(1, 300, 2), ", ".join(map(str, range(1, 300, 2)))),
    ],
)
def test_numbers_without_a_gap_are_one_run(values: Iterable[int], written: str) -> None:
    assert formats.runs(values, "fr") == written
