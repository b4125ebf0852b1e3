"""Public pages kept for every visitor without a session: rendered once, current, nobody's."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import brotli
import flask
import peewee
import pytest
import time_machine
from flask import Flask
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from models import Account, Contract, Offer, Price
from shop import clock as shop_clock
from shop import database as shop_database
from shop.database import KeptPostgresql
from shop.subscriptions import price_changes
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor
from web import shared_pages

SHARED = [
    "/fr/",
    "/en/",
    "/fr/office-365-business",
    "/en/office-365-pro-plus",
    "/fr/order",
    "/en/order?offer=business",
    "/fr/order?offer=pro_plus",
    "/en/help",
    "/en/contracts/general_terms/1",
    "/fr/contracts/privacy_notice/1",
    "/en/legal-notice",
    "/fr/mediation",
    "/en/contact",
]


@pytest.fixture
def renderings() -> Iterator[list[str]]:
    """The templates rendered from now on."""
    found: list[str] = []

    def note(_app: Flask, template: object, **_: object) -> None:
        found.append(template.name)

    with flask.template_rendered.connected_to(note):
        yield found


def visit(app: Flask, path: str, **headers: str) -> TestResponse:
    """Open a page in a new browser."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client = browser(app)
    client.reads_pages = "Accept-Encoding" not in named
    response = client.get(path, headers=named)
    assert response.status_code in {200, 304}, response.status
    return response


@pytest.mark.one_database
@pytest.mark.parametrize("path", SHARED)
def test_a_public_page_is_rendered_once_and_names_nobody(
    app: Flask, renderings: list[str], path: str
) -> None:
    first, second = visit(app, path), visit(app, path)
    assert len(renderings) == 1
    assert second.text == first.text
    for response in (first, second):
        assert response.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert {"cookie", "accept-encoding"} <= {each.lower() for each in response.vary}
        assert response.headers["ETag"] == first.headers["ETag"]
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "shop_session" not in response.headers.get("Set-Cookie", "")
        assert len(response.headers["X-Request-Id"]) == 8
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert not re.search("csrf|nonce|[xX]-CSRFToken", second.text)
    assert set(dict(first.headers)) == set(dict(second.headers))


@pytest.mark.one_database
def test_each_content_coding_has_its_body_and_its_tag(app: Flask) -> None:
    plain = visit(app, "/fr/").data
    packed = {
        "br": (brotli.decompress, "gzip, deflate, br, zstd"),
        "gzip": (gzip.decompress, "gzip, deflate"),
        "": (bytes, "br;q=0, identity"),
    }
    tags = set()
    for coding, (unpacked, accepted) in packed.items():
        response = visit(app, "/fr/", Accept_Encoding=accepted)
        assert response.headers.get("Content-Encoding", "") == coding
        assert unpacked(response.data) == plain
        assert int(response.headers["Content-Length"]) == len(response.data)
        tags.add(response.headers["ETag"])
        tag = response.headers["ETag"]
        again = visit(app, "/fr/", Accept_Encoding=accepted, If_None_Match=f'"x", W/{tag}')
        assert (again.status_code, again.data) == (304, b"")
    assert len(tags) == 3


@pytest.mark.one_database
def test_a_copy_that_is_right_is_not_sent_again(app: Flask) -> None:
    tag = visit(app, "/fr/order").headers["ETag"]
    again = visit(app, "/fr/order", If_None_Match=tag)
    assert (again.status_code, again.data) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary", "X-Content-Type-Options"):
        assert again.headers[name]
    assert browser(app).head("/fr/order").headers["ETag"] == tag


def a_price() -> None:
    Price.update(amount_cents=4321).where(Price.offer == "business").execute()


def a_name() -> None:
    Offer.update(name="Office 43.21 43,21").where(Offer.code == "business").execute()


