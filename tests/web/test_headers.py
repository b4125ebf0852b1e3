"""The headers and cookies of every response."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from models import Account
from tests.support.belongings import Belongings, filled
from tests.support.client import LETTER_STYLES, CheckingClient, browser
from tests.support.visitor import Visitor
from tests.whole.test_routes import AUDIENCES

pytestmark = pytest.mark.one_database

MakeApp = Callable[..., Flask]

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

POLICY = "Content-Security-Policy"

HTMX = "https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist/htmx.min.js"


def policy_of(response: TestResponse) -> dict[str, list[str]]:
    """Return the Content-Security-Policy by directive."""
    directives = (part.split() for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in directives}


WALKED: dict[Flask, list[TestResponse]] = {}
"""The responses of `answers`, which the tests of this module only read."""


def answers(app: Flask, alices: Belongings) -> list[TestResponse]:
    """Return a response of every kind: pages, partials, files, redirects, machines, errors."""
    if app not in WALKED:
        WALKED[app] = list(walked(app, alices))
    return WALKED[app]


def walked(app: Flask, alices: Belongings) -> Iterator[TestResponse]:
    client = browser(app)
    Visitor(client).log_in(alices.account)
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and AUDIENCES[rule.endpoint] != "by secret":
            yield client.get(alices.address(rule))
    yield client.get("/nowhere")
    yield client.get("/logout")
    yield client.post("/logout")
    yield client.head("/fr/")
    yield client.options("/fr/order")


def test_every_answer_carries_the_headers(app: Flask, alices: Belongings) -> None:
    for response in answers(app, alices):
        is_letter = LETTER_STYLES in response.headers["Content-Security-Policy"]
        for name, value in EVERYWHERE.items():
            expected = "SAMEORIGIN" if is_letter and name == "X-Frame-Options" else value
            assert response.headers.get(name) == expected, f"{name} of {response.request.path}"
        assert "Strict-Transport-Security" not in response.headers


def test_no_policy_lets_anything_unsafe_in(app: Flask, alices: Belongings) -> None:
    for response in answers(app, alices):
        policy = policy_of(response)
        for directive in ("default-src", "object-src", "base-uri"):
            assert policy[directive] == ["'none'"], f"{directive} of {response.request.path}"
        assert "frame-ancestors" in policy
        sources = {source for directive in policy.values() for source in directive}
        if "sandbox" in policy:
            # An e-mail's own styles, in a frame without scripts.
            assert policy["sandbox"] == ["allow-popups", "allow-popups-to-escape-sandbox"]
            sources -= {"'unsafe-inline'"}
            assert "script-src" not in policy
        assert not [source for source in sources if "unsafe" in source or "*" in source]


def test_a_page_runs_our_scripts_and_one_pinned_file(client: CheckingClient) -> None:
    policy = policy_of(client.get("/fr/"))
    scripts = policy["script-src"]
    assert scripts == ["'self'", HTMX]
    assert policy["style-src"] == ["'self'"]
    assert policy["form-action"] == ["'self'", "http://127.0.0.1:5001"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]


def test_every_text_names_its_character_encoding(app: Flask, alices: Belongings) -> None:
    kinds = {response.headers.get("Content-Type", "") for response in answers(app, alices)}
    client = browser(app)
    kinds |= {
        client.get(f"/static/{name}").headers["Content-Type"]
        for name in ("js/shop.js", "css/base.css", "icons/sprite.svg")
    }
    texts = {
        kind for kind in kinds if kind.startswith("text/") or kind.split(";")[0][-4:] == "+xml"
    }
    assert len(texts) > 4
    assert not [
        kind for kind in texts if not kind.lower().replace('"', "").endswith("; charset=utf-8")
    ]


def test_no_answer_is_for_other_origins(app: Flask, alices: Belongings) -> None:
    for response in answers(app, alices):
        assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]


def test_passwords_are_typed_into_fields_for_them(client: CheckingClient, alice: Account) -> None:
    public = ["/login", "/fr/order/identification", "/fr/order/account"]
    own = ["/manager/account/password", "/manager/account/confirmation"]
    found = 0
    for number, path in enumerate([*public, *own]):
        if number == len(public):
            Visitor(client).log_in(alice)
        fields = re.findall(
            r'<input[^>]*name="[a-z_]*password[a-z_]*"[^>]*>', client.get(path).text
        )
        assert fields, path
        found += len(fields)
        for field in fields:
            assert 'type="password"' in field
            assert re.search(r'autocomplete="(current|new)-password"', field)
            assert "onpaste" not in field
            assert "maxlength" not in field
    assert found == 8


def test_every_page_of_a_customer_can_be_left(app: Flask, alices: Belongings) -> None:
    pages = [
        response
        for response in answers(app, alices)
        if response.request.path.startswith("/manager/") and response.status_code == 200
        if response.mimetype == "text/html" and LETTER_STYLES not in response.headers[POLICY]
        if "<html" in response.text
    ]
    assert len(pages) > 20
    for page in pages:
        assert 'action="/logout"' in page.text, page.request.path


def test_the_first_of_several_values_counts(client: CheckingClient) -> None:
    page = client.get("/fr/order?business=3&business=7").text
    assert re.search(r'<input[^>]*name="business"[^>]*value="3"', page)
    assert not re.search(r'<input[^>]*name="business"[^>]*value="7"', page)


def test_methods_that_no_page_has_are_refused(client: CheckingClient) -> None:
    for method in ("TRACE", "CONNECT", "PUT", "DELETE"):
        for path in ("/fr/", "/login", "/healthz", "/static/js/shop.js"):
            assert client.open(path, method=method).status_code in {404, 405}, f"{method} {path}"


def test_only_public_pages_and_files_are_cached(app: Flask, alices: Belongings) -> None:
    client = browser(app)
    assert "max-age=3600" in client.get("/static/js/shop.js").headers["Cache-Control"]
    assert "max-age=0" in client.get("/fr/order").headers["Cache-Control"]
    cached = [
        response.request.path
        for response in answers(app, alices)
        if response.headers.get("Cache-Control") != "no-store"
        and not response.request.path.startswith("/static/")
    ]
    assert not cached, "alice has a session"


def test_files_are_served_as_what_they_are(client: CheckingClient) -> None:
    response = client.get("/static/js/shop.js")
    assert response.mimetype == "text/javascript"
    assert "Access-Control-Allow-Origin" not in response.headers
    for address in ("/static/", "/static/../app.py", "/static/%2e%2e/app.py", "/static/%00"):
        assert client.get(address).status_code in {400, 404}


def cookies_of(response: TestResponse) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for header in response.headers.getlist("Set-Cookie"):
        for name, cookie in SimpleCookie(header).items():
            found[name] = {key: str(value) for key, value in cookie.items()}
    return found


def test_cookies_are_hidden_from_scripts_and_other_sites(client: CheckingClient) -> None:
    cookies = cookies_of(client.get("/fr/")) | cookies_of(client.get("/login"))
    assert set(cookies) == {"language", "shop_session"}
    for cookie in cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]
        assert not cookie["secure"]


def test_behind_tls_cookies_and_browsers_stay_there(production: Flask) -> None:
    client = browser(production)
    first, second = client.get("/fr/"), client.get("/login")
    cookies = cookies_of(first) | cookies_of(second)
    assert set(cookies) == {"__Host-language", "__Host-shop_session"}
    assert all(cookie["path"] == "/" and not cookie["domain"] for cookie in cookies.values())
    assert all(cookie["secure"] for cookie in cookies.values())
    for response in (first, second, client.get("/static/js/shop.js"), client.get("/nowhere")):
        hsts = response.headers["Strict-Transport-Security"]
        assert hsts == "max-age=31536000; includeSubDomains"
    assert policy_of(first)["form-action"] == ["'self'", "https://checkout.stripe.com"]


def test_a_session_cookie_names_no_customer(client: CheckingClient, alice: Account) -> None:
    Visitor(client).log_in(alice)
    with client.session_transaction() as session:
        kept = str(dict(session))
    for known in (alice.nic_handle, alice.email, alice.last_name):
        assert known not in kept


def test_the_letter_page_alone_frames_anything(app: Flask, alices: Belongings) -> None:
    client = browser(app)
    Visitor(client).log_in(alices.account)
    address = filled("/manager/account/emails/<int:letter_id>/html", alices._owned)
    assert policy_of(client.get(address))["frame-ancestors"] == ["'self'"]
    assert policy_of(client.get("/manager/web"))["frame-ancestors"] == ["'none'"]
