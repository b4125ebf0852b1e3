"""Sessions in cookies: verified once, forged ones never, old ones no longer, and nobody else's."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.support import patience
from tests.support.client import CheckingClient
from web import cookies

pytestmark = pytest.mark.one_database


def cookie_of(app: Flask, content: dict[str, Any]) -> str:
    serializer = app.session_interface.get_signing_serializer(app)
    return str(serializer.dumps(content))


def opened(app: Flask, cookie: str) -> dict[str, Any]:
    """Return the session of a request with this cookie."""
    name = app.config["SESSION_COOKIE_NAME"]
    with app.test_request_context("/", headers={"Cookie": f"{name}={cookie}"}) as context:
        return dict(context.session or {})


@pytest.fixture
def loaded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cookies that were verified."""
    found: list[str] = []
    loads = cookies.URLSafeTimedSerializer.loads

    def note(self: Any, cookie: str, **options: Any) -> Any:
        found.append(cookie)
        return loads(self, cookie, **options)

    monkeypatch.setattr(cookies.URLSafeTimedSerializer, "loads", note)
    monkeypatch.setattr(app, "session_interface", cookies.Sessions())
    return found


def test_a_cookie_is_verified_once(app: Flask, loaded: list[str]) -> None:
    cookie = cookie_of(app, {"name": "alice"})
    assert [opened(app, cookie) for _ in range(3)] == [{"name": "alice"}] * 3
    assert loaded == [cookie]


def test_what_a_view_changes_is_not_in_the_cookie_of_before(app: Flask) -> None:
    cookie = cookie_of(app, {"basket": {"business": 1}})
    opened(app, cookie)["basket"]["business"] = 2
    assert opened(app, cookie) == {"basket": {"business": 1}}
    opened(app, plain := cookie_of(app, {"name": "alice"}))["name"] = "bob"
    assert opened(app, plain) == {"name": "alice"}


def test_a_page_that_reads_its_session_is_another_with_another_cookie(
    client: CheckingClient,
) -> None:
    client.get("/login")
    response = client.get("/login")
    assert "cookie" in response.vary.as_set()
    assert "Set-Cookie" not in response.headers, "nothing has changed"


def test_a_forged_cookie_opens_no_session_however_often_it_comes(app: Flask) -> None:
    cookie = cookie_of(app, {"name": "alice"})
    assert opened(app, cookie)
    for forged in (cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB"), f"x{cookie}", "x"):
        assert [opened(app, forged) for _ in range(2)] == [{}, {}]


def test_a_verified_cookie_grows_too_old(app: Flask, clock: time_machine.Traveller) -> None:
    cookie = cookie_of(app, {"name": "alice"})
    clock.shift(app.permanent_session_lifetime - timedelta(seconds=5))
    assert opened(app, cookie)
    clock.shift(timedelta(seconds=10))
    assert opened(app, cookie) == {}


def test_a_verified_cookie_ends_with_its_key(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = cookie_of(app, {"name": "alice"})
    assert opened(app, cookie)
    former = app.config["SECRET_KEY"]
    monkeypatch.setitem(app.config, "SECRET_KEY", "another-key-of-this-test")
    assert opened(app, cookie) == {}
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", [former])
    assert opened(app, cookie) == {"name": "alice"}


def test_a_session_is_opened_while_another_thread_makes_what_verifies_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = cookie_of(app, {"name": "alice"})
    monkeypatch.setattr(app, "session_interface", cookies.Sessions())
    make, found = cookies.lru_cache, []

    def meanwhile(size: int) -> Any:
        monkeypatch.setattr(cookies, "lru_cache", make)
        other = threading.Thread(target=lambda: found.append(opened(app, cookie)))
        other.start()
        other.join(timeout=patience.STUCK)
        return make(size)

    monkeypatch.setattr(cookies, "lru_cache", meanwhile)
    assert opened(app, cookie) == {"name": "alice"}
    assert found == [{"name": "alice"}]
