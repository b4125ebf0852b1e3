"""The fields of a new account, checked one by one."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from models import Account
from tests.support import cast
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def check(client: CheckingClient, name: str, **typed: str) -> TestResponse:
    page = client.get("/en/order/account").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    address = f"/en/order/account/fields/{name}"
    return client.post(address, data={"csrf_token": token, **typed}, headers=PARTIAL)


def test_only_the_field_that_was_left_is_judged(client: CheckingClient) -> None:
    response = check(client, "email", email="zoe@example")
    assert "This does not look like an email address" in response.text
    assert "first_name" not in response.text


def test_a_field_that_is_right_comes_back_as_typed(client: CheckingClient) -> None:
    response = check(client, "email", email=" zoe@example.com ")
    assert 'value="zoe@example.com"' in response.text
    assert "field-error" not in response.text


def test_a_postcode_is_judged_by_its_country(client: CheckingClient) -> None:
    assert "field-error" in check(client, "postcode", postcode="D02 XY45", country="FR").text
    assert "field-error" not in check(client, "postcode", postcode="D02 XY45", country="IE").text


@pytest.mark.parametrize("name", ["first_name", "last_name", "company", "street", "city"])
def test_control_characters_are_not_a_name(client: CheckingClient, name: str) -> None:
    assert "can be seen" in check(client, name, **{name: "\u200b"}).text
    assert "turn the direction" in check(client, name, **{name: "Ada\u202eecalevoL"}).text
    for readable in (
        "Zoé  Ñandú",
        "李",
        "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}",
        "12 bis, rue de l’Ébène",
    ):
        part = check(client, name, **{name: readable}).text
        assert "field-error" not in part
        assert f'value="{" ".join(readable.split())}"' in part


MISSING = {
    "first_name": "Enter your first name.",
    "last_name": "Enter your last name.",
    "street": "Enter your address.",
    "city": "Enter your city.",
}


@pytest.mark.parametrize("name", MISSING)
def test_blanks_fill_no_field(client: CheckingClient, name: str) -> None:
    assert MISSING[name] in check(client, name, **{name: "   "}).text


def test_a_password_is_never_sent_back(client: CheckingClient) -> None:
    assert "Correct-Horse-7" not in check(client, "password", password="Correct-Horse-7").text


@pytest.mark.parametrize("name", ["csrf_token", "nic_handle", "validate"])
def test_there_are_no_other_fields(client: CheckingClient, name: str) -> None:
    token_page = client.get("/en/order/account").text
    token = token_page.split('name="csrf_token" value="')[1].split('"')[0]
    address = f"/en/order/account/fields/{name}"
    assert client.post(address, data={"csrf_token": token}).status_code == 404


@pytest.mark.one_database
def test_the_form_comes_in_the_other_language_with_what_was_typed_but_for_passwords(
    client: CheckingClient,
) -> None:
    accounts = Account.select().count()
    typed = {"first_name": "Zoé", "email": "zoe@", "country": "BE", "password": "Secret-3x-of-hers"}
    data = typed | {"only": "language", "csrf_token": client.csrf_token()}
    answer = client.post("/en/order/account?business=2&pro_plus=0", data=data)
    assert answer.status_code == 200
    assert '<html lang="en"' in answer.text
    assert 'value="Zoé"' in answer.text
    assert 'value="zoe@"' in answer.text
    assert '<option selected value="BE">' in answer.text
    assert "Secret-3x" not in answer.text
    assert "field-error" not in answer.text, "nothing is checked yet"
    assert Account.select().count() == accounts


# --- For a business or as a private person ---------------------------------------------------


TYPED = {name: value for name, value in cast.ALICE.items() if name != "language"} | {
    "password": cast.PASSWORD,
    "password_confirmation": cast.PASSWORD,
}
NUMBERS = {"company": "Atelier", "siren": "732829320", "vat_number": "FR44732829320"}


def test_a_private_person_has_no_company_whatever_the_hidden_fields_hold(
    visitor: Visitor,
) -> None:
    visitor.open("/en/order/account")
    visitor.press("Create my account", **TYPED, kind="private", **NUMBERS)
    account = Account.get()
    assert (account.company, account.siren, account.vat_number) == ("", "", "")


@pytest.mark.parametrize("kind", [{"kind": "business"}, {}], ids=["chosen", "not said"])
def test_a_business_gives_its_numbers(visitor: Visitor, kind: dict[str, str]) -> None:
    visitor.open("/en/order/account")
    visitor.press("Create my account", **TYPED, **kind, **NUMBERS)
    account = Account.get()
    assert (account.company, account.siren) == ("Atelier", "732829320")
    assert account.vat_number == "FR44732829320"


def test_nothing_typed_is_lost_by_switching(visitor: Visitor) -> None:
    """Not even what is wrong: as a private person nobody judges it."""
    wrong = {"company": "\u200b", "siren": "1" * 30, "vat_number": "FR?"}
    typed = TYPED | {"city": ""}
    visitor.open("/en/order/account")
    response = visitor.press("Create my account", **typed, kind="private", **wrong)
    assert response.status_code == 422
    assert response.text.count("field-invalid") == 3, "the city, and the passwords again"
    for value in wrong.values():
        assert f'value="{value}"' in response.text
    response = visitor.press("Create my account", kind="business", **typed)
    assert response.text.count("field-invalid") > 1
    assert f'value="{wrong["siren"]}"' in response.text
    assert Account.select().count() == 0


@pytest.mark.one_database
def test_another_kind_of_customer_is_refused_at_its_field(client: CheckingClient) -> None:
    assert "Not a valid choice" not in check(client, "kind", kind="private").text
    client.reads_pages = False
    assert "field-error" in check(client, "kind", kind="pirate").text


# --- Passwords beside other mistakes ---------------------------------------------------------

AGAIN = "Type it again: no page shows a password that was typed."


@pytest.mark.parametrize(
    ("wrong", "places"),
    [
        ({"city": ""}, 4),  # at two fields, and in the summary of the mistakes
        ({"first_name": "", "email": "zoe@"}, 4),
        ({"password_confirmation": "Another-Secret-7"}, 0),
        ({"city": "", "password": "short", "password_confirmation": "short"}, 0),
    ],
)
def test_a_password_that_was_fine_is_asked_for_again_with_the_other_mistakes(
    client: CheckingClient, wrong: dict[str, str], places: int
) -> None:
    typed = TYPED | NUMBERS | wrong | {"csrf_token": client.csrf_token()}
    answer = client.post("/en/order/account", data=typed)
    assert answer.status_code == 422
    assert answer.text.count(AGAIN) == places
