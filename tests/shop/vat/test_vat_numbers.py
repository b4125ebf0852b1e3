"""VAT numbers, SIREN and postcodes as customers type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.customers import postal_addresses
from shop.errors import Refusal
from shop.vat.numbers import prefix_of, read_siren, read_vat_number, siren_of


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("FR", "FR44732829320", "FR44732829320"),
        ("FR", "fr 44 732 829 320", "FR44732829320"),
        ("FR", "44732829320", "FR44732829320"),
        ("RE", "FR 44 732 829 320", "FR44732829320"),
        ("MC", "FR 53 0000 04605", "FR53000004605"),
        ("DE", "DE 136,695 976", "DE136695976"),
        ("DE", "136695976", "DE136695976"),
        ("GR", "EL 094259216", "EL094259216"),
        ("GR", "GR 094259216", "EL094259216"),
        ("GR", "094259216", "EL094259216"),
        ("BE", "BE697449992", "BE0697449992"),
        ("AT", "U57194903", "ATU57194903"),
        ("NL", "NL4495445B01", "NL004495445B01"),
        ("ES", "ESB58378431", "ESB58378431"),
        ("IE", "IE 6433435F", "IE6433435F"),
        ("US", "12-3456789", "123456789"),
        ("GB", "GB 980 780 684", "GB980780684"),
        ("CH", "CHE-107.787.577 MWST", "CHE107787577MWST"),
        ("FR", "   ", ""),
        ("US", "", ""),
    ],
)
def test_vat_numbers_are_kept_in_one_form(country, typed, kept):
    if "  " in typed and not typed.strip():
        assert read_vat_number(country, typed.strip()) == kept
    assert read_vat_number(country, typed) == kept


@pytest.mark.parametrize(
    ("country", "typed"),
    [
        ("FR", "FR44732829321"),
        ("FR", "FR00732829320"),
        ("DE", "DE136695977"),
        ("DE", "DE1"),
        ("GR", "EL094259217"),
        ("DE", "none"),
        ("DE", "---"),
        ("US", "---"),
        ("US", "NONE"),
        ("US", "1" * 21),
        ("FR", "DE13669597٦"),
    ],
)
def test_a_wrong_vat_number_is_refused_at_its_field(country, typed):
    with pytest.raises(Refusal) as refused:
        read_vat_number(country, typed)
    assert refused.value.field == "vat_number"


def test_a_number_of_another_country_is_refused_with_its_prefix():
    with pytest.raises(Refusal, match="begins with DE: it is of another country"):
        read_vat_number("FR", "DE136695976")


def test_an_invalid_number_is_refused_with_the_prefix_it_should_have():
    with pytest.raises(Refusal, match="it begins with EL"):
        read_vat_number("GR", "123")


@given(st.sampled_from(["FR", "DE", "GR", "US", "GB"]), st.text(max_size=30))
def test_a_kept_number_reads_as_itself(country, typed):
    try:
        kept = read_vat_number(country, typed)
    except Refusal:
        return
    assert read_vat_number(country, kept) == kept
    assert len(kept) <= 20
    assert kept == "" or kept.startswith(prefix_of(country))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("732 829 320", "732829320"),
        ("732\u00a0829\u202f320", "732829320"),
        ("73282932000074", "732829320"),
        (" ", ""),
    ],
)
def test_a_siren_is_read_also_from_a_siret(typed, kept):
    assert read_siren(typed) == kept


@pytest.mark.parametrize("typed", ["732829321", "73282932", "abcdefghi", "73282932000075"])
def test_a_wrong_siren_is_refused_at_its_field(typed):
    with pytest.raises(Refusal) as refused:
        read_siren(typed)
    assert refused.value.field == "siren"


def test_only_a_french_vat_number_contains_a_siren():
    assert siren_of("FR44732829320") == "732829320"
    assert siren_of("FR53000004605") == ""
    assert siren_of("DE136695976") == ""
    assert siren_of("") == ""


def company(country="FR", postcode="75001", name="Alice SARL", siren="", vat_number=""):
    return postal_addresses.check_company(country, postcode, name, siren, vat_number)


def test_a_french_company_gives_its_siren():
    assert company(siren="732829320") == ("732829320", "")
    with pytest.raises(Refusal) as refused:
        company()
    assert refused.value.field == "siren"


@pytest.mark.parametrize(("country", "postcode"), [("RE", "97400"), ("FR", "97300")])
def test_overseas_companies_give_theirs_too(country, postcode):
    with pytest.raises(Refusal):
        company(country, postcode)


@pytest.mark.parametrize(
    ("country", "postcode"), [("MC", "98000"), ("FR", "98000"), ("NC", "98800"), ("DE", "10115")]
)
def test_companies_outside_france_need_no_siren(country, postcode):
    assert company(country, postcode) == ("", "")


def test_a_french_vat_number_brings_its_siren_along():
    assert company(vat_number="FR44732829320") == ("732829320", "FR44732829320")


def test_siren_and_vat_number_of_different_companies_are_refused():
    with pytest.raises(Refusal) as refused:
        company(siren="404833048", vat_number="FR44732829320")
    assert refused.value.field == "siren"


def test_numbers_without_a_company_are_refused_at_the_company():
    with pytest.raises(Refusal) as refused:
        company("DE", "10115", name=" ", vat_number="DE136695976")
    assert refused.value.field == "company"
    assert company(name="") == ("", "")


def test_a_siren_has_no_meaning_abroad():
    assert company("DE", "10115", siren="whatever") == ("", "")


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("FR", " 59 100 ", "59100"),
        ("RE", "97400", "97400"),
        ("FR", "97400", "97400"),
        ("MC", "MC-98000", "98000"),
        ("FR", "97744 CEDEX 9", "97744"),
        ("MF", "97054", "97054"),
        ("BL", "97098", "97098"),
        ("GB", " BT1   5GS ", "BT1 5GS"),
        ("IE", "", ""),
    ],
)
def test_postcodes_are_kept_tidily(country, typed, kept):
    assert postal_addresses.check_postcode(country, typed) == kept


@pytest.mark.parametrize(
    ("country", "typed"),
    [
        ("FR", ""),
        ("FR", "5910"),
        ("FR", "591000"),
        ("FR", "abcde"),
        ("RE", "75001"),
        ("YT", "97400"),
        ("MF", "97801"),
        ("BL", "97744"),
    ],
)
def test_a_french_postcode_that_cannot_be_is_refused(country, typed):
    with pytest.raises(Refusal) as refused:
        postal_addresses.check_postcode(country, typed)
    assert refused.value.field == "postcode"


def test_every_country_can_be_chosen_in_the_customer_s_language():
    french, english = dict(postal_addresses.countries("fr")), dict(postal_addresses.countries("en"))
    assert french.keys() == english.keys()
    assert len(french) == 249  # those of ISO 3166
    assert (french["DE"], english["DE"]) == ("Allemagne", "Germany")
    assert not {"EU", "IC", "ZZ"} & french.keys()
    names = [name for _, name in postal_addresses.countries("fr")]
    assert names.index("Égypte") < names.index("Espagne")
