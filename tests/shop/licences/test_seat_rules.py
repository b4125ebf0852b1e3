"""Rules for the names and logins of holders, and for passwords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.errors import Refusal
from shop.licences.seats import InvalidPerson, read_person, rules


@pytest.mark.parametrize(
    "login", ["abc", "a.b", "marie-anne_o'hara", "A1-", "___", "12345678901234567890"]
)
def test_these_are_logins(login: str) -> None:
    assert rules.read_login(f" {login} ") == login


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("", "Enter the login"),
        ("ab", "3 to 20"),
        ("a" * 21, "3 to 20"),
        (".abc", "dot"),
        ("abc.", "dot"),
        ("a..b", "dot"),
        ("zoé", "without accents"),
        ("a b", "without accents"),
        ("a@b", "without accents"),
        ("ab\n", "3 to 20"),
        ("аbc", "without accents"),
        ("ConfigureMe", "not configured"),
    ],
)
def test_these_are_not_logins(login: str, said: str) -> None:
    with pytest.raises(Refusal, match=said) as refusal:
        rules.read_login(login)
    assert refusal.value.field == "login"


def test_a_curly_apostrophe_is_the_straight_one() -> None:
    assert rules.read_login("o’hara") == "o'hara"


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(InvalidPerson) as invalid:
        read_person("", "x" * 300, "é")
    assert [refusal.field for refusal in invalid.value.refusals] == [
        "first_name", "last_name", "login",
    ]  # fmt: skip


@pytest.mark.parametrize("password", ["Abcdefg1", "abcdefG!", "Chouette-42", "aB3" + "x" * 13])
def test_these_are_passwords(password: str) -> None:
    rules.check_password(password, "marie")


@pytest.mark.parametrize(
    "password",
    ["Abcdef1", "Ab1" + "x" * 14, "abcdefg1", "ABCDEFG1", "Abcdefgh", "Marie-42x", "Ab 45678",
     "Écoute-42", "xxMARIE1a"],
)  # fmt: skip
def test_these_passwords_are_refused(password: str) -> None:
    with pytest.raises(Refusal) as refusal:
        rules.check_password(password, "marie")
    assert refusal.value.field == "password"


@given(st.from_regex(r"[a-z0-9_-]{3,20}", fullmatch=True))
def test_generated_passwords_obey_the_rules(login: str) -> None:
    password = rules.new_password(login)
    assert len(password) == 16
    rules.check_password(password, login)
