"""Fault injection."""

from __future__ import annotations

import time

import pytest

from sandbox.office.models import Operation
from tests.sandbox.conftest import Caller, checkout_body

TENANT = {"domain": "acme.o365.example", "offer": "pro_plus", "seats": 1}


def office_caller(app):
    return Caller(app.test_client(), "/office/api", "sandbox-provider-key")


# --- The share of calls that fail once -----------------------------------------------------------


def test_every_call_fails_once_when_the_share_is_one(make_sandbox):
    office = office_caller(make_sandbox(SANDBOX_FAULTS="1"))
    before = after = 0
    for number in range(60):
        body = TENANT | {"domain": f"t{number}.example"}
        first = office("POST", "/tenants", body, f"k{number}")
        assert (first.status_code, first.json["error"]["code"]) == (503, "unavailable")
        known = Operation.get_or_none(Operation.key == f"k{number}") is not None
        after, before = after + known, before + (not known)
        again = office("POST", "/tenants", body, f"k{number}")
        assert again.json["status"] == "succeeded", "the retry of the same call succeeds"
    assert before >= 10, "half fail before they take effect"
    assert after >= 10, "half take effect and lose their response"
    assert Operation.select().count() == 60


def test_the_share_is_what_the_setting_says(make_sandbox):
    office = office_caller(make_sandbox(SANDBOX_FAULTS="0.2"))
    failed = sum(office("GET", f"/operations?key=k{n}").status_code == 503 for n in range(300))
    assert 30 <= failed <= 95


def test_without_a_share_and_at_the_bank_nothing_fails(make_sandbox):
    office = office_caller(make_sandbox())
    assert all(office("GET", f"/operations?key=k{n}").status_code == 404 for n in range(50))
    client = make_sandbox(SANDBOX_FAULTS="1").test_client()
    bank = Caller(client, "/bank/api", "sandbox-bank-key")
    assert all(bank("POST", "/checkouts", checkout_body()).status_code == 201 for _ in range(20))


@pytest.mark.parametrize("wrong", ["2", "-1", "often"])
def test_a_share_outside_0_to_1_is_refused(make_sandbox, wrong):
    from sandbox.settings import SandboxSettingsError

    with pytest.raises(SandboxSettingsError, match="SANDBOX_FAULTS"):
        make_sandbox(SANDBOX_FAULTS=wrong)


# --- The switches --------------------------------------------------------------------------------


def test_the_next_calls_of_the_bank_fail_before_anything_is_done(bank, switch, open_checkout):
    switch(bank_failing_calls=2)
    assert bank("POST", "/checkouts", checkout_body(), "k").status_code == 503
    assert bank("GET", "/ledger").status_code == 503
    assert open_checkout(key="k")["status"] == "open"


def test_calls_fail_until_reset(bank, office, switch, client):
    switch(bank_failing_calls=-1, provider_failing_calls=-1)
    for _ in range(5):
        assert bank("GET", "/ledger").status_code == 503
        assert office("GET", "/operations?key=k").status_code == 503
    client.delete("/controls/switches")
    assert bank("GET", "/ledger").status_code == 200
    assert office("GET", "/operations?key=k").status_code == 404


def test_a_call_with_a_lost_response_took_effect(bank, office, switch, open_checkout):
    switch(bank_lost_answers=1, provider_lost_answers=1)
    assert bank("GET", "/ledger").status_code == 200, "only calls that change something count"
    assert bank("POST", "/checkouts", checkout_body(), "k").status_code == 503
    assert office("POST", "/tenants", TENANT, "k").status_code == 503
    assert office("GET", "/operations?key=k").json["status"] == "succeeded"
    assert open_checkout(key="k")["status"] == "open"


def test_an_answer_can_be_late(bank, switch):
    switch(bank_response_delay=0.3)
    began = time.monotonic()
    assert bank("GET", "/ledger").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_an_unauthorised_call_does_not_use_up_a_fault(bank, switch):
    switch(bank_failing_calls=1)
    key, bank.key = bank.key, "wrong"
    assert bank("GET", "/ledger").status_code == 401
    bank.key = key
    assert bank("GET", "/ledger").status_code == 503
    assert bank("GET", "/ledger").status_code == 200


# --- The register of VAT numbers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("FR44732829320", "confirmed"),
        ("DE136695976", "confirmed"),
        ("EL094259216", "confirmed"),
        ("GB980780684", "unknown"),
        ("DE136695977", "unknown"),
        ("DE100007000", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_the_register_knows_numbers_of_the_union(client, number, status):
    assert client.get(f"/vies/check/{number}").json["status"] == status


def test_the_register_can_know_no_number_or_be_unavailable(client, switch):
    switch(vat_answer="unknown")
    assert client.get("/vies/check/DE136695976").json == {"status": "unknown"}
    switch(vat_answer="unavailable")
    assert client.get("/vies/check/DE136695976").status_code == 503
