"""Production: required settings, trusted proxies, and the host in the links of e-mails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask, request

from models import Account, Letter
from sandbox.settings import SandboxSettings
from shop import mail
from shop.jobs import queue
from shop.payments import payments
from shop.settings import (
    DEVELOPMENT_BANK_KEY,
    DEVELOPMENT_NOTIFICATION_SECRET,
    DEVELOPMENT_PROVIDER_KEY,
    DEVELOPMENT_SECRET,
    Settings,
    SettingsError,
)
from tests.conftest import ENVIRONMENT, PRODUCTION
from tests.support import letters, purchases
from tests.support.client import browser
from tests.support.parties import Bank
from web import auth
from web.urls import base_url

MakeApp = Callable[..., Flask]

SOUND = ENVIRONMENT | PRODUCTION

NEEDED = [
    "SECRET_KEY", "MAIL_ENCRYPTION_KEYS", "PUBLIC_URL", "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET", "GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET",
    "SMTP_URL", "TRUSTED_PROXIES", "SELLER_NAME", "SELLER_LEGAL_FORM", "SELLER_SIREN",
    "SELLER_VAT_NUMBER", "SELLER_STREET", "SELLER_POSTCODE", "SELLER_CITY", "SELLER_EMAIL",
    "SELLER_PHONE", "SELLER_REGISTER", "SELLER_DIRECTOR", "SELLER_HOST", "SELLER_MEDIATOR",
    "SELLER_MEDIATOR_URL",
]  # fmt: skip


def started(**changes: str) -> Settings:
    return Settings.from_environment(SOUND | changes)


# --- Required settings ---------------------------------------------------------------------------


def test_a_sound_production_starts() -> None:
    settings = started()
    assert settings.production
    assert not settings.uses_sandbox


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("a-secret-in-a-file-that-nobody-else-uses\n")
    settings = started(SECRET_KEY="", SECRET_KEY_FILE=str(file))
    assert settings.secret_key == "a-secret-in-a-file-that-nobody-else-uses"
    file.write_text("short\n")
    with pytest.raises(SettingsError, match="SECRET_KEY must be set"):
        started(SECRET_KEY="", SECRET_KEY_FILE=str(file))


def test_a_secret_in_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "binary"):
        with pytest.raises(SettingsError, match="SECRET_KEY_FILE cannot be read"):
            started(SECRET_KEY="", SECRET_KEY_FILE=str(path))


def test_a_setting_is_given_once(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x" * 40)
    with pytest.raises(SettingsError, match="cannot both be set"):
        started(SECRET_KEY_FILE=str(tmp_path / "key"))


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", ["", "   "])
def test_it_does_not_start_without(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        started(**{name: value})


@pytest.mark.parametrize("name", NEEDED)
def test_control_a_development_machine_needs_no_settings(name: str) -> None:
    Settings.from_environment({key: value for key, value in ENVIRONMENT.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", DEVELOPMENT_SECRET),
        ("SECRET_KEY", "short"),
        ("PUBLIC_URL", "http://shop.example"),
        ("PUBLIC_URL", "shop.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://shop.example:port"),
        ("PUBLIC_URL", "https://shop.example/store"),
        ("PUBLIC_URL", "https://shop.example?a=b"),
        ("PUBLIC_URL", "https://staff@shop.example"),
        ("MAIL_ENCRYPTION_KEYS", "no key at all"),
        ("RATE_LIMITS", "off"),
        ("SHOP_ENV", "prod"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "many"),
        ("ARGON2_PASSES", "0"),
        ("PORT", "70000"),
        ("SELLER_NAME", "Nuage & Cie"),
        ("SELLER_SIREN", "732829320"),
        ("SELLER_VAT_NUMBER", "FR44732829320"),
        ("SELLER_EMAIL", "facturation@example.com"),
        ("SELLER_PHONE", "+33 3 99 00 12 34"),
        ("SELLER_MEDIATOR_URL", "https://mediation.example/"),
        ("SELLER_MEDIATOR_URL", "mediator.example"),
        ("SMTP_URL", "smtp://mail.example"),
        ("DATABASE_URL", "postgresql://shop:secret@db.example/shop"),
        ("DATABASE_URL", "postgresql://shop:secret@db.example/shop?sslmode=prefer"),
        ("DATABASE_URL", "postgresql://shop:secret@db.example/shop?sslmode=require"),
        ("REDIS_URL", "rediss://redis.example/0?ssl_cert_reqs=none"),
        ("MAIL_ENCRYPTION_KEYS", "gcm:c2hvcnQ="),
        ("DATABASE_URL", "postgresql:///shop?host=/run/postgresql,db.example"),
        ("DATABASE_URL", "postgresql://shop@10.0.0.2/shop"),
        ("REDIS_URL", "redis://redis.example/0"),
    ],
)
def test_it_does_not_start_with(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        started(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "smtps://user:secret@mail.example"),
        ("SMTP_URL", "smtp+starttls://mail.example"),
        ("SMTP_URL", "smtp://mail.example?starttls"),
        ("SMTP_URL", "smtp://localhost"),
        ("SMTP_URL", "smtp://[::1]:2525"),
        ("DATABASE_URL", "postgresql://shop:secret@db.example/shop?sslmode=verify-ca"),
        ("DATABASE_URL", "postgresql://shop:secret@db.example/shop?sslmode=verify-full"),
        ("DATABASE_URL", "postgresql://shop@127.0.0.1/shop"),
        ("DATABASE_URL", "postgresql://shop@/shop?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql://shop@%2Frun%2Fpostgresql/shop"),
        ("DATABASE_URL", "sqlite:////var/lib/shop/shop.db"),
        ("REDIS_URL", "rediss://redis.example/0"),
        ("REDIS_URL", "redis://localhost"),
        ("REDIS_URL", "redis+unix:///run/redis/redis.sock"),
    ],
)
def test_it_starts_with_what_is_encrypted_or_stays_on_the_machine(name: str, value: str) -> None:
    started(**{name: value})


REAL_PARTIES = [
    {"STRIPE_API_KEY": "sk_live_of_nobody", "STRIPE_WEBHOOK_SECRET": "whsec_of_nobody"},
    {"GRAPH_CLIENT_ID": "client", "GRAPH_TENANT_ID": "tenant", "GRAPH_CLIENT_SECRET": "secret"},
    {"SMTP_URL": "smtps://mail.example"},
]

OWN_SECRETS = {
    "SECRET_KEY": ENVIRONMENT["SECRET_KEY"],
    "SANDBOX_BANK_KEY": "a bank key of our own",
    "SANDBOX_PROVIDER_KEY": "a provider key of our own",
    "SANDBOX_NOTIFICATION_SECRET": "a notification secret of our own",
}


@pytest.mark.parametrize("real", REAL_PARTIES)
def test_a_developers_secrets_are_refused_beside_any_real_party(real: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"SECRET_KEY, .*SANDBOX_NOTIFICATION_SECRET must be"):
        Settings.from_environment(real)
    Settings.from_environment(real | OWN_SECRETS)


@pytest.mark.parametrize("name", sorted(OWN_SECRETS))
def test_each_of_a_developers_secrets_is_refused_alone(name: str) -> None:
    others = {key: value for key, value in OWN_SECRETS.items() if key != name}
    with pytest.raises(SettingsError, match=f"{name} must be set"):
        Settings.from_environment({"SMTP_URL": "smtps://mail.example"} | others)


def test_a_real_bank_needs_no_secret_of_the_sandboxs_bank() -> None:
    others = {key: value for key, value in OWN_SECRETS.items() if key != "SANDBOX_BANK_KEY"}
    Settings.from_environment(REAL_PARTIES[0] | others)


def test_control_a_local_mail_server_is_not_a_real_party() -> None:
    Settings.from_environment({"SMTP_URL": "smtp://localhost:1025"})


def test_demo_data_is_refused_in_production(production: Flask) -> None:
    result = production.test_cli_runner().invoke(args=["demo", "load"])
    assert result.exit_code == 1
    assert "demo data" in result.output
    assert not Account.select().exists()


# --- Hosts and ports -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "shop", "sandbox"),
    [
        ("127.0.0.1", "http://localhost:5000", "http://127.0.0.1:5001"),
        ("::1", "http://localhost:5000", "http://[::1]:5001"),
        ("fd00::7", "http://[fd00::7]:5000", "http://[fd00::7]:5001"),
        ("shop.example", "http://shop.example:5000", "http://shop.example:5001"),
    ],
)
def test_shop_and_sandbox_agree_where_they_listen(host: str, shop: str, sandbox: str) -> None:
    settings = Settings.from_environment({"HOST": host})
    its_own = SandboxSettings.from_environment({"HOST": host})
    assert (settings.public_url, settings.sandbox_url) == (shop, sandbox)
    assert (its_own.shop_url, its_own.url) == (shop, sandbox)


def test_the_highest_port_leaves_none_for_the_sandbox() -> None:
    settings = Settings.from_environment({"PORT": "65535"})
    assert (
        settings.sandbox_port == SandboxSettings.from_environment({"PORT": "65535"}).port == 65534
    )


def test_shop_and_sandbox_cannot_share_a_port() -> None:
    with pytest.raises(SettingsError, match="SANDBOX_PORT must differ"):
        Settings.from_environment({"PORT": "5001", "SANDBOX_PORT": "5001"})


@pytest.mark.parametrize(
    ("memory", "passes"), [("8", "1"), ("19456", "1"), ("4096", "10"), ("8", "100")]
)
def test_it_does_not_start_with_passwords_hashed_too_cheaply(memory: str, passes: str) -> None:
    with pytest.raises(SettingsError, match="ARGON2_MEMORY_KIB"):
        started(ARGON2_MEMORY_KIB=memory, ARGON2_PASSES=passes)


@pytest.mark.parametrize(("memory", "passes"), [("19456", "2"), ("7168", "5"), ("47104", "1")])
def test_it_starts_with_what_owasp_recommends(memory: str, passes: str) -> None:
    started(ARGON2_MEMORY_KIB=memory, ARGON2_PASSES=passes)


def test_every_reason_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        started(SECRET_KEY="", STRIPE_API_KEY="", PUBLIC_URL="")
    for name in ("SECRET_KEY", "STRIPE_API_KEY", "PUBLIC_URL"):
        assert name in str(refused.value)


def test_the_reason_tells_no_secret() -> None:
    with pytest.raises(SettingsError) as refused:
        started(SECRET_KEY="hunter2", MAIL_ENCRYPTION_KEYS="hunter3", STRIPE_API_KEY="")
    assert "hunter" not in str(refused.value)


def test_secrets_of_the_sandbox_open_nothing_in_production(production: Flask) -> None:
    known = {DEVELOPMENT_BANK_KEY, DEVELOPMENT_PROVIDER_KEY, DEVELOPMENT_NOTIFICATION_SECRET}
    settings = production.extensions["settings"]
    assert not settings.uses_sandbox_bank
    assert not settings.uses_sandbox_provider
    assert production.config["SECRET_KEY"] not in known | {DEVELOPMENT_SECRET}


def test_letters_are_not_sealed_with_a_key_made_from_another_secret() -> None:
    assert started().mail_encryption_keys == (PRODUCTION["MAIL_ENCRYPTION_KEYS"],)


def test_a_fault_shows_no_debugger(production: Flask) -> None:
    assert not production.debug
    assert not production.config["TEMPLATES_AUTO_RELOAD"]


# --- Trusted proxies -----------------------------------------------------------------------------

CHAIN = "198.51.100.1, 198.51.100.2, 198.51.100.3"
"""A forwarded-for header: the client's claim, then what two proxies added."""


