"""The Office provider: tenants, seats, users; operations accepted now and executed later."""

from __future__ import annotations

import pytest
from peewee import IntegrityError

from sandbox.database import database
from sandbox.office.models import Operation, PortalSession, Tenant, User
from sandbox.office.passwords import verify_password

DOMAIN = "acme.o365.example"
ALICE = {
    "address": f"alice@{DOMAIN}",
    "first_name": "Alice",
    "last_name": "Martin",
    "language": "fr",
}


@pytest.fixture
def tenant(office):
    """Return a function that creates a tenant; it returns the response."""

    def make(domain=DOMAIN, offer="business", seats=2, key=None):
        return office("POST", "/tenants", {"domain": domain, "offer": offer, "seats": seats}, key)

    return make


@pytest.fixture
def add(office):
    """Return a function that creates a user in the tenant."""

    def act(login="alice", key=None, domain=DOMAIN, password="Secret-pass-1", **changes):
        person = ALICE | {"address": f"{login}@{domain}"} | changes
        return office("POST", f"/tenants/{domain}/users", person | {"password": password}, key)

    return act


def read_tenant(office, domain=DOMAIN):
    return office("GET", f"/tenants/{domain}").json


# --- Operations -----------------------------------------------------------------------


def test_an_operation_is_accepted_first_and_done_later(
    make_sandbox, office, tenant, move_on, switch
):
    switch(provider_latency=120)
    answer = tenant(key="k")
    assert (answer.status_code, answer.json["status"]) == (202, "pending")
    move_on(119)
    assert office("GET", "/operations?key=k").json["status"] == "pending"
    assert Tenant.select().count() == 0
    move_on(2)
    done = office("GET", "/operations?key=k").json
    assert done["status"] == "succeeded"
    assert done["result"] == {"tenant": Tenant.get().reference}


def test_the_configured_latency_counts_unless_a_switch_says_otherwise(make_sandbox):
    app = make_sandbox(SANDBOX_LATENCY="60")
    from tests.sandbox.conftest import Caller

    office = Caller(app.test_client(), "/office/api", "sandbox-provider-key")
    body = {"domain": DOMAIN, "offer": "business", "seats": 1}
    assert office("POST", "/tenants", body).json["status"] == "pending"
    operation = Operation.get()
    assert operation.due_at - operation.accepted_at == 60


def test_operations_overlap_instead_of_waiting_for_each_other(office, tenant, move_on, switch):
    switch(provider_latency=60)
    for number in range(20):
        tenant(domain=f"t{number}.example", key=f"k{number}")
    move_on(61)
    for number in range(20):
        assert office("GET", f"/operations?key=k{number}").json["status"] == "succeeded"


def test_a_key_is_remembered_with_its_outcome(tenant, office):
    first, second = tenant(key="k").json, tenant(key="k").json
    assert first == second
    assert office("GET", "/operations?key=k").json == first
    assert Tenant.select().count() == 1


def test_a_key_is_refused_with_other_parameters(tenant, add):
    tenant(key="k")
    assert tenant(key="k", seats=3).json["error"]["code"] == "key_reused"
    add(key="u")
    assert add(key="u", password="Another-pass-1").status_code == 409
    assert add(key="u").status_code == 202


def test_an_unknown_key_is_reported_as_unknown(office):
    answer = office("GET", "/operations?key=never")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "unknown_operation")


def test_operations_of_a_tenant_are_done_in_the_order_they_fell_due(
    office, tenant, add, move_on, switch
):
    tenant(seats=1)
    switch(provider_latency=10)
    add("alice", key="a")
    add("bob", key="b")
    move_on(60)
    assert office("GET", "/operations?key=b").json["code"] == "no_free_seat"
    assert office("GET", "/operations?key=a").json["status"] == "succeeded"


def test_the_next_operations_can_be_made_to_fail_for_good(tenant, office, switch):
    switch(provider_refusals=1, provider_refusal_reason="On strike")
    failed = tenant(key="k").json
    assert (failed["status"], failed["code"], failed["reason"]) == (
        "failed",
        "refused",
        "On strike",
    )
    assert tenant(key="k").json["status"] == "failed", "the same key stays failed"
    assert tenant(key="k2").json["status"] == "succeeded"


def test_new_groups_of_one_offer_can_be_made_to_fail_for_good(tenant, office, switch):
    switch(provider_refused_offer="pro_plus")
    assert tenant(offer="pro_plus", key="k").json["status"] == "failed"
    assert tenant(offer="business", key="k2").json["status"] == "succeeded"
    switch(provider_refused_offer="")
    assert tenant(offer="pro_plus", key="k3", domain="other.example").json["status"] == "succeeded"


