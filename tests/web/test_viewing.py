"""« See as this customer »: every page is the customer's, nothing changes, no secret is told."""

from __future__ import annotations

import asyncio

import pytest
import time_machine
from flask import Flask

from models import Account, AccountEvent, Attachment, Letter, Viewing
from shop.customers import viewings
from shop.customers.activity_log import Origin
from shop.errors import Refusal
from shop.mail import licence_letters
from shop.security import encryption
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient, browser
from tests.support.databases import Snapshot
from tests.whole.test_routes import client_of, every
from web import viewing

FROM = Origin("203.0.113.40", "Firefox")


def seeing(app: Flask, account: Account) -> CheckingClient:
    """Return the browser of a member of staff who sees the shop as a customer."""
    token = viewings.start_viewing(
        account, "She cannot find her licences", by="staff:sam", origin=FROM
    )
    client = browser(app)
    client.set_cookie(viewing.COOKIE, token)
    return client


def test_a_viewing_reads_every_page_and_changes_nothing(app: Flask, alices: Belongings) -> None:
    client = seeing(app, alices.account)
    before = Snapshot().rows
    for rule, method in every(app, "identified", "signed in"):
        address = alices.address(rule)
        response = client.ask(method, address)
        if method == "GET":
            assert response.status_code in {200, 303}, f"{address}: {response.status}"
            assert "/login" not in response.headers.get("Location", ""), address
        else:
            assert response.status_code == 403, f"{method} {address}: {response.status}"
    assert Snapshot().rows == before
    home = client.get("/manager/groups").text
    assert alices.group.display_name in home
    assert alices.account.nic_handle in home
    # The database itself refuses what a page would write, and allows it again afterwards.
    Attachment.update(content=None).where(Attachment.id == alices.document.id).execute()
    document = f"/manager/account/emails/{alices.document.letter_id}/documents/{alices.document.id}"
    refused = client.get(document)
    assert refused.status_code == 403
    assert "rien ne peut être modifié" in refused.text
    assert client_of(app, alices.account).get(document).status_code == 200


def test_a_viewing_masks_secrets_and_asks_for_no_password(app: Flask, alices: Belongings) -> None:
    licence_letters.licence_active(
        alices.account, group="G", address="marie@x.example", password="hV7-kq2Rm9wX_t4B",
        portal="http://p.example", key="1",
    )  # fmt: skip
    client = seeing(app, alices.account)
    secrets = list(Letter.select().where(Letter.is_secret))
    assert len(secrets) >= 3
    for letter in secrets:
        shown = client.get(f"/manager/account/emails/{letter.id}").text
        framed = client.get(f"/manager/account/emails/{letter.id}/html")
        assert framed.status_code == 404
        assert "The secret in this email is hidden." in shown or "Le secret" in shown
        for secret in ("hV7-kq2Rm9wX_t4B", "/password/", "/termination/"):
            assert secret not in shown
    newest = Letter.select().order_by(Letter.id.desc()).get()
    assert "hV7-kq2Rm9wX_t4B" in encryption.unseal(newest.text)
    export = f"/manager/account/exports/{alices.export.id}.zip"
    for confirmed in ("/manager/account/authenticator", export):
        assert "confirmation" in client.get(confirmed).headers.get("Location", ""), confirmed


def test_a_viewing_is_recorded_ends_and_is_over_after_fifteen_minutes(
    app: Flask, alice: Account, clock: time_machine.Traveller
) -> None:
    with pytest.raises(Refusal):
        viewings.start_viewing(alice, " ", by="staff:sam", origin=FROM)
    client = seeing(app, alice)
    entry = AccountEvent.get(AccountEvent.kind == "seen_by_staff")
    assert (entry.account, entry.note, entry.ip_address) == (
        alice, "staff:sam: She cannot find her licences", FROM.ip_address,
    )  # fmt: skip
    assert client.get("/manager/services").status_code == 200
    assert client.ask("POST", "/viewing/end").location == f"/desk/customers/{alice.nic_handle}"
    assert client.get("/manager/services").status_code == 303
    assert Viewing.get().ended_at is not None
    client = seeing(app, alice)
    clock.shift(viewings.VALIDITY.total_seconds() - 30)
    assert client.get("/manager/services").status_code == 200
    clock.shift(60)
    assert client.get("/manager/services").status_code == 303
    assert client.ask("POST", "/viewing/end").location == "/desk/"
    client.set_cookie(viewing.COOKIE, "forged-" * 6)
    assert client.get("/manager/services").status_code == 303


def test_a_viewing_shows_public_pages_as_the_customers_and_nobody_else_gets_them(
    app: Flask, alice: Account
) -> None:
    """Its browser may have no session any more: it was closed, and opened again."""
    pages = app.extensions["shared_pages"]
    public = browser(app).get("/fr/").text
    client = seeing(app, alice)
    for path in ("/fr/", "/fr/help"):
        own = client.get(path)
        assert own.headers["Cache-Control"] == "no-store"
        assert alice.nic_handle in own.text
        assert "Vous voyez la boutique comme" in own.text
    assert browser(app).get("/fr/").text == public
    asked = {"host": "localhost", "cookie": f"{viewing.COOKIE}=x"}
    assert asyncio.run(pages.answer_at_once("GET", "/fr/", "", asked)) is None
