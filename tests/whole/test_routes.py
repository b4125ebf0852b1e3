"""Access control: this table names the audience of every route, and tests check it.

A new route fails here until it is in one of the lists. The values of its URL parameters go into
`tests.support.belongings`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from desk import roles
from models import Account, Event, LicenceGroup, Order
from shop.orders import placing
from shop.sandbox_link import signatures
from shop.settings import Settings
from tests import ROOT, conftest
from tests.support import belongings, purchases
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

PUBLIC = """
    static storefront.entrance storefront.home storefront.offer
    storefront.contract storefront.contract_pdf
    storefront.security_txt storefront.robots_txt storefront.sitemap storefront.manifest
    storefront.favicon storefront.touch_icon storefront.change_password
    storefront.legal_notice storefront.legal_text storefront.mediation storefront.contact
    storefront.help storefront.short_help
    storefront.quantities storefront.choose_quantities storefront.totals storefront.summary
    storefront.identification storefront.identify
    storefront.new_account storefront.create_account storefront.check_registration
    storefront.password_forgotten storefront.ask_for_link
    storefront.second_step storefront.take_second_step storefront.identify_by_passkey
    manager.login manager.log_in manager.log_out
    manager.second_step manager.take_second_step
    manager.passkey_options manager.log_in_by_passkey
    viewing.stop
    storefront.choose_account storefront.take_account
    manager.choose_account manager.take_account
"""
"""Open to everyone."""

BY_SECRET = """
    storefront.password_reset storefront.choose_password
    storefront.email_proof storefront.confirm_email
    storefront.payment_return storefront.card_return
    storefront.termination storefront.confirm_termination
    storefront.licence_link storefront.show_password
"""
"""Open to every holder of a URL that cannot be guessed."""

IDENTIFIED = "storefront.order_contracts storefront.confirm"
"""Steps of the order for customers: other visitors sign in first, within the same order."""

SIGNED_IN = """
    storefront.purchase_order storefront.order_status storefront.purchase_order_pdf
    storefront.pay_order storefront.cancel
    manager.entrance manager.home manager.search manager.search_suggestions
    manager.orders manager.order manager.order_status manager.order_pdf
    manager.pay_order manager.cancel_order manager.retry_delivery
    manager.refund_order
    manager.bills manager.bill manager.bill_status manager.bill_pdf manager.pay_bill
    manager.bills_csv manager.bills_zip
    manager.emails manager.email manager.email_html manager.email_document
    manager.factor_confirmation manager.confirm_factor
    manager.confirmation_options manager.confirm_by_passkey
    manager.send_email_again manager.ask_for_email_proof
    manager.account manager.profile manager.change_profile manager.check_profile
    manager.email_address manager.change_email_address manager.change_language
    manager.new_email_address manager.confirm_email_address
    manager.confirmation manager.confirm
    manager.account_closing manager.close_account
    manager.security manager.password manager.change_password
    manager.sessions manager.end_session manager.end_other_sessions manager.activity
    manager.authenticator manager.authenticator_qr manager.add_authenticator
    manager.remove_authenticator manager.make_recovery_codes
    manager.new_passkey manager.new_passkey_options manager.add_passkey manager.remove_passkey
    manager.exports manager.ask_for_export manager.export_file
    manager.usage manager.usage_file manager.history manager.history_file
    manager.unused_licences manager.return_seat manager.save_return
    manager.services manager.service manager.register_card manager.choose_card manager.pay_service
    manager.cards manager.remove_card
    manager.terminate manager.ask_for_termination manager.keep_service
    manager.withdrawal manager.withdraw
    manager.order_withdrawal manager.withdraw_from_order manager.withdrawn_licences
    manager.give_back manager.review_give_back manager.confirm_give_back manager.keep_licences
    manager.groups manager.group manager.group_information
    manager.group_name manager.rename_group manager.keep_group_name
    manager.add_user manager.configure_seat manager.save_configuration
    manager.edit_seat manager.save_holder manager.seat_password manager.save_seat_password
    manager.release_seat manager.save_release manager.retry_seat manager.check_seat_field
    manager.import_seats manager.upload_seats manager.seat_import manager.start_import
    manager.abandon_import manager.import_result manager.export_seats
    manager.seat_link manager.send_seat_link
    manager.select_seats manager.selection manager.start_selection
    manager.abandon_selection manager.selection_result
    manager.import_passwords manager.selection_passwords
    manager.order_platform manager.order_office manager.order_choice manager.choose_office
    manager.order_contracts manager.confirm_office
    manager.exchange_services manager.exchange_service manager.exchange_accounts
    manager.attach_accounts manager.choose_again manager.review_attach manager.confirm_attach
    manager.check_attach_field manager.dismiss_offer
