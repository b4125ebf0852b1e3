"""The tokens of forms: one for a visitor's pages of a minute, and no two visitors have the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import Account
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

pytestmark = pytest.mark.one_database


def test_the_pages_of_a_minute_have_one_token(
    client: CheckingClient, clock: time_machine.Traveller, alice: Account
) -> None:
    Visitor(client).log_in(alice)

    def token() -> str:
        return client.token_in(client.get("/manager/account/orders"))

    token()  # the first page makes what the session keeps
    first = token()
    clock.shift(timedelta(seconds=40))
    assert token() == first
    clock.shift(timedelta(seconds=30))
    later = token()
    assert later != first
    for sent in (first, later):
        address, form = "/manager/account/language", {"csrf_token": sent, "language": "fr"}
        assert client.post(address, data=form).status_code == 303


def test_another_visitor_has_another_token(
    app: Flask, client: CheckingClient, clock: time_machine.Traveller
) -> None:
    other = browser(app)
    assert other.csrf_token() != client.csrf_token()
    answer = client.post("/login", data={"csrf_token": other.csrf_token()})
    assert answer.status_code == 400
