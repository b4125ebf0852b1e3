"""The shop's adapters against a running sandbox."""

from __future__ import annotations

import shutil
import threading
from types import SimpleNamespace

import httpx
import pytest

from sandbox import faults
from sandbox.server import running_sandbox
from shop.errors import PartyRejected, PartyUnavailable, ShopRefused
from shop.office.protocol import OperationStatus, Person
from shop.office.sandbox import SandboxProvider
from shop.payments.gateway import ChargeRequest, CheckoutRequest, CheckoutStatus
from shop.payments.sandbox import SandboxBank
from shop.vat.registry import Answer, SandboxRegistry
from tests.sandbox.test_bank import CARD
from tests.support.patience import STUCK

BANK_KEY, PROVIDER_KEY = "sandbox-bank-key", "sandbox-provider-key"
SECRET = "sandbox-notification-secret"


@pytest.fixture
def url(tmp_path, fresh_file, shop):
    path = tmp_path / "live.db"
    shutil.copy(fresh_file, path)
    environment = {
        "SANDBOX_DATABASE": str(path),
        "PUBLIC_URL": shop.url,
        "SANDBOX_LATENCY": "0",
    }
    with running_sandbox(environment) as served:
        yield served


@pytest.fixture
def bank(url):
    return SandboxBank(url, BANK_KEY, SECRET, timeout=STUCK)


@pytest.fixture
def provider(url):
    return SandboxProvider(url, PROVIDER_KEY, timeout=STUCK)


@pytest.fixture
def switch(url):
    def set_switches(**wanted):
        httpx.post(f"{url}/controls/switches", json=wanted).raise_for_status()

    return set_switches


@pytest.fixture
def request_(shop):
    return CheckoutRequest(
        key="order-1",
        amount_cents=1056,
        currency="EUR",
        reference="BC-1",
        description="Nuage BC-1",
        language="fr",
        customer_email="alice@example.com",
        return_url=f"{shop.url}/payment/return/signed",
        notification_url=f"{shop.url}/notifications/bank",
        store_card=True,
    )


def pay(checkout, number=CARD["number"]):
    """Pay through the payment page."""
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(checkout.url).text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        return browser.post(checkout.url, data=CARD | {"number": number, "csrf_token": token})


def test_a_blocked_account_and_a_wrong_key_are_refusals_of_the_shop(bank, url, request_, switch):
    checkout = bank.start_checkout(request_)
    switch(bank_refuses_shop=True)
    with pytest.raises(ShopRefused, match="account_blocked"):
        bank.find_checkout(checkout.reference)
    switch(bank_refuses_shop=False)
    assert bank.find_checkout(checkout.reference) == checkout
    with pytest.raises(ShopRefused):
        SandboxBank(url, "another key", SECRET, timeout=STUCK).find_checkout(checkout.reference)


def test_a_payment_from_beginning_to_refund(bank, shop, request_):
    checkout = bank.start_checkout(request_)
    assert (checkout.status, checkout.amount_cents) == (CheckoutStatus.OPEN, 1056)
    assert pay(checkout).headers["Location"] == request_.return_url
    paid = bank.find_checkout(checkout.reference)
    assert paid.status == CheckoutStatus.SUCCEEDED
    assert (paid.mandate.brand, paid.mandate.last4) == ("Visa", "4242")
    call = shop.wait_for(1)[0]
    assert bank.read_notification(call.headers, call.body).subject == paid
    first, again = (bank.refund(checkout.reference, 56, "r") for _ in range(2))
    assert first == again
    assert first.amount_cents == 56
    with pytest.raises(PartyRejected, match="too_much"):
        bank.refund(checkout.reference, 1001, "r2")


def test_charging_and_revoking_a_stored_card(bank, shop, request_):
    checkout = bank.start_checkout(request_)
    pay(checkout)
    mandate = bank.find_checkout(checkout.reference).mandate.reference
    charge = ChargeRequest("c", mandate, 880, "EUR", "F-1", "", request_.notification_url)
    charged = bank.charge(charge)
    assert charged.status == CheckoutStatus.SUCCEEDED
    assert bank.find_checkout(charged.reference) == charged
    bank.forget_mandate(mandate)
    bank.forget_mandate(mandate)
    bank.forget_mandate("md_never_existed")
    late = ChargeRequest("c2", mandate, 880, "EUR", "F-2", "", request_.notification_url)
    assert bank.charge(late).reason == "mandate_revoked"


def test_a_declined_card_and_a_closed_page(bank, request_):
    checkout = bank.start_checkout(request_)
    pay(checkout, "4000 0000 0000 0002")
    declined = bank.find_checkout(checkout.reference)
    assert (declined.status, declined.reason) == (CheckoutStatus.DECLINED, "card_declined")
    other = bank.start_checkout(CheckoutRequest(**vars(request_) | {"key": "order-2"}))
    assert bank.close_checkout(other.reference).status == CheckoutStatus.CLOSED
    assert bank.close_checkout(checkout.reference) == declined


def test_a_lost_response_is_retried_with_the_same_key(bank, request_, switch):
    switch(bank_lost_answers=1)
    with pytest.raises(PartyUnavailable):
        bank.start_checkout(request_)
    checkout = bank.start_checkout(request_)
    pay(checkout)
    switch(bank_lost_answers=1)
    with pytest.raises(PartyUnavailable):
        bank.refund(checkout.reference, 1056, "r")
    assert bank.refund(checkout.reference, 1056, "r").amount_cents == 1056