@pytest.mark.parametrize(
    ("proxies", "address"),
    [
        ("0", "127.0.0.1"),
        ("1", "198.51.100.3"),
        ("2", "198.51.100.2"),
        ("3", "198.51.100.1"),
        ("4", "127.0.0.1"),
    ],
)
def test_as_many_proxies_are_believed_as_there_are(
    make_app: MakeApp, proxies: str, address: str
) -> None:
    app = make_app(TRUSTED_PROXIES=proxies)
    seen = []
    app.before_request_funcs.setdefault(None, []).append(lambda: seen.append(auth.ip_address()))
    browser(app).get("/healthz", headers={"X-Forwarded-For": CHAIN})
    assert seen == [address]


def test_a_limit_cannot_be_avoided_by_forged_client_addresses(
    make_app: MakeApp, app: Flask
) -> None:
    client = browser(make_app(RATE_LIMITS="on", TRUSTED_PROXIES="1"))
    token = client.csrf_token()
    answers = [
        client.post(
            "/login",
            data={"nic_handle": f"zz{n:05d}-ovh", "password": "wrong", "csrf_token": token},
            headers={"X-Forwarded-For": f"203.0.113.{n}, 198.51.100.7"},
        ).status_code
        for n in range(62)
    ]
    assert answers == [422] * 60 + [429] * 2


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200), ("10.0.0.7", 200), ("::1", 200), ("::ffff:192.168.1.7", 200),
        ("8.8.8.8", 404), ("::ffff:8.8.8.8", 404), ("2a00:1450::1", 404), ("", 404),
    ],
)  # fmt: skip
def test_metrics_are_served_to_the_local_network_only(
    app: Flask, address: str, status: int
) -> None:
    client = browser(app)
    client.environ_base["REMOTE_ADDR"] = address
    assert client.get("/metrics").status_code == status


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_metrics_are_not_served_through_a_proxy(make_app: MakeApp, proxies: str) -> None:
    client = browser(make_app(TRUSTED_PROXIES=proxies))
    client.environ_base["REMOTE_ADDR"] = "10.0.0.7"
    for claimed in ("8.8.8.8", "10.0.0.8", "127.0.0.1"):
        response = client.get("/metrics", headers={"X-Forwarded-For": claimed})
        assert response.status_code == 404