@pytest.mark.parametrize("change", [a_price, a_name])
@pytest.mark.parametrize(
    "path", ["/fr/", "/fr/office-365-business", "/fr/order?offer=business", "/fr/help"]
)
def test_a_change_shows_at_once(app: Flask, path: str, change: Callable[[], None]) -> None:
    before = visit(app, path)
    change()
    after = visit(app, path, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert "43,21" in after.text
    assert "43,21" not in before.text


@pytest.mark.one_database
def test_every_public_page_names_an_offer_as_it_is_now(app: Flask) -> None:
    pages = [*SHARED, "/fr/order/summary?business=2&pro_plus=1", "/sitemap.xml"]
    assert all("business" in visit(app, path).text.lower() for path in pages)
    Offer.update(name="Office 43").where(Offer.code == "business").execute()
    for path in pages:
        assert "Office 365 Business" not in visit(app, path).text, path
    Offer.update(on_sale_until=shop_clock.today()).where(Offer.code == "business").execute()
    client = browser(app)
    named = {path for path in pages if "office-365-business" in client.get(path).text}
    # Its own page stays, and the help of Office Attach says that it cannot be started.
    assert named == {"/fr/office-365-business", "/en/help"}
    assert "Office 43 is no longer on sale" in visit(app, "/en/help").text


def test_every_process_learns_of_a_change(
    app: Flask, make_app: Callable[..., Flask], renderings: list[str]
) -> None:
    processes = [app, make_app()]
    for process in processes:
        assert "43,21" not in visit(process, "/fr/order").text
    a_price()
    for process in processes:
        assert "43,21" in visit(process, "/fr/order").text
    assert len(renderings) == 4


@pytest.mark.one_database
def test_a_price_set_beforehand_shows_when_it_begins(
    app: Flask, clock: time_machine.Traveller
) -> None:
    price_changes.change_price("business", 4321, shop_clock.now() + timedelta(hours=2))
    assert "43,21" not in visit(app, "/fr/").text
    clock.shift(timedelta(hours=2))
    assert "43,21" in visit(app, "/fr/").text


@pytest.mark.one_database
def test_a_text_to_come_is_announced_at_once(app: Flask) -> None:
    address = "/fr/contracts/general_terms/1"
    assert "general_terms/99" not in visit(app, address).text
    for language in ("fr", "en"):
        Contract.create(
            kind="general_terms", version=99, language=language, title="t", body="b", digest="d",
            published_at=shop_clock.now(), applies_on=shop_clock.today() + timedelta(days=1),
        )  # fmt: skip
    assert "general_terms/99" in visit(app, address).text


@pytest.mark.one_database
def test_whoever_has_a_session_gets_a_page_of_their_own(app: Flask, alice: Account) -> None:
    visitor = Visitor(browser(app))
    visitor.log_in(alice)
    for path in SHARED:
        shared = visit(app, path)
        own = visitor.client.get(path)
        assert alice.nic_handle in own.text
        assert own.headers["Cache-Control"] == "no-store"
        assert "ETag" not in own.headers
        assert visit(app, path).text == shared.text
        assert alice.nic_handle not in shared.text


@pytest.mark.one_database
def test_a_message_is_shown_to_the_one_it_is_for(app: Flask) -> None:
    visit(app, "/fr/order")
    visitor = Visitor(browser(app))
    visitor.open("/fr/order/summary")
    assert visitor.sees("Choisissez d’abord vos licences")
    assert "Choisissez d’abord" not in visit(app, "/fr/order").text


@pytest.mark.one_database
def test_a_page_is_kept_for_names_of_this_shop_and_addresses_without_more(app: Flask) -> None:
    pages: shared_pages.SharedPages = next(
        each for each in middleware(app) if isinstance(each, shared_pages.SharedPages)
    )
    pages._kept.clear()
    client = browser(app)
    for path in ("/fr/?a=b", "/fr/order?business=3", "/fr/order?offer=%62usiness", "/nowhere"):
        client.get(path)
    assert client.get("/fr/", headers={"Host": "evil.example"}).status_code == 421
    for host in ("localhost:1", "LocalHost", "localhost."):
        client.get("/fr/", headers={"Host": host})
    version = Contract.get(Contract.kind == "general_terms").version
    assert client.get(f"/fr/contracts/general_terms/000{version}").status_code == 200
    client.post("/fr/order")
    assert not pages._kept
    visit(app, "/fr/")
    assert client.get("/fr/", headers={"Host": "evil.example"}).status_code == 421
    assert len(pages._kept) == 1
    visit(app, f"/fr/contracts/general_terms/{version}")
    assert len(pages._kept) == 2


def middleware(app: Flask) -> Iterator[object]:
    layer: object = app.wsgi_app
    while layer is not None:
        yield layer
        layer = getattr(layer, "app", None) or getattr(layer, "_application", None)


@pytest.mark.one_database
def test_the_language_of_the_home_page_is_remembered(app: Flask) -> None:
    for path, language in (("/fr/", "fr"), ("/en/", "en"), ("/en/", "en")):
        assert f"language={language};" in visit(app, path).headers["Set-Cookie"]
    client = browser(app)
    client.get("/en/")
    assert "Set-Cookie" not in client.get("/en/").headers
    assert client.get("/").location == "/en/"
    assert "Set-Cookie" not in visit(app, "/fr/order").headers


@pytest.mark.one_database
def test_a_page_that_sets_a_cookie_is_not_kept(
    app: Flask, renderings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a page that would leak a session is served to its visitor alone."""
    # Jinja keeps the globals that components are imported with: none may be imported below.
    visit(app, "/fr/contact")
    renderings.clear()
    monkeypatch.setitem(app.jinja_env.globals, "asset", lambda name: leak())

    def leak() -> str:
        flask.session["somebody"] = "alice"
        return "/static/icons/sprite.svg"

    Price.update(amount_cents=1234).execute()
    for _ in range(2):
        response = visit(app, "/fr/contact")
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers
    assert len(renderings) == 2


def test_showing_a_kept_page_takes_one_statement(app: Flask, client: CheckingClient) -> None:
    visit(app, "/fr/")
    client.get("/fr/")
    assert len(client.statements) == 1, client.statements


def at_once(app: Flask, path: str, **headers: str) -> tuple[int, dict[str, str], bytes] | None:
    """Return the answer of the server's event loop."""
    pages = app.extensions["shared_pages"]
    named = {"host": "localhost"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    path, _, query = path.partition("?")
    found = asyncio.run(pages.answer_at_once("GET", path, query, named))
    if found is None:
        return None
    status, raw, body = found
    return status, {name.decode().title(): value.decode() for name, value in raw}, body


@pytest.mark.parametrize("path", ["/fr/", "/fr/order?offer=business", "/static/built/shop.css"])
def test_the_event_loop_answers_what_the_application_does(app: Flask, path: str) -> None:
    path = path.replace("/static/built/shop.css", app.extensions["assets"].url("shop.css"))
    slow = visit(app, path, Accept_Encoding="br")
    quick = at_once(app, path, accept_encoding="br")
    assert quick is not None
    status, headers, body = quick
    assert (status, body) == (200, slow.data)
    expected = {name.title(): value for name, value in slow.headers.items()}
    for each in (headers, expected):
        each.pop("X-Request-Id", None)
    assert headers == expected
    known = at_once(app, path, accept_encoding="br", if_none_match=headers["Etag"])
    assert known is not None
    assert (known[0], known[2]) == (304, b"")


def test_the_event_loop_leaves_all_else_to_the_application(app: Flask) -> None:
    for path in ("/fr/", "/fr/office-365-business"):
        visit(app, path)
    cookie = "a=b; shop_session=eyJ9"
    assert at_once(app, "/fr/", cookie=cookie) is None
    assert at_once(app, "/fr/", host="evil.example") is None
    assert at_once(app, "/fr/", content_length="3") is None
    assert at_once(app, "/fr/?a=b") is None
    assert at_once(app, "/en/") is None
    assert at_once(app, "/nowhere") is None
    a_price()
    assert at_once(app, "/fr/") is None


@pytest.mark.parametrize(
    "fault", [peewee.OperationalError("gone"), peewee.DatabaseError("file is not a database")]
)
def test_the_event_loop_leaves_what_it_cannot_read_to_the_application(
    app: Flask, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    visit(app, "/fr/")
    assert at_once(app, "/fr/") is not None

    def refuse(*_: object) -> None:
        raise fault

    monkeypatch.setattr(KeptPostgresql, "open_apart", refuse)
    monkeypatch.setattr(shop_database, "connection", refuse)
    assert at_once(app, "/fr/") is None


@pytest.mark.one_database
def test_behind_a_proxy_the_host_is_the_one_it_names(make_app: Callable[..., Flask]) -> None:
    shop = make_app(TRUSTED_PROXIES="1", PUBLIC_URL="http://shop.example")
    told = {"X_Forwarded_Host": "shop.example", "X_Forwarded_Proto": "http"}
    visit(shop, "/fr/", **told)
    proxied = {"host": "127.0.0.1:5000", "x_forwarded_host": "shop.example"}
    assert at_once(shop, "/fr/", **proxied) is not None
    assert at_once(shop, "/fr/", **proxied | {"x_forwarded_host": "evil.example"}) is None
    assert at_once(shop, "/fr/", **proxied | {"x_forwarded_port": "81"}) is None
    assert at_once(shop, "/fr/", host="evil.example") is None


@pytest.mark.one_database
def test_without_a_database_there_is_no_page(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(app, "/fr/")

    def fail() -> str:
        raise shared_pages.database.DATABASE_UNAVAILABLE[0]("gone")

    for name in ("current", "current_by_clock"):
        monkeypatch.setattr(shared_pages.catalogue_version, name, fail)
    client = browser(app)
    client.expects_faults = True
    assert client.get("/fr/").status_code == 503


@pytest.mark.one_database
def test_a_kept_page_is_a_line_in_the_log(app: Flask) -> None:
    visit(app, "/fr/")
    with capture_logs() as said:
        visit(app, "/fr/")
    (line,) = [each for each in said if each["event"] == "request"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/<language:lang>/", 200)