def test_a_key_with_other_parameters_is_rejected(bank, request_):
    bank.start_checkout(request_)
    with pytest.raises(PartyRejected, match="key_reused"):
        bank.start_checkout(CheckoutRequest(**vars(request_) | {"amount_cents": 1}))


def test_unavailable_and_rejected_are_told_apart(url, bank, request_, switch):
    with pytest.raises(PartyRejected, match="unknown_checkout"):
        bank.find_checkout("cs_unknown")
    with pytest.raises(PartyRejected, match="unauthorised"):
        SandboxBank(url, "wrong", SECRET).start_checkout(request_)
    with pytest.raises(PartyUnavailable):
        SandboxBank("http://127.0.0.1:1", BANK_KEY, SECRET).start_checkout(request_)
    switch(bank_response_delay=1)
    with pytest.raises(PartyUnavailable, match="Timeout"):
        SandboxBank(url, BANK_KEY, SECRET, timeout=0.2).start_checkout(request_)
    switch(bank_response_delay=0)
    assert bank.start_checkout(request_).status == CheckoutStatus.OPEN


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"reference": "x", "status": "odd"}'),
        (404, b"<html>"),
        (404, b"{}"),
        (429, b'{"error": {"code": "slow_down", "message": ""}}'),
        (302, b""),
    ],
)
def test_an_invalid_answer_counts_as_unavailable(shop, request_, status, body):
    shop.status, shop.body = status, body
    with pytest.raises(PartyUnavailable):
        SandboxBank(shop.url, BANK_KEY, SECRET).start_checkout(request_)
    with pytest.raises(PartyUnavailable):
        SandboxProvider(shop.url, PROVIDER_KEY).create_tenant("k", "a.example", "business", 1)


# --- The provider --------------------------------------------------------------------------------

DOMAIN = "acme.o365.example"
ALICE = Person(f"alice@{DOMAIN}", "Alice", "Martin", "fr")


def test_a_group_and_its_people_from_beginning_to_end(provider):
    done = OperationStatus.SUCCEEDED
    tenant = provider.create_tenant("g/1", DOMAIN, "business", 1)
    assert (tenant.status, tenant.key) == (done, "g/1")
    assert tenant.result["tenant"]
    user = provider.create_user("u1", DOMAIN, ALICE, "Secret-pass-1").result["user"]
    full = provider.create_user(
        "u2", DOMAIN, Person(f"b@{DOMAIN}", "B", "B", "en"), "Secret-pass-2"
    )
    assert (full.status, full.code) == (OperationStatus.FAILED, "no_free_seat")
    assert full.reason == "All seats of this tenant are in use."
    assert provider.resize_tenant("g2", DOMAIN, 2).status == done
    moved = Person(f"alice.martin@{DOMAIN}", "Alice", "Martin-Durand", "fr")
    assert provider.update_user("u3", DOMAIN, user, moved).status == done
    assert provider.set_password("u4", DOMAIN, user, "Another-pass-2").status == done
    assert provider.suspend_tenant("g3", DOMAIN, "unpaid").status == done
    assert provider.resume_tenant("g4", DOMAIN).status == done
    assert provider.delete_user("u5", DOMAIN, user).status == done
    assert provider.delete_tenant("g5", DOMAIN).status == done
    assert provider.find_operation("g/1") == tenant
    assert provider.find_operation("never") is None


def test_a_lost_answer_is_found_by_its_key(provider, switch):
    switch(provider_lost_answers=1)
    with pytest.raises(PartyUnavailable):
        provider.create_tenant("g", DOMAIN, "business", 1)
    assert provider.find_operation("g").status == OperationStatus.SUCCEEDED
    assert provider.create_tenant("g", DOMAIN, "business", 1) == provider.find_operation("g")


def test_the_provider_rejects_invalid_calls(provider):
    with pytest.raises(PartyRejected, match="invalid"):
        provider.create_tenant("g", DOMAIN, "home", 1)
    provider.create_tenant("g", DOMAIN, "business", 1)
    with pytest.raises(PartyRejected, match="key_reused"):
        provider.create_tenant("g", DOMAIN, "business", 2)


def test_the_vat_register_is_reached_over_http(url, switch):
    registry = SandboxRegistry(url)
    assert registry.check("DE136695976").answer == Answer.CONFIRMED
    switch(vat_answer="unavailable")
    assert registry.check("DE136695976").answer == Answer.UNAVAILABLE


# --- The server ----------------------------------------------------------------------------------


def test_a_slow_call_does_not_block_others(bank, provider, request_, switch, monkeypatch):
    begun, may_end = threading.Event(), threading.Event()

    def sleep(_seconds):
        begun.set()
        may_end.wait(STUCK)

    monkeypatch.setattr(faults, "time", SimpleNamespace(sleep=sleep))
    switch(bank_response_delay=3)
    slow = threading.Thread(target=bank.start_checkout, args=[request_])
    slow.start()
    assert begun.wait(STUCK)
    for number in range(3):
        assert provider.find_operation(f"k{number}") is None
    assert slow.is_alive(), "the slow call still waits for its response"
    may_end.set()
    slow.join()


def test_the_adapters_may_be_used_by_many_threads(provider):
    outcomes = []

    def create(number):
        outcomes.append(provider.create_tenant(f"k{number}", f"d{number}.example", "business", 1))

    threads = [threading.Thread(target=create, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {operation.status for operation in outcomes} == {OperationStatus.SUCCEEDED}
    assert len({operation.result["tenant"] for operation in outcomes}) == 16