@pytest.mark.parametrize(
    ("proxies", "proto", "is_secure"), [("0", "https", False), ("1", "https", True)]
)
def test_tls_is_believed_of_proxies_alone(
    make_app: MakeApp, proxies: str, proto: str, is_secure: bool
) -> None:
    app = make_app(TRUSTED_PROXIES=proxies)
    seen = []
    app.before_request_funcs.setdefault(None, []).append(lambda: seen.append(request.is_secure))
    browser(app).get("/healthz", headers={"X-Forwarded-Proto": proto})
    assert seen == [is_secure]


# --- The host of links ---------------------------------------------------------------------------

FORGED = [
    ("0", "shop.example:4711", {}),
    ("0", "shop.example", {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}),
    ("1", "shop.example", {"X-Forwarded-Port": "4711", "X-Forwarded-Proto": "https"}),
    ("1", "evil.example", {"X-Forwarded-Host": "shop.example", "X-Forwarded-Proto": "https"}),
]
"""The number of trusted proxies, the Host header, and further forged headers."""


@pytest.mark.parametrize(("proxies", "host", "claimed"), FORGED)
def test_a_forged_host_reaches_no_letter(
    make_app: MakeApp, alice: Account, proxies: str, host: str, claimed: dict[str, str]
) -> None:
    client = browser(make_app(**PRODUCTION | {"TRUSTED_PROXIES": proxies}))
    base = f"https://{host}"
    page = client.get("/fr/password", base_url=base, headers=claimed)
    seen = urlsplit(page.request.url).netloc
    if proxies == "1":
        seen = claimed.get("X-Forwarded-Host") or seen.partition(":")[0] + ":4711"
    assert page.status_code == 200
    answer = client.post(
        "/fr/password",
        base_url=base,
        data={"identifier": alice.nic_handle, "csrf_token": client.token_in(page)},
        headers=claimed | {"Referer": f"https://{seen}/fr/password"},
    )
    assert answer.status_code == 200
    queue.drain()
    html = mail.html_of(letters.the(alice, "password_reset"))
    assert letters.links(html)
    assert all(link.startswith("https://shop.example/") for link in letters.links(html))


