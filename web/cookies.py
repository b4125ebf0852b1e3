"""The names of the shop's cookies, and how its long-lived ones are set."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from shop import settings
from shop.security import signing


def name_of(base: str, *, production: bool | None = None) -> str:
    """Return the name of a cookie: in production ``__Host-``, which no other host can set.

    Browsers accept it from https alone, for this host and for every path.
    """
    if production is None:
        production = settings.current().production
    return f"__Host-{base}" if production else base


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions in a cookie, signed by SHA-256."""

    digest_method = staticmethod(signing.DIGEST)

    def __init__(self) -> None:
        self._made: tuple[Any, URLSafeTimedSerializer | None] = (None, None)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the serializer of these keys: the same for every request."""
        keys = app.secret_key, *app.config["SECRET_KEY_FALLBACKS"]
        made_of, made = self._made
        if made is None or made_of != keys:
            made = super().get_signing_serializer(app)
            self._made = keys, made
        return made


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
