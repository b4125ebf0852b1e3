"""``flask doctor``: each thing that is wrong is found, and said with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import pytest
from cryptography.fernet import Fernet
from flask import Flask

from models import Account
from shop.office import configured
from shop.office.graph.groups import PRODUCTS
from shop.operations import demo
from shop.operations.doctor import examination, inside, outside, site
from shop.operations.doctor.findings import Finding, Severity
from shop.payments import gateways
from shop.payments.stripe import EVENTS, SESSION_EVENTS, StripeGateway
from shop.payments.stripe.calls import connect
from shop.settings import Seller
from shop.vat import registry
from shop.vat.registry import Answer, Consultation
from tests.conftest import PRODUCTION
from tests.contract import banks, offices
from tests.contract.banks import StripeUnderTest
from tests.contract.directory import ROOT
from tests.contract.offices import GraphUnderTest
from tests.support.belongings import Belongings
from tests.support.certificates import make_certificate
from tests.support.mailbox import Mailbox

MakeApp = Callable[..., Flask]
URL = "https://shop.example"


def found(findings: Iterator[Finding]) -> list[tuple[str, str]]:
    """What is wrong: each severity with sentence and cure. Findings that are wrong have a cure."""
    every = list(findings)
    assert every
    assert all(bool(each.cure) == (each.severity != Severity.OK) for each in every)
    return [(each.severity, f"{each.said} {each.cure}") for each in every if each.severity != "ok"]


def faults(findings: Iterator[Finding]) -> list[str]:
    return [said for severity, said in found(findings) if severity == Severity.FAULT]


# --- Settings, keys, data ------------------------------------------------------------------------


@pytest.mark.one_database
def test_a_sound_production_has_nothing_wrong_inside(
    production: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for examine in (*examination.INSIDE, *examination.ON_DATABASE):
        assert [each for each in examine() if each.cure] == []


@pytest.mark.one_database
def test_what_production_lacks_is_said_before_it_is_tried(make_app: MakeApp) -> None:
    make_app()
    said = " ".join(text for _, text in found(inside.examine_settings()))
    for name in ("SELLER_NAME", "SMTP_URL", "TRUSTED_PROXIES", "STRIPE_API_KEY", "PUBLIC_URL"):
        assert name in said
    assert "the seller is still made up" in said


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("name", "value"), [("SELLER_SIREN", "552100555"), ("SELLER_VAT_NUMBER", "FR00552100554")]
)
def test_a_mistyped_seller_is_found(make_app: MakeApp, name: str, value: str) -> None:
    make_app(**PRODUCTION | {name: value})
    (said,) = faults(inside.examine_settings())
    assert value in said
    assert f"Correct {name}" in said


def test_demo_data_in_production_is_found(make_app: MakeApp, app: Flask) -> None:
    demo.load_demo()
    assert not list(inside.examine_demo_data())
    make_app(**PRODUCTION | {"SECRET_KEY": app.extensions["settings"].secret_key})
    (said,) = faults(inside.examine_demo_data())
    assert demo.DEMO_EMAIL in said


def test_lost_keys_are_found(make_app: MakeApp, alices: Belongings) -> None:
    assert not faults(inside.examine_keys())
    make_app(MAIL_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    (said,) = faults(inside.examine_keys())
    assert "letter" in said
    assert "Add the key" in said


def test_a_key_of_128_bits_is_found(make_app: MakeApp) -> None:
    make_app(MAIL_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    (said,) = [each for each in inside.examine_keys() if each.cure]
    assert "128 bits" in said.said
    assert "gcm:" in said.cure


@pytest.mark.one_database
def test_a_damaged_database_is_found_and_the_rest_still_examined(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.db").write_bytes(b"no database" * 1000)
    make_app(DATABASE_URL=f"sqlite:///{tmp_path}/shop.db")
    monkeypatch.setattr(examination, "OUTSIDE", (outside.examine_mail,))
    every = list(examination.examine())
    assert [each.subject for each in every if each.severity == Severity.FAULT] == ["Database"]
    assert every[-1].subject == "E-mail"


# --- The mail server -----------------------------------------------------------------------------


@pytest.mark.parametrize(("password", "is_right"), [("right%40", True), ("wrong", False)])
@pytest.mark.one_database
def test_the_doctor_signs_in_to_the_mail_server(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    password: str, is_right: bool,
) -> None:  # fmt: skip
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    box = Mailbox(starttls=certificate.context, users={"shop": "right@"})
    box.open()
    try:
        make_app(SMTP_URL=f"smtp+starttls://shop:{password}@localhost:{box.port}")
        said = faults(outside.examine_mail())
    finally:
        box.close()
    assert box.signed_in == (["shop"] if is_right else [])
    assert box.letters == []
    assert bool(said) != is_right
    if said:
        assert "Check host, port, user and password in SMTP_URL" in said[0]
        assert "wrong" not in said[0]


@pytest.mark.one_database
def test_a_mail_server_that_is_away_is_found(make_app: MakeApp) -> None:
    make_app(SMTP_URL="smtp://127.0.0.1:9")
    (said,) = faults(outside.examine_mail())
    assert "Connection refused" in said


# --- The site and its proxies --------------------------------------------------------------------


class Proxies:
    """So many proxies before a shop, as their own documentation has them."""

    def __init__(self, app: Flask, number: int, *, adds: bool = False, tls: bool = True) -> None:
        self._app, self._number, self._adds, self._tls = app, number, adds, tls

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        claimed = environ.pop("HTTP_X_FORWARDED_FOR", "")
        chain = [claimed] if claimed and (self._adds or not self._number) else []
        chain += ["198.51.100.7", "10.0.0.1", "10.0.0.2"][: self._number]
        if chain:
            environ["HTTP_X_FORWARDED_FOR"] = ", ".join(chain)
        environ["wsgi.url_scheme"] = "http"
        if self._tls:
            environ["HTTP_X_FORWARDED_PROTO"] = "https"
        environ["REMOTE_ADDR"] = "10.0.0.9"
        return self._app(environ, start_response)


def at_site(app: Any) -> list[str]:
    return faults(site.examine_site(httpx.Client(transport=httpx.WSGITransport(app=app))))


@pytest.mark.one_database
@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_as_many_proxies_as_are_trusted_are_sound(
    make_app: MakeApp, number: int, adds: bool
) -> None:
    app = make_app(**PRODUCTION | {"TRUSTED_PROXIES": str(number)})
    # The first proxy may add to what a client claims; the others always add.
    assert at_site(Proxies(app, number, adds=adds)) == []


@pytest.mark.one_database
@pytest.mark.parametrize(("number", "trusted"), [(1, "0"), (2, "1"), (1, "2"), (0, "1")])
def test_another_number_of_proxies_is_found(make_app: MakeApp, number: int, trusted: str) -> None:
    app = make_app(**PRODUCTION | {"TRUSTED_PROXIES": trusted})
    said = at_site(Proxies(app, number, adds=True))
    assert f"Set TRUSTED_PROXIES={number}." in said[0]


def test_a_proxy_that_was_not_counted_is_found_later(make_app: MakeApp) -> None:
    app = make_app(**PRODUCTION | {"TRUSTED_PROXIES": "0"})
    at_site(Proxies(app, 0))
    assert list(inside.examine_forwarding()) == []  # the doctor's own claim does not count
    app.test_client().get("/fr/order", headers={"X-Forwarded-For": "198.51.100.7"})
    (said,) = faults(inside.examine_forwarding())
    assert "Set TRUSTED_PROXIES" in said


@pytest.mark.one_database
def test_a_proxy_that_forgets_tls_is_found(make_app: MakeApp) -> None:
    app = make_app(**PRODUCTION | {"TRUSTED_PROXIES": "1"})
    said = at_site(Proxies(app, 1, tls=False))
    assert "X-Forwarded-Proto" in said[0]


@pytest.mark.one_database
def test_figures_that_are_not_hidden_are_found(make_app: MakeApp) -> None:
    app = make_app(**PRODUCTION)
    app.view_functions["monitoring.metrics"] = lambda: "shop_orders 7"
    said = " ".join(at_site(Proxies(app, 0)))
    assert "/metrics answers 200" in said


@pytest.mark.one_database
def test_another_shop_at_the_address_is_found(make_app: MakeApp) -> None:
    other = make_app(**PRODUCTION)

    def elsewhere(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        start_response("404 NOT FOUND", [])
        return [b""]

    assert "another SECRET_KEY" in at_site(elsewhere)[0]
    assert other.extensions["settings"].public_url == URL


@pytest.mark.one_database
def test_a_site_that_does_not_answer_is_found(make_app: MakeApp) -> None:
    make_app(PUBLIC_URL="http://127.0.0.1:9")
    (said,) = faults(site.examine_site())
    assert "http://127.0.0.1:9 cannot be reached" in said


# --- Bank, provider, registry, clock -------------------------------------------------------------


@pytest.fixture
def stripe(production: Flask) -> Iterator[StripeUnderTest]:
    with banks.serve_stripe() as served, gateways.gateway.using(served.gateway):
        yield served


def webhook(**changes: object) -> dict[str, object]:
    events = sorted(EVENTS)
    return {
        "id": "we_1", "object": "webhook_endpoint", "status": "enabled",
        "url": f"{URL}/notifications/bank", "enabled_events": events,
    } | changes  # fmt: skip


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("hooks", "words"),
    [
        ([webhook()], ""),
        ([webhook(enabled_events=["*"])], ""),
        ([], "notifies no one"),
        ([webhook(status="disabled")], "notifies no one"),
        ([webhook(url="https://old.example/notifications/bank")], "notifies no one"),
        ([webhook(enabled_events=sorted(SESSION_EVENTS))], "payment_intent.succeeded"),
    ],
)
def test_a_bank_that_notifies_no_one_is_found(
    stripe: StripeUnderTest, hooks: list[Any], words: str
) -> None:
    stripe.account.webhooks[:] = hooks
    said = faults(outside.examine_bank())
    assert words in " ".join(said)
    assert bool(said) == bool(words)


@pytest.mark.one_database
def test_a_bank_that_does_not_know_the_shop_is_found(production: Flask) -> None:
    with banks.serve_stripe() as served:
        client = connect("sk_test_of_another", base_addresses={"api": served.faults.url})
        stranger = StripeGateway("sk_test_of_another", "whsec_of_another", client)
        with gateways.gateway.using(stranger):
            (said,) = faults(outside.examine_bank())
    assert "Check STRIPE_API_KEY" in said


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("forbidden", "words"),
    [
        ({"payouts"}, "may not read payouts:"),
        ({"balance_transactions"}, "may not read balance transactions:"),
        ({"payouts", "balance_transactions"}, "may not read payouts and balance transactions:"),
    ],
)
def test_a_key_that_may_not_read_payouts_is_found(
    stripe: StripeUnderTest, forbidden: set[str], words: str
) -> None:
    stripe.account.webhooks[:] = [webhook()]
    assert faults(outside.examine_bank()) == []
    stripe.account.forbidden |= forbidden
    (said,) = faults(outside.examine_bank())
    assert words in said
    assert "Let the restricted key read Payouts and Balance" in said


@pytest.fixture
def graph(make_app: MakeApp, tmp_path: Path) -> Iterator[GraphUnderTest]:
    make_app(**PRODUCTION | {"OFFICE_DOMAIN": ROOT})
    with (
        offices.serve_graph(make_certificate(tmp_path)) as served,
        configured.provider.using(served.adapter()),
    ):
        yield served


@pytest.mark.one_database
def test_a_sound_directory_has_nothing_wrong(graph: GraphUnderTest) -> None:
    assert found(outside.examine_provider()) == []


@pytest.mark.one_database
def test_a_missing_permission_is_found(graph: GraphUnderTest) -> None:
    graph.server.permissions.discard("User.ReadWrite.All")
    (said,) = faults(outside.examine_provider())
    assert "lacks User.ReadWrite.All" in said


@pytest.mark.one_database
def test_sign_ins_that_microsoft_does_not_tell_are_a_warning(graph: GraphUnderTest) -> None:
    graph.server.permissions.discard("AuditLog.Read.All")
    ((severity, said),) = found(outside.examine_provider())
    assert severity == "warning"
    assert "stays unknown: Insufficient privileges. Grant AuditLog.Read.All" in said
    graph.server.permissions.add("AuditLog.Read.All")
    graph.server.directory.is_premium = False
    ((severity, said),) = found(outside.examine_provider())
    assert severity == "warning"
    assert "premium license" in said
    assert "needs a premium licence, too" in said


@pytest.mark.one_database
@pytest.mark.parametrize(("left", "severity"), [(0, "fault"), (5, "warning")])
def test_licences_that_run_out_are_found(graph: GraphUnderTest, left: int, severity: str) -> None:
    graph.server.directory.stock[PRODUCTS["business"]] = left
    assert found(outside.examine_provider()) == [
        (severity, f"{left} licences of O365_BUSINESS are left. Buy more of them.")
    ]


@pytest.mark.one_database
def test_a_domain_that_is_not_verified_is_found(make_app: MakeApp, graph: GraphUnderTest) -> None:
    make_app(**PRODUCTION | {"OFFICE_DOMAIN": "unknown.example"})
    (said,) = faults(outside.examine_provider())
    assert "correct OFFICE_DOMAIN" in said


@pytest.mark.one_database
def test_an_expired_secret_is_found(graph: GraphUnderTest) -> None:
    with configured.provider.using(graph.adapter(client_secret="expired")):
        (said,) = faults(outside.examine_provider())
    assert "GRAPH_CLIENT_SECRET, which expires" in said


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("answer", "number"), [(Answer.CONFIRMED, 0), (Answer.UNKNOWN, 1), (Answer.UNAVAILABLE, 1)]
)
def test_a_silent_registry_is_found(production: Flask, answer: Answer, number: int) -> None:
    class Registry:
        def check(self, vat_number: str) -> Consultation:
            assert vat_number == PRODUCTION["SELLER_VAT_NUMBER"] != Seller().vat_number
            return Consultation(answer)

    with registry.registry.using(Registry()):
        assert len(found(outside.examine_vat_registry())) == number


@pytest.mark.parametrize(("seconds", "is_wrong"), [(0, False), (-3, False), (90, True)])
def test_a_clock_that_is_off_is_found(
    production: Flask, monkeypatch: pytest.MonkeyPatch, seconds: int, is_wrong: bool
) -> None:
    def head(url: str, timeout: float) -> httpx.Response:
        said = datetime.now(UTC) - timedelta(seconds=seconds)
        return httpx.Response(200, headers={"Date": f"{said:%a, %d %b %Y %H:%M:%S} GMT"})

    monkeypatch.setattr(httpx, "head", head)
    said = faults(outside.examine_clock())
    assert len(said) == (2 if is_wrong else 0)
    assert all("chrony" in each for each in said)


# --- The command ---------------------------------------------------------------------------------


@pytest.mark.one_database
def test_the_command_says_what_to_do_and_fails_with_a_fault(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Finding(Severity.FAULT, "Soup", "It is cold.", "Warm it.")
    monkeypatch.setattr(examination, "OUTSIDE", (lambda: iter([wrong]),))
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 1
    assert "fault    Soup         It is cold.\n" in result.output
    assert "→ Warm it.\n" in result.output
    assert "1 fault(s)." in result.output


def test_the_version_is_said_with_its_migrations(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["version"])
    assert result.exit_code == 0
    assert "Office storefront 1." in result.output
    assert "is up to date." in result.output
    assert Account.select().count() == 0