REFUSED = [
    ("0", "evil.example", {}),
    ("1", "shop.example", {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}),
    ("1", "evil.example", {"X-Forwarded-Port": "4711", "X-Forwarded-Proto": "https"}),
]


@pytest.mark.parametrize(("proxies", "host", "claimed"), REFUSED)
def test_another_host_is_refused_and_sends_no_letter(
    make_app: MakeApp, alice: Account, proxies: str, host: str, claimed: dict[str, str]
) -> None:
    client = browser(make_app(**PRODUCTION | {"TRUSTED_PROXIES": proxies}))
    base = f"https://{host}"
    form = {"identifier": alice.nic_handle}
    assert client.get("/fr/password", base_url=base, headers=claimed).status_code == 421
    assert client.post("/fr/password", base_url=base, data=form, headers=claimed).status_code == 421
    assert not Letter.select().where(Letter.kind == "password_reset").exists()


def test_a_forged_host_reaches_neither_the_bank_nor_a_redirect(
    make_app: MakeApp, bank: Bank, alice: Account
) -> None:
    client = browser(make_app(**PRODUCTION))
    order = purchases.place(alice)
    headers = {"Host": "evil.example"}
    assert client.get("/manager/web").location == "/login?next=/manager/web"
    assert client.get("/manager/web", headers=headers).status_code == 421
    with client.application.test_request_context(headers=headers):
        payment = payments.start_payment(order, store_card=False, base_url=base_url(), by="alice")
    asked = bank.requests[payment.checkout]
    assert asked.return_url.startswith("https://shop.example/")
    assert asked.notification_url.startswith("https://shop.example/")


def test_a_developers_machine_keeps_the_name_its_browser_used(app: Flask) -> None:
    with app.test_request_context(base_url="http://127.0.0.1:5000"):
        assert base_url() == "http://127.0.0.1:5000"