"""
"""For customers only; others are redirected to the sign-in."""

SENT_ON = """
    manager.entrance manager.order_platform manager.keep_group_name manager.add_user
    manager.review_give_back manager.order_withdrawal manager.withdrawn_licences
""".split()
"""Pages that only redirect to another one."""

MACHINES = "monitoring.healthz monitoring.readyz monitoring.metrics"
"""For the operator: open, without any customer's data."""

SIGNED = "webhooks.bank_notification webhooks.doctor"
"""For the bank and ``flask doctor``: every message is signed."""

SANDBOX = "sandbox_controls.move_clock sandbox_controls.pause sandbox_controls.make_account"
"""The sandbox's controls: signed, and not registered in production."""

DESK = " ".join(f"desk.{name}" for name in (*roles.OPEN, *roles.ROLES))
"""The desk's, which `tests/desk/test_access.py` checks."""

AUDIENCES = {
    endpoint: audience
    for audience, endpoints in {
        "public": PUBLIC, "by secret": BY_SECRET, "identified": IDENTIFIED,
        "signed in": SIGNED_IN, "machines": MACHINES, "signed": SIGNED, "sandbox": SANDBOX,
        "desk": DESK,
    }.items()
    for endpoint in endpoints.split()
}  # fmt: skip

ANSWERING = """
    manager.check_profile manager.choose_again manager.make_recovery_codes
    manager.new_passkey_options manager.confirmation_options
""".split()
"""Routes whose POST answers with a page instead of a redirect."""

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def rules(app: Flask, *audiences: str) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if AUDIENCES[rule.endpoint] in audiences]


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def every(app: Flask, *audiences: str) -> Iterator[tuple[Rule, str]]:
    """Yield each route of the audiences with each of its methods."""
    return ((rule, method) for rule in rules(app, *audiences) for method in methods(rule))


def client_of(app: Flask, account: Account) -> CheckingClient:
    client = browser(app)
    Visitor(client).log_in(account)
    return client


def test_every_route_says_whom_it_is_for(app: Flask) -> None:
    there = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert there == set(AUDIENCES)


def test_every_address_can_be_made(app: Flask, alices: Belongings) -> None:
    for rule in rules(app, "public", "identified", "signed in", "machines", "signed", "sandbox"):
        alices.address(rule)


def test_everybody_sees_what_is_public(app: Flask, client: CheckingClient) -> None:
    for rule, method in every(app, "public"):
        if method == "GET":
            address = belongings.filled(str(rule))
            assert client.get(address).status_code in {200, 302, 303}, address


@pytest.mark.one_database
def test_strangers_are_sent_to_the_sign_in(app: Flask, alices: Belongings) -> None:
    client = browser(app)
    for rule, method in every(app, "signed in"):
        address = alices.address(rule)
        response = client.ask(method, address)
        assert response.status_code == 303, f"{method} {rule}: {response.status}"
        back = f"/login?next={address}" if method == "GET" else "/login"
        assert response.location == back, f"{method} {rule}"


