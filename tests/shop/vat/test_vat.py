"""The VAT of a customer, by country, postcode and confirmed VAT number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop import vat
from shop.vat import Kind, PlaceOfSupply, rates
from shop.vat.rates import standard_rate
from shop.vat.territories import (
    FRENCH_FAMILY,
    MEMBER_STATES,
    compact_postcode,
    territory_of,
    zone_of,
)

TODAY = date(2026, 11, 5)


def taxed(country: str, postcode: str = "", number: str = "", *, confirmed: bool = False):
    return vat.treatment_of(PlaceOfSupply(country, postcode, number, confirmed), on=TODAY)


@pytest.mark.parametrize(
    ("country", "postcode", "kind", "rate"),
    [
        ("FR", "75001", Kind.DOMESTIC, 2000),
        ("FR", "59 100", Kind.DOMESTIC, 2000),
        ("FR", "20000", Kind.DOMESTIC, 2000),  # Ajaccio
        ("FR", "20600", Kind.DOMESTIC, 2000),  # Bastia
        ("FR", "98000", Kind.DOMESTIC, 2000),  # Monaco
        ("MC", "98000", Kind.DOMESTIC, 2000),
        ("MC", "MC-98000", Kind.DOMESTIC, 2000),
        ("FR", "97110", Kind.DOMESTIC, 850),  # Guadeloupe
        ("GP", "97110", Kind.DOMESTIC, 850),
        ("FR", "97200", Kind.DOMESTIC, 850),  # Martinique
        ("MQ", "97200", Kind.DOMESTIC, 850),
        ("FR", "97400", Kind.DOMESTIC, 850),  # Réunion
        ("RE", "97400", Kind.DOMESTIC, 850),
        ("FR", "97300", Kind.UNTAXED, 0),  # Guyane
        ("GF", "97300", Kind.UNTAXED, 0),
        ("FR", "97600", Kind.UNTAXED, 0),  # Mayotte
        ("YT", "97600", Kind.UNTAXED, 0),
        ("FR", "97133", Kind.OUTSIDE, 0),  # Saint-Barthélemy
        ("BL", "97133", Kind.OUTSIDE, 0),
        ("GP", "97133", Kind.OUTSIDE, 0),
        ("FR", "97150", Kind.OUTSIDE, 0),  # Saint-Martin
        ("MF", "97150", Kind.OUTSIDE, 0),
        ("FR", "97744", Kind.DOMESTIC, 850),  # Saint-Denis CEDEX, Réunion
        ("RE", "97801", Kind.DOMESTIC, 850),
        ("FR", "97801 CEDEX 9", Kind.DOMESTIC, 850),
        ("FR", "97054", Kind.OUTSIDE, 0),  # Saint-Martin CEDEX
        ("FR", "97098", Kind.OUTSIDE, 0),  # Saint-Barthélemy CEDEX
        ("FR", "97001", Kind.DOMESTIC, 850),  # a CEDEX of Guadeloupe
        ("FR", "97500", Kind.OUTSIDE, 0),  # Saint-Pierre-et-Miquelon
        ("FR", "98800", Kind.OUTSIDE, 0),  # Nouvelle-Calédonie
        ("PF", "98714", Kind.OUTSIDE, 0),  # Polynésie française
        ("RE", "75001", Kind.DOMESTIC, 2000),  # a country that the postcode contradicts
        ("YT", "", Kind.UNTAXED, 0),
        ("DE", "10115", Kind.OSS, 1900),
        ("DE", "78266", Kind.OUTSIDE, 0),  # Büsingen
        ("DE", "D-27498", Kind.OUTSIDE, 0),  # Heligoland
        ("ES", "28001", Kind.OSS, 2100),
        ("ES", "35001", Kind.OUTSIDE, 0),  # Las Palmas
        ("ES", "38001", Kind.OUTSIDE, 0),  # Tenerife
        ("ES", "51001", Kind.OUTSIDE, 0),  # Ceuta
        ("ES", "52001", Kind.OUTSIDE, 0),  # Melilla
        ("FI", "00100", Kind.OSS, 2550),
        ("FI", "22100", Kind.OUTSIDE, 0),  # Mariehamn
        ("AX", "AX-22100", Kind.OUTSIDE, 0),
        ("GR", "105 57", Kind.OSS, 2400),
        ("GR", "630 86", Kind.OUTSIDE, 0),  # Mount Athos
        ("IT", "00118", Kind.OSS, 2200),
        ("IT", "23041", Kind.OUTSIDE, 0),  # Livigno
        ("IT", "22061", Kind.OUTSIDE, 0),  # Campione
        ("DK", "1050", Kind.OSS, 2500),
        ("DK", "3900", Kind.OUTSIDE, 0),  # Nuuk
        ("PT", "1000-001", Kind.OSS, 2300),
        ("PT", "9000-018", Kind.OSS, 2200),  # Madeira
        ("PT", "9500-150", Kind.OSS, 1600),  # Azores
        ("AT", "9900", Kind.OSS, 2000),
        ("GB", "BT1 5GS", Kind.OUTSIDE, 0),  # Northern Ireland is the Union's for goods only
        ("IM", "IM1 1AA", Kind.OUTSIDE, 0),
        ("CH", "3500", Kind.OUTSIDE, 0),
        ("NO", "0150", Kind.OUTSIDE, 0),
        ("US", "35004", Kind.OUTSIDE, 0),
        ("AD", "AD500", Kind.OUTSIDE, 0),
    ],
)
def test_a_consumer_is_taxed_where_they_are(country, postcode, kind, rate):
    treatment = taxed(country, postcode)
    assert (treatment.kind, treatment.rate) == (kind, rate)


def test_consumers_of_every_other_member_state_pay_its_standard_rate():
    expected = {
        "AT": 2000, "BE": 2100, "BG": 2000, "CY": 1900, "CZ": 2100, "DE": 1900, "DK": 2500,
        "EE": 2400, "ES": 2100, "FI": 2550, "GR": 2400, "HR": 2500, "HU": 2700, "IE": 2300,
        "IT": 2200, "LT": 2100, "LU": 1700, "LV": 2100, "MT": 1800, "NL": 2100, "PL": 2300,
        "PT": 2300, "RO": 2100, "SE": 2500, "SI": 2200, "SK": 2300,
    }  # fmt: skip
    assert {code: taxed(code).rate for code in MEMBER_STATES - {"FR"}} == expected


@pytest.mark.parametrize(
    ("territory", "before", "after"),
    [
        ("EE", (date(2025, 6, 30), 2200), (date(2025, 7, 1), 2400)),
        ("FI", (date(2024, 8, 31), 2400), (date(2024, 9, 1), 2550)),
        ("RO", (date(2025, 7, 31), 1900), (date(2025, 8, 1), 2100)),
        ("SK", (date(2024, 12, 31), 2000), (date(2025, 1, 1), 2300)),
    ],
)
def test_a_rate_changes_on_its_day(territory, before, after):
    assert standard_rate(territory, before[0]) == before[1]
    assert standard_rate(territory, after[0]) == after[1]


def test_no_rate_is_made_up_for_days_before_the_table():
    with pytest.raises(KeyError):
        standard_rate("FR", date(2013, 12, 31))


def test_a_business_of_the_union_with_a_confirmed_number_owes_the_vat_itself():
    treatment = taxed("DE", "10115", "DE136695976", confirmed=True)
    assert (treatment.kind, treatment.rate, treatment.category) == (Kind.REVERSE_CHARGE, 0, "AE")


def test_a_greek_number_begins_with_el_and_is_of_greece():
    assert taxed("GR", "10557", "EL094259216", confirmed=True).kind is Kind.REVERSE_CHARGE


def test_until_its_number_is_confirmed_a_business_pays_its_country_s_vat():
    treatment = taxed("DE", "10115", "DE136695976")
    assert (treatment.kind, treatment.rate) == (Kind.OSS, 1900)


def test_a_confirmed_number_of_another_country_lifts_no_vat():
    assert taxed("BE", "1000", "DE136695976", confirmed=True).kind is Kind.OSS


@pytest.mark.parametrize(
    ("country", "postcode", "rate"),
    [("FR", "75001", 2000), ("MC", "98000", 2000), ("RE", "97400", 850), ("GF", "97300", 0)],
)
def test_a_french_business_is_taxed_like_a_consumer(country, postcode, rate):
    assert taxed(country, postcode, "FR44732829320", confirmed=True).rate == rate


def test_a_business_in_the_canaries_is_outside_whatever_its_number():
    assert taxed("ES", "35001", "ESB76365789", confirmed=True).kind is Kind.OUTSIDE


ABBREVIATIONS = {
    "DE": ("78266", ("D-", "DE-", "D ", "de", "DEU-", "\uff24-")),
    "DK": ("3900", ("DK-", "DK", "DNK ")),
    "ES": ("35001", ("E-", "ES-", "ESP ")),
    "FI": ("22100", ("FI-", "FIN-", "AX-")),
    "FR": ("97400", ("F-", "FR-", "RE-", "FRA ")),
    "GR": ("63086", ("GR-", "EL-", "GRC ")),
    "IT": ("23041", ("I-", "IT-", "ITA ")),
    "PT": ("9500-321", ("P-", "PT-", "PRT ")),
}
"""A postcode of a special territory of each country, and what people write before it."""


@pytest.mark.parametrize("country", ABBREVIATIONS)
def test_letters_of_the_country_do_not_change_the_territory(country):
    postcode, written = ABBREVIATIONS[country]
    assert taxed(country, postcode) != taxed(country)
    for letters in written:
        assert taxed(country, letters + postcode) == taxed(country, postcode), letters


def test_before_sign_in_french_vat_stands_in():
    assert taxed("FR", "75001") == vat.french_estimate()


def test_before_sign_in_the_rate_is_that_of_the_day(monkeypatch: pytest.MonkeyPatch):
    changes = ((rates.TABLE_START, 2000), (TODAY, 2100))
    monkeypatch.setitem(rates._RATES, "FR", changes)
    assert vat.french_estimate(TODAY - timedelta(days=1)).rate == 2000
    assert vat.french_estimate(TODAY).rate == 2100


@pytest.mark.parametrize(
    ("country", "postcode", "category", "says"),
    [
        ("FR", "75001", "S", ""),
        ("RE", "97400", "S", ""),
        ("GF", "97300", "E", "article 294"),
        ("IE", "", "S", "One Stop Shop"),
        ("US", "", "O", "outside the VAT area"),
    ],
)
def test_the_documents_are_told_what_to_say(country, postcode, category, says):
    treatment = taxed(country, postcode)
    assert treatment.category == category
    assert says in treatment.mention
    assert bool(says) == bool(treatment.mention)


def test_an_order_keeps_enough_to_know_its_treatment_for_ever():
    for country in (*sorted(MEMBER_STATES | FRENCH_FAMILY), "US", "GB"):
        treatment = taxed(country)
        assert vat.restore(treatment.code, treatment.rate) == treatment
        assert len(treatment.code) <= 32


def test_an_account_is_read_as_it_is_kept():
    @dataclass
    class Row:
        country: str = "DE"
        postcode: str = "10115"
        vat_number: str = "DE136695976"
        vat_status: str = "confirmed"

    assert vat.place_of(Row()) == PlaceOfSupply("DE", "10115", "DE136695976", True)
    assert not vat.place_of(Row(vat_status="unconfirmed")).vat_confirmed


@given(st.text(max_size=3), st.text(max_size=12), st.booleans())
def test_every_address_is_taxed_in_one_way(country, postcode, confirmed):
    treatment = taxed(country, postcode, "DE136695976", confirmed=confirmed)
    assert 0 <= treatment.rate <= 2700
    assert (treatment.rate == 0) == (treatment.kind not in (Kind.DOMESTIC, Kind.OSS))


@given(st.from_regex(r"\A[0-9]{5}\Z"), st.sampled_from(sorted(FRENCH_FAMILY)))
def test_within_the_french_family_the_postcode_alone_decides(postcode, country):
    assert territory_of(country, postcode) == territory_of("FR", postcode)


def test_postcodes_are_read_through_blanks_and_country_letters():
    assert compact_postcode(" F-97 400 ") == "97400"
    assert compact_postcode("d-78266") == "78266"
    assert compact_postcode("1234 AB") == "1234AB"
    assert zone_of(territory_of("FI", "FI-22100")) == "outside"
