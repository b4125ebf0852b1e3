"""The tokens of forms: one for a visitor's pages of a minute, and no two visitors have the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from tests.support.client import CheckingClient, browser

pytestmark = pytest.mark.one_database


def test_the_pages_of_a_minute_have_one_token(
    client: CheckingClient, clock: time_machine.Traveller
) -> None:
    client.csrf_token()  # the first page begins the session
    first = client.csrf_token()
    clock.shift(timedelta(seconds=50))
    assert client.csrf_token() == first
    clock.shift(timedelta(seconds=20))
    later = client.csrf_token()
    assert later != first
    for token in (first, later):
        answer = client.post("/login", data={"csrf_token": token, "nic_handle": "", "password": ""})
        assert answer.status_code == 422, "the form is refused for its fields, not for its token"


def test_another_visitor_has_another_token(
    app: Flask, client: CheckingClient, clock: time_machine.Traveller
) -> None:
    other = browser(app)
    assert other.csrf_token() != client.csrf_token()
    answer = client.post("/login", data={"csrf_token": other.csrf_token()})
    assert answer.status_code == 400