@pytest.mark.one_database
def test_strangers_identify_themselves_in_the_same_order(app: Flask, alices: Belongings) -> None:
    client = browser(app)
    for rule, method in every(app, "identified"):
        address = alices.address(rule) + "?basket=a-basket-of-theirs&business=7&pro_plus=0"
        response = client.ask(method, address)
        assert response.status_code == 303
        assert response.location.startswith("/fr/order/identification?")
        assert "business=7" in response.location


def test_charlie_finds_nothing_of_alices(app: Flask, alices: Belongings, charlie: Account) -> None:
    before = Event.select().count()
    client = client_of(app, charlie)
    for rule, method in every(app, "signed in"):
        if alices.is_owned(rule):
            address = alices.address(rule)
            response = client.ask(method, address)
            assert response.status_code == 404, f"{method} {address}: {response.status}"
    assert Event.select().count() == before


def test_charlie_orders_nothing_into_alices_group(
    app: Flask, alices: Belongings, charlie: Account
) -> None:
    client = client_of(app, charlie)
    before = LicenceGroup.get_by_id(alices.group.id).places_taken
    wish = {"offer": "business", "quantity": "1", "group": alices.group.name, "accepted": "yes"}
    for address in ("/manager/order/office", "/manager/order/office/contracts"):
        response = client.ask("POST", address, wish)
        assert response.status_code in {404, 422}, f"{address}: {response.status}"
        assert alices.group.display_name not in response.text
        response = client.get(address, query_string=wish)
        assert alices.group.display_name not in response.text
    assert LicenceGroup.get_by_id(alices.group.id).places_taken == before
    assert not Order.select().where(Order.account == charlie).exists()


def test_control_alice_finds_all_that_charlie_does_not(app: Flask, alices: Belongings) -> None:
    client = client_of(app, alices.account)
    for rule, method in every(app, "signed in"):
        address = alices.address(rule)
        response = client.ask(method, address)
        if method == "GET":
            expected = 303 if rule.endpoint in SENT_ON else 200
            assert response.status_code == expected, f"{address}: {response.status}"
        else:
            fine = {204, 303, 409, 422} | ({200} if rule.endpoint in ANSWERING else set())
            assert response.status_code in fine, f"{method} {address}: {response.status}"


def test_an_address_that_holds_a_secret_opens_by_it_alone(app: Flask, alices: Belongings) -> None:
    client = browser(app)
    for rule in rules(app, "by secret"):
        address = alices.secret_addresses[rule.endpoint]
        assert client.get(address).status_code == 200, address
        assert client.get(address[:-1] + "~").status_code in {404, 410}, address
        assert client.get(address + "x").status_code in {404, 410}, address


@pytest.mark.one_database
def test_nothing_changes_without_the_token_of_our_forms(app: Flask, alices: Belongings) -> None:
    client = client_of(app, alices.account)
    before = Event.select().count()
    for rule, method in every(app, "public", "identified", "signed in"):
        if method in CHANGING:
            address = alices.address(rule)
            response = client.open(address, method=method)
            assert response.status_code == 400, f"{method} {address}: {response.status}"
            forged = client.open(address, method=method, headers={"X-CSRFToken": "forged"})
            assert forged.status_code == 400, f"{method} {address}: {forged.status}"
    assert Event.select().count() == before


@pytest.mark.one_database
def test_the_token_of_another_visitor_is_worth_nothing(app: Flask, alices: Belongings) -> None:
    stolen = browser(app).csrf_token()
    client = client_of(app, alices.account)
    address = f"/fr/order/{alices.unpaid.number}/cancellation"
    assert client.post(address, headers={"X-CSRFToken": stolen}).status_code == 400
    assert client.post(address, data={"csrf_token": stolen}).status_code == 400
    assert client.ask("POST", address).status_code == 303


def test_machines_learn_how_the_shop_is_and_nothing_of_customers(
    app: Flask, alices: Belongings
) -> None:
    client = browser(app)
    for rule in rules(app, "machines"):
        response = client.get(str(rule))
        assert response.status_code == 200
        for secret in (alices.account.email, alices.account.nic_handle, alices.unpaid.number):
            assert secret not in response.text


