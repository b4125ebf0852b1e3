"""Races, each with a positive control: without its guard the invariant breaks."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress

import pytest
from peewee import SQL

from sandbox.bank import checkouts, ledger
from sandbox.bank.models import Checkout, Entry, Letter, Refund, StoredCard
from sandbox.database import database
from sandbox.office import devices
from sandbox.office.models import Device, Operation, Tenant, User
from tests.sandbox.conftest import Caller, checkout_body
from tests.sandbox.racing import race
from tests.sandbox.test_bank import CARD
from tests.support.visitor import Visitor

MANY = 8


@pytest.fixture
def meet_after(monkeypatch):
    """Hold all threads at the end of a function until all have reached it."""

    def meet(module, name, times=MANY):
        barrier = threading.Barrier(times)
        function = getattr(module, name)

        def slow(*given, **named):
            answer = function(*given, **named)
            with suppress(threading.BrokenBarrierError):
                barrier.wait(timeout=60)
            return answer

        monkeypatch.setattr(module, name, slow)

    return meet


def pay_at_once(sandbox_app, checkout, monkeypatch, meet_after):
    """Submit the same open payment page in all threads."""
    from sandbox.bank import pages

    meet_after(pages, "read_card")

    def press(client):
        visitor = Visitor(client)
        visitor.open(checkout["url"])
        return visitor.press("Payer", **CARD)

    return race(sandbox_app, press, MANY)


def test_a_page_paid_many_times_at_once_is_paid_once(
    sandbox_app, open_checkout, monkeypatch, meet_after
):
    checkout = open_checkout(store_card=True)
    outcomes = pay_at_once(sandbox_app, checkout, monkeypatch, meet_after)
    assert Counter(outcome.status_code for outcome in outcomes) == {303: MANY}
    assert ledger.count_entries() == 1
    assert StoredCard.select().count() == 1
    assert Letter.select().count() == 1


def test_control_without_compare_and_set_the_page_is_paid_twice(
    sandbox_app, open_checkout, monkeypatch, meet_after
):
    def update_without_check(reference, old, new, **changes):
        Checkout.update(status=new, **changes).where(Checkout.reference == reference).execute()
        return True

    monkeypatch.setattr(checkouts, "move_checkout", update_without_check)
    database.execute_sql('DROP INDEX "one_payment"')
    pay_at_once(sandbox_app, open_checkout(), monkeypatch, meet_after)
    assert ledger.count_entries() > 1


def test_paying_and_closing_at_once_ends_one_way(sandbox_app, bank, open_checkout):
    def closing(client):
        return Caller(client, "/bank/api", "sandbox-bank-key")(
            "POST", f"/checkouts/{checkout['reference']}/closure"
        ).json["status"]

    def paying(client):
        visitor = Visitor(client)
        visitor.open(checkout["url"])
        return visitor.press("Payer", **CARD).status_code

    for _ in range(6):
        checkout = open_checkout()
        turns = iter([paying, closing] * 2)
        race(sandbox_app, lambda client, turns=turns: next(turns)(client), 4)
        row = Checkout.get_by_id(checkout["reference"])
        assert row.status in {"succeeded", "closed"}
        assert Entry.select().where(Entry.checkout == row).count() == (row.status == "succeeded")
        assert Letter.select().where(Letter.checkout == row).count() == 1


def test_one_key_used_many_times_at_once_makes_one_checkout(sandbox_app, bank):
    def start(client):
        merchant = Caller(client, "/bank/api", "sandbox-bank-key")
        return merchant("POST", "/checkouts", checkout_body(), "same").json["reference"]

    assert len(set(race(sandbox_app, start, MANY))) == 1
    assert Checkout.select().count() == 1


def test_concurrent_refunds_never_exceed_the_payment(
    sandbox_app, open_checkout, monkeypatch, meet_after
):
    checkout = open_checkout()
    visitor = Visitor(sandbox_app.test_client())
    visitor.open(checkout["url"])
    visitor.press("Payer", **CARD)

    def refund(client):
        merchant = Caller(client, "/bank/api", "sandbox-bank-key")
        path = f"/checkouts/{checkout['reference']}/refunds"
        key = str(threading.get_ident())
        return merchant("POST", path, {"amount_cents": 500}, key).status_code

    assert Counter(race(sandbox_app, refund, MANY)) == {201: 2, 422: MANY - 2}
    assert sum(row.amount_cents for row in Refund.select()) == 1000


# --- The provider --------------------------------------------------------------------------------


@pytest.fixture
def tenant(office):
    body = {"domain": "acme.o365.example", "offer": "business", "seats": 3}
    office("POST", "/tenants", body)
    return body["domain"]


def create_user(client, tenant, login, key):
    reseller = Caller(client, "/office/api", "sandbox-provider-key")
    body = {
        "address": f"{login}@{tenant}",
        "first_name": login,
        "last_name": "X",
        "language": "fr",
        "password": "Secret-pass-1",
    }
    return reseller("POST", f"/tenants/{tenant}/users", body, key).json


def test_concurrent_activations_never_exceed_the_seats(sandbox_app, tenant):
    def act(client):
        login = f"u{threading.get_ident()}"
        return create_user(client, tenant, login, login)["code"]

    assert Counter(race(sandbox_app, act, MANY)) == {"": 3, "no_free_seat": MANY - 3}
    assert User.select().count() == Tenant.get().users_taken == 3


def test_one_key_used_many_times_at_once_makes_one_person(sandbox_app, tenant):
    outcomes = race(sandbox_app, lambda client: create_user(client, tenant, "alice", "same"), MANY)
    assert {outcome["status"] for outcome in outcomes} == {"succeeded"}
    assert len({outcome["result"]["user"] for outcome in outcomes}) == 1
    assert User.select().count() == 1


def test_concurrent_readers_execute_each_operation_once(
    sandbox_app, tenant, office, switch, move_on
):
    switch(provider_latency=30)
    for number in range(10):
        create_user(sandbox_app.test_client(), tenant, f"p{number}", f"k{number}")
    move_on(31)
    race(sandbox_app, lambda client: Caller(client, "/office/api", "sandbox-provider-key")(
        "GET", f"/tenants/{tenant}"), MANY)  # fmt: skip
    done = Counter(
        row.status for row in Operation.select().where(Operation.action == "create_user")
    )
    assert done == {"succeeded": 3, "failed": 7}
    assert Tenant.get().users_taken == 3


# --- Five devices --------------------------------------------------------------------------------


@pytest.fixture
def alice(sandbox_app, tenant):
    return User.get_by_id(
        create_user(sandbox_app.test_client(), tenant, "alice", "a")["result"]["user"]
    )


def install_at_once(sandbox_app, alice, times):
    def act(client):
        wanted = devices.Installation("computer", "windows", "PC", str(threading.get_ident()))
        try:
            return devices.install(alice, wanted).slot
        except devices.DeviceLimitReached:
            return "full"

    return race(sandbox_app, act, times)


def test_twenty_installations_at_once_take_five_places(sandbox_app, alice):
    outcomes = Counter(install_at_once(sandbox_app, alice, 20))
    assert outcomes == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, "full": 15}
    assert Device.select().count() == 5


def test_a_form_sent_many_times_at_once_takes_one_place(sandbox_app, alice):
    wanted = devices.Installation("tablet", "ipados", "iPad", "one form")
    outcomes = race(sandbox_app, lambda client: devices.install(alice, wanted).id, MANY)
    assert len(set(outcomes)) == 1


def test_control_without_its_guards_more_than_five_places_are_taken(
    sandbox_app, alice, monkeypatch, meet_after
):
    index = database.execute_sql(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%\"slot\")%'"
    ).fetchone()[0]
    database.execute_sql(f'DROP INDEX "{index}"')
    monkeypatch.setattr(devices.database, "atomic", lambda: database.connection_context())
    meet_after(devices, "free_slot", times=20)
    install_at_once(sandbox_app, alice, 20)
    assert Device.select().where(SQL("slot IS NOT NULL")).count() > 5
