"""Passkeys: registration, authentication, and the responses that are refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import Account, AccountEvent, Challenge, Passkey
from shop.customers import two_factor
from shop.customers.activity_log import UNKNOWN
from shop.customers.two_factor import passkeys
from shop.security.passkeys import PasskeyRefused, delete_expired_challenges
from tests.support import cast, racing
from tests.support.client import CheckingClient
from tests.support.devices import BASE, Device, passkey_of
from tests.support.visitor import Visitor

OPTIONS = "/manager/account/passkeys/options"
NAMED = {"name": "Laptop"}


def options(client: CheckingClient) -> dict[str, object]:
    response = client.ask("POST", "/login/passkey-options")
    assert response.mimetype == "application/json"
    return json.loads(response.text)


def proof(device: Device, account: Account | None = None) -> tuple[str, str]:
    """Return a response of the device to a new challenge, and that challenge."""
    ceremony = passkeys.begin_authentication(BASE, account)
    return device.get(json.loads(ceremony.options)), ceremony.challenge


def signed_in(client: CheckingClient) -> bool:
    return client.get("/manager/account").status_code == 200


# --- Adding ----------------------------------------------------------------------------------


def test_a_passkey_is_added_by_the_pages(visitor: Visitor, alice: Account) -> None:
    visitor.log_in(alice)
    client, device = visitor.client, Device()
    asked = json.loads(client.ask("POST", OPTIONS, NAMED).text)
    assert asked["rp"]["id"] == "localhost"
    assert alice.nic_handle not in asked["user"]["id"]
    shown = client.ask(
        "POST",
        "/manager/account/passkeys",
        form={"name": "Laptop", "credential": device.create(asked)},
    )
    assert "Codes de secours" in shown.text
    assert Passkey.get().name == "Laptop"
    assert two_factor.is_on(alice)


@pytest.mark.parametrize("sent_to", ["passkeys/options", "passkeys"])
def test_its_name_is_still_there_after_the_password_was_asked_for(
    sent_to: str, visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    visitor.log_in(alice)
    visitor.open("/manager/account/passkeys/new")
    clock.shift(timedelta(minutes=16))
    form = {"name": "Laptop", "credential": "proof"}
    asked = visitor.client.ask("POST", f"/manager/account/{sent_to}", form=form)
    with visitor.client.session_transaction() as cookie:
        assert "proof" not in str(dict(cookie))
    visitor.open(asked.location)
    visitor.press("Valider", password=cast.PASSWORD)
    assert visitor.address == "/manager/account/passkeys/new"
    assert visitor.find("input", name="name", value="Laptop") is not None


def test_a_malformed_response_adds_nothing(visitor: Visitor, alice: Account) -> None:
    visitor.log_in(alice)
    for answer in (
        "",
        "{}",
        "[]",
        "null",
        '{"response": {}}',
        "x" * 30_000,
        '{"id": 3, "response": {"clientDataJSON": 1}}',
    ):
        visitor.client.ask("POST", OPTIONS, NAMED)
        shown = visitor.client.ask(
            "POST", "/manager/account/passkeys", form={"name": "Laptop", "credential": answer}
        )
        assert shown.status_code == 422
    assert not Passkey.select().exists()


def test_no_device_is_asked_for_a_passkey_without_a_name(visitor: Visitor, alice: Account) -> None:
    visitor.log_in(alice)
    response = visitor.client.ask("POST", OPTIONS, {"name": " "})
    assert response.status_code == 422
    assert "Donnez un nom à la clé d’accès" in response.text
    assert not Challenge.select().exists()


def test_an_answer_to_another_challenge_adds_nothing(alice: Account) -> None:
    one, other = passkeys.begin_registration(alice, BASE), passkeys.begin_registration(alice, BASE)
    answer = Device().create(json.loads(one.options))
    with pytest.raises(PasskeyRefused):
        passkeys.finish_registration(alice, answer, other.challenge, "Laptop", BASE, UNKNOWN)


def test_a_device_holds_one_passkey_of_an_account(alice: Account) -> None:
    device = Device()
    passkey_of(alice, device)
    ceremony = passkeys.begin_registration(alice, BASE)
    assert json.loads(ceremony.options)["excludeCredentials"]
    with pytest.raises(PasskeyRefused):
        passkey_of(alice, device)


# --- Signing in ------------------------------------------------------------------------------


def test_a_passkey_signs_in_without_a_password(client: CheckingClient, alice: Account) -> None:
    device = Device()
    passkey_of(alice, device)
    asked = options(client)
    assert asked["userVerification"] == "required"
    response = client.ask("POST", "/login/passkey", form={"credential": device.get(asked)})
    assert response.location == "/manager/web"
    assert signed_in(client)
    newest = AccountEvent.select().order_by(AccountEvent.id.desc()).get()
    assert (newest.kind, newest.note) == ("signed_in", "passkey")


def test_a_passkey_is_the_second_step(visitor: Visitor, alice: Account) -> None:
    device = Device(checks_owner=False)
    passkey_of(alice, device)
    visitor.open("/login")
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password=cast.PASSWORD)
    assert visitor.sees("Deuxième étape")
    assert not signed_in(visitor.client)
    asked = options(visitor.client)
    assert len(asked["allowCredentials"]) == 1
    visitor.client.ask("POST", "/login/passkey", form={"credential": device.get(asked)})
    assert signed_in(visitor.client)


def test_without_a_password_the_device_must_check_its_owner(
    client: CheckingClient, alice: Account
) -> None:
    device = Device(checks_owner=False)
    passkey_of(alice, device)
    response = client.ask(
        "POST", "/login/passkey", form={"credential": device.get(options(client))}
    )
    assert response.status_code == 422
    assert not signed_in(client)


def test_bobs_passkey_is_not_a_second_factor_of_alice(
    visitor: Visitor, alice: Account, bob: Account
) -> None:
    device = Device()
    passkey_of(alice)
    passkey_of(bob, device)
    visitor.open("/login")
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password=cast.PASSWORD)
    response = visitor.client.ask(
        "POST", "/login/passkey", form={"credential": device.get(options(visitor.client))}
    )
    assert response.status_code == 422
    assert not signed_in(visitor.client)
    assert AccountEvent.select().where(AccountEvent.kind == "second_step_failed").count() == 1


def test_an_answer_works_once(alice: Account) -> None:
    device = Device(counts=False)
    passkey_of(alice, device)
    answer, challenge = proof(device)
    assert passkeys.finish_authentication(answer, challenge, BASE) == alice
    with pytest.raises(PasskeyRefused):
        passkeys.finish_authentication(answer, challenge, BASE)


def test_an_answer_sent_many_times_at_once_works_once(alice: Account) -> None:
    device = Device(counts=False)
    passkey_of(alice, device)
    answer, challenge = proof(device)
    outcomes = racing.race(lambda: passkeys.finish_authentication(answer, challenge, BASE), 6)
    assert sum(isinstance(outcome, Account) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, PasskeyRefused) for outcome in outcomes) == 5


def test_an_answer_counts_only_in_the_browser_that_was_asked(
    app: Flask, client: CheckingClient, alice: Account
) -> None:
    device = Device()
    passkey_of(alice, device)
    answer = device.get(options(client))
    other = app.test_client()
    assert other.ask("POST", "/login/passkey", form={"credential": answer}).status_code == 422
    assert not signed_in(other)


def test_an_answer_comes_too_late(alice: Account, clock: time_machine.Traveller) -> None:
    device = Device()
    passkey_of(alice, device)
    answer, challenge = proof(device)
    clock.shift(timedelta(minutes=6))
    with pytest.raises(PasskeyRefused):
        passkeys.finish_authentication(answer, challenge, BASE)
    assert delete_expired_challenges() == 1
    assert not Challenge.select().exists()


def test_an_answer_made_for_another_site_is_refused(alice: Account) -> None:
    device = Device()
    passkey_of(alice, device)
    device.origin = "http://localhost.evil.example"
    with pytest.raises(PasskeyRefused):
        passkeys.finish_authentication(*proof(device), BASE)


def test_a_copied_device_is_noticed_by_its_count(alice: Account) -> None:
    device = Device()
    passkey_of(alice, device)
    passkeys.finish_authentication(*proof(device), BASE)
    device.count = 0
    with pytest.raises(PasskeyRefused):
        passkeys.finish_authentication(*proof(device), BASE)


def test_a_signature_of_another_key_is_refused(alice: Account) -> None:
    device = Device()
    passkey_of(alice, device)
    impostor = Device(credential_id=device.credential_id, handle=device.handle)
    with pytest.raises(PasskeyRefused):
        passkeys.finish_authentication(*proof(impostor), BASE)


def test_a_removed_passkey_opens_nothing(visitor: Visitor, alice: Account) -> None:
    device = Device()
    passkey_of(alice, device)
    visitor.log_in(alice)
    visitor.open("/manager/account/security")
    visitor.press("Supprimer")
    assert visitor.sees("La clé d’accès est supprimée.")
    with pytest.raises(PasskeyRefused):
        passkeys.finish_authentication(*proof(device), BASE)
    assert not two_factor.is_on(alice)


def test_seven_licences_survive_a_passkey(visitor: Visitor, alice: Account) -> None:
    device = Device()
    passkey_of(alice, device)
    visitor.open("/fr/order")
    visitor.press("Commander", business="7")
    visitor.press("Poursuivre")
    basket = visitor.address.partition("?")[2]
    response = visitor.client.ask(
        "POST",
        f"/fr/order/identification/passkey?{basket}",
        form={"credential": device.get(options(visitor.client))},
    )
    assert "business=7" in response.location
    assert "/order/contracts" in response.location