@pytest.mark.parametrize("signature", [None, "", "t=1,v1=0", "t=99999999999999999,v1=x", "é"])
def test_unsigned_calls_are_refused_where_a_signature_is_required(
    app: Flask, signature: str | None
) -> None:
    headers = {} if signature is None else {signatures.HEADER: signature}
    client = browser(app)
    for rule, method in every(app, "signed", "sandbox"):
        assert method == "POST"
        response = client.post(str(rule), headers=headers, data=b"{}")
        assert response.status_code == 403, f"{rule}: {response.status}"


def test_a_signature_is_for_one_message(app: Flask) -> None:
    settings = app.extensions["settings"]
    header = signatures.sign(settings.notification_secret, b'{"language": "fr"}')
    client = browser(app)
    response = client.post(
        "/sandbox/accounts", headers={signatures.HEADER: header}, data=b'{"language": "en"}'
    )
    assert response.status_code == 403
    response = client.post(
        "/sandbox/accounts", headers={signatures.HEADER: header}, data=b'{"language": "fr"}'
    )
    assert response.status_code == 200


def test_production_has_no_controls(app: Flask, production: Flask) -> None:
    there = {rule.endpoint for rule in production.url_map.iter_rules()}
    assert there == {name for name, audience in AUDIENCES.items() if audience != "sandbox"}
    client = browser(production)
    for rule, _ in every(app, "sandbox"):
        header = signatures.sign(production.extensions["settings"].notification_secret, b"{}")
        response = client.post(str(rule), headers={signatures.HEADER: header}, data=b"{}")
        assert response.status_code == 404, str(rule)


def test_a_shop_with_one_real_party_has_no_controls_either(make_app: Callable[..., Flask]) -> None:
    mixed = make_app(
        STRIPE_API_KEY="sk_test_of_nobody",
        STRIPE_WEBHOOK_SECRET="whsec_of_nobody",
        SANDBOX_PROVIDER_KEY="a provider key of our own",
        SANDBOX_NOTIFICATION_SECRET="a notification secret of our own",
    )
    assert not rules(mixed, "sandbox")


@pytest.mark.one_database
def test_production_loads_nothing_of_the_sandboxs_controls(settings: Settings) -> None:
    program = """
import sys
import app
from shop.sandbox_link import test_points
app.create_app()
test_points.point("a.critical.moment")
print(*(name for name in sys.modules if name.endswith(("sandbox_controls", ".switches"))))
"""
    environment = os.environ | conftest.ENVIRONMENT | {"DATABASE_URL": settings.database_url}
    for more, loaded in ((conftest.PRODUCTION, False), ({}, True)):
        answer = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT, env=environment | more, text=True, capture_output=True, check=True,
        )  # fmt: skip
        assert ("sandbox_controls" in answer.stdout) is loaded, answer.stdout
        assert ("switches" in answer.stdout) is loaded, answer.stdout


def test_machines_alone_need_no_token_of_our_forms(app: Flask) -> None:
    csrf = app.extensions["csrf"]
    exempt = {blueprint.name for blueprint in csrf._exempt_blueprints}
    assert exempt == {"webhooks", "sandbox_controls"}
    assert not csrf._exempt_views


def test_no_page_asks_the_database_too_much_however_much_there_is(
    app: Flask, alices: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "MOST_UNPAID", 100)
    for _ in range(25):
        purchases.place(alices.account, purchases.basket(business=1))
    client = client_of(app, alices.account)
    for rule, method in every(app, "public", "identified", "signed in", "machines"):
        if method == "GET":
            # The client counts the statements, and fails.
            client.get(alices.address(rule), query_string=belongings.basket_in_address())
            assert len(client.statements) <= 12, f"{rule}: {client.statements}"
