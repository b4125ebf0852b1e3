"""Passwords that are guessed first: common ones, and the customer's and the shop's own words."""

from __future__ import annotations

import pytest
from flask import Flask

from models import Account
from records.accounts import LinkPurpose
from shop.customers import one_time_links, passwords, weak_passwords
from shop.customers.password_changes import RESET_LENGTH
from shop.errors import Refusal
from tests.support import cast
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor

COMMON = "plus courants"
OWN = "surtout votre nom"


def refusal(password: str, *words: str) -> str:
    with pytest.raises(Refusal) as refused:
        passwords.check_password(password, words=words)
    return refused.value.sentence


def test_ten_thousand_common_passwords_are_listed() -> None:
    listed = weak_passwords.common_passwords()
    assert len(listed) >= 10_000
    assert all(len(password) >= passwords.MIN_PASSWORD_LENGTH for password in listed)
    assert all(password == password.casefold() for password in listed)


@pytest.mark.parametrize(
    "password", ["password", "12345678", "PassWord1", "iloveyou1", "qwertyuiop", "11111111"]
)
def test_a_common_password_is_refused(app: Flask, password: str) -> None:
    assert "commonest" in refusal(password)


@pytest.mark.parametrize(
    "password",
    [
        "Lefèvre-2026", "LEFEVRE2026", "alice.lefevre", "al12345-ovh", "Lille-59800", "atelier!1",
        "RueDesLilas12", "alice@atelier.example", "Nuage2026!", "Office365-26", "microsoft12",
    ],
)  # fmt: skip
def test_own_words_are_refused(app: Flask, password: str) -> None:
    words = [*cast.ALICE.values(), "al12345-ovh", "Atelier Lumière"]
    assert "mainly" in refusal(password, *words)


@pytest.mark.parametrize(
    "password",
    ["alice walks along the river", "Lille-hides-a-fox-77", cast.PASSWORD, "lilasXk93jq-p7"],
)
def test_a_word_within_a_long_password_is_fine(app: Flask, password: str) -> None:
    passwords.check_password(password, words=list(cast.ALICE.values()))


@pytest.mark.one_database
def test_it_is_refused_on_registering(client: CheckingClient) -> None:
    form = {name: value for name, value in cast.ALICE.items() if name != "language"}
    for password, said in (("football1", COMMON), ("Lefevre-59", OWN)):
        typed = form | {"password": password, "password_confirmation": password}
        answer = client.ask("POST", "/fr/order/account", typed)
        assert answer.status_code == 422
        assert said in answer.text


@pytest.mark.one_database
def test_it_is_refused_on_a_reset_and_a_change(visitor: Visitor, alice: Account) -> None:
    token = one_time_links.new_link(alice, LinkPurpose.PASSWORD_RESET, RESET_LENGTH)
    weak = {"password": alice.nic_handle, "password_confirmation": alice.nic_handle}
    visitor.open(f"/fr/password/{token}")
    assert visitor.press("Changer mon mot de passe", **weak).status_code == 422
    assert visitor.sees(OWN)
    visitor.log_in(alice)
    answer = visitor.client.ask(
        "POST", "/manager/account/password", weak | {"current_password": cast.PASSWORD}
    )
    assert answer.status_code == 422
    assert OWN in answer.text