# --- Tenants -----------------------------------------------------------------------


def test_a_tenant_shows_its_seats_and_users(office, tenant, add):
    tenant(offer="pro_plus", seats=5000)
    add()
    assert read_tenant(office) == {
        "domain": DOMAIN,
        "reference": Tenant.get().reference,
        "offer": "pro_plus",
        "seats": 5000,
        "users": 1,
        "status": "active",
        "suspension_reason": "",
    }
    assert office("GET", "/tenants/none.example").status_code == 404


def test_a_business_tenant_has_300_seats_at_most(office, tenant):
    assert tenant(seats=301).json["code"] == "too_many_seats"
    assert tenant(seats=300).json["status"] == "succeeded"
    answer = office("PATCH", f"/tenants/{DOMAIN}", {"seats": 301}).json
    assert answer["code"] == "too_many_seats"
    assert tenant(domain="big.example", offer="pro_plus", seats=301).json["status"] == "succeeded"


def test_a_domain_belongs_to_one_tenant(tenant):
    tenant()
    assert tenant().json["code"] == "domain_taken"
    assert tenant(domain=DOMAIN.upper()).json["code"] == "domain_taken"


def test_a_tenant_does_not_shrink_below_its_people(office, tenant, add):
    tenant(seats=2)
    add("alice")
    add("bob")
    assert office("PATCH", f"/tenants/{DOMAIN}", {"seats": 1}).json["code"] == "seats_in_use"
    assert office("PATCH", f"/tenants/{DOMAIN}", {"seats": 3}).json["status"] == "succeeded"
    assert read_tenant(office)["seats"] == 3


def test_suspending_and_resuming_a_tenant(office, tenant):
    tenant()
    office("PUT", f"/tenants/{DOMAIN}/suspension", {"reason": "unpaid"})
    assert (read_tenant(office)["status"], read_tenant(office)["suspension_reason"]) == (
        "suspended",
        "unpaid",
    )
    office("DELETE", f"/tenants/{DOMAIN}/suspension")
    assert (read_tenant(office)["status"], read_tenant(office)["suspension_reason"]) == (
        "active",
        "",
    )


def test_deleting_a_tenant_ends_the_access_of_all_users(office, tenant, add):
    tenant()
    add()
    assert office("DELETE", f"/tenants/{DOMAIN}").json["status"] == "succeeded"
    assert (read_tenant(office)["status"], read_tenant(office)["users"]) == ("deleted", 0)
    assert User.select().count() == 0
    assert office("DELETE", f"/tenants/{DOMAIN}").json["status"] == "succeeded", (
        "deletion is idempotent"
    )
    assert add().json["code"] == "unknown_tenant"
    assert tenant().json["code"] == "domain_taken"


def test_operations_on_an_unknown_tenant_fail(office, add):
    assert add().json["code"] == "unknown_tenant"
    assert office("PATCH", f"/tenants/{DOMAIN}", {"seats": 1}).json["code"] == "unknown_tenant"
    assert office("DELETE", f"/tenants/{DOMAIN}").json["code"] == "unknown_tenant"


# --- Users -----------------------------------------------------------------------


def test_there_are_no_more_users_than_seats(office, tenant, add):
    tenant(seats=1)
    assert add("alice").json["status"] == "succeeded"
    assert add("bob").json["code"] == "no_free_seat"
    assert read_tenant(office)["users"] == 1


def test_the_database_itself_enforces_the_limits(sandbox_app, tenant):
    tenant(seats=1)
    with pytest.raises(IntegrityError):
        Tenant.update(users_taken=2).execute()
    with pytest.raises(IntegrityError):
        Tenant.update(seats=301).execute()


def test_an_address_belongs_to_one_person(tenant, add):
    tenant()
    assert add("alice").json["status"] == "succeeded"
    assert add("ALICE").json["code"] == "address_taken"


@pytest.mark.parametrize("address", ["alice@else.example", "alice", f"@{DOMAIN}", f"a@b@x{DOMAIN}"])
def test_an_address_is_one_of_the_tenants_domain(tenant, add, address):
    tenant()
    assert add(address=address).json["code"] == "wrong_domain"


def test_a_password_is_kept_as_a_hash(tenant, add):
    tenant()
    add(password="Secret-pass-1")
    assert verify_password(User.get().password_hash, "Secret-pass-1")
    kept = str([*Operation.select().tuples(), *User.select().tuples()])
    assert "Secret-pass-1" not in kept


