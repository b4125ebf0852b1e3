"""The names of the shop's cookies, and how its long-lived ones are set."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

from flask import Flask, Request, Response, current_app
from flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
)
from itsdangerous import BadSignature, URLSafeTimedSerializer

from shop import settings
from shop.security import signing


def name_of(base: str, *, production: bool | None = None) -> str:
    """Return the name of a cookie: in production ``__Host-``, which no other host can set.

    Browsers accept it from https alone, for this host and for every path.
    """
    if production is None:
        production = settings.current().production
    return f"__Host-{base}" if production else base


MOST_KEPT = 1024
"""Cookies of sessions that a process has verified and keeps, of which each page needs one."""


class _Verifier(NamedTuple):
    """What signs the cookies of these keys, and what it has verified."""

    keys: tuple[Any, ...]
    serializer: URLSafeTimedSerializer
    verify: Callable[[str], tuple[dict[str, Any], datetime]]


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions in a cookie, signed by SHA-256; the same cookie is verified once."""

    digest_method = staticmethod(signing.DIGEST)

    def __init__(self) -> None:
        self._made: _Verifier | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer:
        """Return the serializer of these keys: the same for every request."""
        return self._verifier(app).serializer

    def _verifier(self, app: Flask) -> _Verifier:
        keys = app.secret_key, *app.config["SECRET_KEY_FALLBACKS"]
        made = self._made
        if made is None or made.keys != keys:
            serializer = super().get_signing_serializer(app)
            assert serializer is not None, "there is always a key"
            verify = lru_cache(MOST_KEPT)(partial(serializer.loads, return_timestamp=True))
            # Threads see all of it or nothing.
            made = self._made = _Verifier(keys, serializer, verify)
        return made

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """Return the session of a request's cookie; an empty one if that is forged or too old."""
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie:
            return self.session_class()
        try:
            content, signed_at = self._verifier(app).verify(cookie)
        except BadSignature:
            return self.session_class()
        age = datetime.now(UTC) - signed_at
        is_valid = timedelta() <= age <= app.permanent_session_lifetime
        return self.session_class(_copy(content) if is_valid else None)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie of a session that a view changed; of others say that one was read."""
        if self.should_set_cookie(app, session):
            super().save_session(app, session, response)
        elif session.accessed:
            response.vary.add("Cookie")


def _copy(content: dict[str, Any]) -> dict[str, Any]:
    """Return a copy: what a view changes in its session is not in the cookie that was verified."""
    has_parts = any(isinstance(value, (dict, list, tuple)) for value in content.values())
    return deepcopy(content) if has_parts else dict(content)


def forget(response: Response, base: str) -> None:
    """Have the browser delete a cookie that `set_for_long` set."""
    response.delete_cookie(
        name_of(base),
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )


def set_for_long(response: Response, base: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read and that lasts for ``seconds``."""
    response.set_cookie(
        name_of(base),
        value,
        max_age=seconds,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
