"""Rotation of ``SECRET_KEY``: what the former key has signed remains valid, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from models import Account
from shop.payments import outcomes
from shop.security import encryption
from tests.conftest import ENVIRONMENT
from tests.support import purchases
from tests.support.client import CheckingClient, browser
from tests.support.parties import Bank
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]

OLD = ENVIRONMENT["SECRET_KEY"]
NEW = "the-second-secret-of-tests-that-nobody-uses"
OTHER = "another-former-secret-of-more-than-32-characters"
ROTATED = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": f"{OTHER} {OLD}"}


def moved(client: CheckingClient, other: Flask) -> CheckingClient:
    """Return the same browser, with its cookies, at another process of the shop."""
    there = browser(other)
    there._cookies = dict(client._cookies)
    return there


def test_sessions_and_open_forms_outlive_their_key(
    client: CheckingClient, alice: Account, make_app: MakeApp
) -> None:
    Visitor(client).log_in(alice)
    token = client.csrf_token()
    rotated = moved(client, make_app(**ROTATED))
    assert rotated.get("/manager/account").status_code == 200
    form = {"first_name": "x"}
    assert rotated.ask("POST", "/manager/account/sessions/0/ending", form, token).status_code == 404
    stranger = moved(client, make_app(SECRET_KEY=NEW))
    assert stranger.get("/manager/account").status_code == 303


def test_a_former_key_signs_nothing_new(client: CheckingClient, make_app: MakeApp) -> None:
    fresh = browser(make_app(**ROTATED))
    token = fresh.csrf_token()
    behind = moved(fresh, make_app())
    answer = behind.ask("POST", "/logout", {}, token)
    assert answer.status_code == 400


def test_references_of_the_former_key_lead_to_their_payment(
    alice: Account, bank: Bank, make_app: MakeApp
) -> None:
    payment = purchases.start_paying(purchases.place(alice))
    returned = bank.requests[payment.checkout].return_url.rpartition("/")[2]
    make_app(**ROTATED)
    assert outcomes.CHECKOUTS.by_signature(returned) == payment
    make_app(SECRET_KEY=NEW)
    assert outcomes.CHECKOUTS.by_signature(returned) is None


def test_secrets_encrypted_in_development_stay_readable(app: Flask, make_app: MakeApp) -> None:
    sealed = encryption.seal("a password")
    make_app(**ROTATED)
    assert encryption.unseal(sealed) == "a password"