def test_a_short_password_is_refused(add):
    assert add(password="short").json["error"]["code"] == "weak_password"


@pytest.fixture
def alice(office, tenant, add):
    tenant()
    return add().json["result"]["user"]


def test_a_person_can_be_renamed_and_moved(office, alice):
    moved = ALICE | {"address": f"a.martin@{DOMAIN}", "last_name": "Żółć"}
    answer = office("PATCH", f"/tenants/{DOMAIN}/users/{alice}", moved).json
    assert answer["status"] == "succeeded"
    assert (User.get().address, User.get().last_name) == (f"a.martin@{DOMAIN}", "Żółć")


def test_a_person_can_keep_the_address_but_not_take_another_persons(office, alice, add):
    bob = add("bob").json["result"]["user"]
    path = f"/tenants/{DOMAIN}/users/"
    assert office("PATCH", path + alice, ALICE).json["status"] == "succeeded"
    assert office("PATCH", path + bob, ALICE).json["code"] == "address_taken"
    assert office("PATCH", path + "us_x", ALICE).json["code"] == "unknown_user"


def test_a_new_password_counts_at_once_and_ends_sessions(office, alice, switch):
    PortalSession.create(token_hash="x", user=alice, created_at=0)
    switch(provider_latency=3600)
    path = f"/tenants/{DOMAIN}/users/{alice}/password"
    assert office("PUT", path, {"password": "Another-pass-2"}).json["status"] == "succeeded"
    assert verify_password(User.get().password_hash, "Another-pass-2")
    assert not verify_password(User.get().password_hash, "Secret-pass-1")
    assert PortalSession.select().count() == 0


def test_a_deleted_person_leaves_the_seat_to_another(office, alice, add):
    path = f"/tenants/{DOMAIN}/users/{alice}"
    assert office("DELETE", path).json["status"] == "succeeded"
    assert read_tenant(office)["users"] == 0
    assert office("DELETE", path).json["status"] == "succeeded", "deletion is idempotent"
    assert read_tenant(office)["users"] == 0
    assert add("alice").json["status"] == "succeeded"


def test_people_of_another_tenant_are_out_of_reach(office, tenant, alice):
    tenant(domain="other.example")
    path = f"/tenants/other.example/users/{alice}"
    assert office("PUT", f"{path}/password", {"password": "Another-pass-2"}).json["code"] == (
        "unknown_user"
    )
    office("DELETE", path)
    assert User.select().count() == 1


def test_people_are_listed_page_by_page(office, tenant, add):
    tenant(seats=5)
    for login in ("carl", "alice", "bob"):
        add(login)
    path = f"/tenants/{DOMAIN}/users"
    first = office("GET", f"{path}?limit=2").json["users"]
    assert [user["address"] for user in first] == [f"alice@{DOMAIN}", f"bob@{DOMAIN}"]
    rest = office("GET", f"{path}?limit=2&after={first[-1]['address']}").json["users"]
    assert [user["address"] for user in rest] == [f"carl@{DOMAIN}"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tenants", {"domain": DOMAIN, "offer": "home", "seats": 1}),
        ("POST", "/tenants", {"domain": "", "offer": "business", "seats": 1}),
        ("POST", "/tenants", {"domain": DOMAIN, "offer": "business", "seats": 0}),
        ("POST", f"/tenants/{DOMAIN}/users", ALICE),
        ("PATCH", f"/tenants/{DOMAIN}/users/us_1", {"address": "x"}),
    ],
)
def test_an_invalid_call_is_refused_at_once(office, method, path, body):
    assert office(method, path, body).status_code == 422
    assert Operation.select().count() == 0


def test_only_the_reseller_may_call(office, tenant):
    office.key = "sandbox-bank-key"
    assert tenant().status_code == 401


def test_adding_a_person_scans_no_table(office, tenant, add):
    """A tenant of 100,000 users must answer as quickly as one of five."""
    tenant(offer="pro_plus", seats=10_000)
    add("first")
    plans: list[tuple[str, str]] = []
    execute = database.execute_sql

    def explain(sql, params=None):
        if sql.startswith(("SELECT", "UPDATE", "DELETE")):
            found = execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
            plans.extend((sql, row[3]) for row in found)
        return execute(sql, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "execute_sql", explain)
        assert add("newcomer").json["status"] == "succeeded"
    assert plans
    assert [
        plan for plan in plans if plan[1].startswith("SCAN") and "CONSTANT" not in plan[1]
    ] == []
