"""Who is signed in: flask-login over sessions that are rows, so that they can be ended."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, flash, g, request, session, url_for
from flask_babel import gettext
from flask_login import (
    AnonymousUserMixin,
    LoginManager,
    UserMixin,
    current_user,
    login_user,
    logout_user,
)

from models import Account, Session
from shop.customers import sessions
from shop.customers.activity_log import Origin
from shop.security import rate_limits
from web.htmx import go_to, wants_partial

KEPT_AT_SIGN_IN = ("csrf_token", "basket")
"""What a visitor's cookie keeps on becoming a customer: open forms, and what they chose."""


class SignedIn(UserMixin):
    """The customer of a running session."""

    def __init__(self, row: Session, token: str) -> None:
        self.session = row
        self.account: Account = row.account
        self._token = token

    @property
    def token(self) -> str:
        """What this session is known by; its cookie carries it."""
        return self._token

    def get_id(self) -> str:
        """The session's token: what the cookie carries instead of an account number."""
        return self._token


def account() -> Account | None:
    """The signed-in customer, if any."""
    return current_user.account if current_user.is_authenticated else None


def customer() -> Account:
    """The signed-in customer; only for views behind the sign-in."""
    found = account()
    assert found is not None, "this view needs a signed-in customer"
    return found


def address() -> str:
    """The IP address the request came from; "" where nobody tells one."""
    return rate_limits.read_address(request.remote_addr or "")


def origin() -> Origin:
    """Where the request came from, as the account's log keeps it."""
    return Origin(address(), request.user_agent.string)


def count_try() -> None:
    """Raise `limits.TooMany` when too many sign-ins are tried from one address."""
    rate_limits.count(
        rate_limits.SIGN_IN_PER_ADDRESS, "sign-in-from", rate_limits.network_of(address())
    )


def sign_in(who: Account, means: str = "password") -> None:
    """Begin a session of ``who`` in this browser; its identifier is a new one.

    One that this browser had ends: nobody could end it here any more. ``means`` says for the log
    how they proved who they are (`shop.customers.activity_log.MEANS`).
    """
    if current_user.is_authenticated:
        sessions.sign_out(current_user.session, origin())
    kept = {name: session[name] for name in KEPT_AT_SIGN_IN if name in session}
    token = sessions.start(who, origin(), means)
    session.clear()
    session.update(kept)
    session.permanent = True
    row = sessions.find(token)
    assert row is not None
    login_user(SignedIn(row, token))


def sign_out() -> None:
    """End this browser's session, here and in the database."""
    if current_user.is_authenticated:
        sessions.sign_out(current_user.session, origin())
    logout_user()
    session.clear()


def safe_next(target: str | None, otherwise: str) -> str:
    """``target`` if it is an address of this very site, else ``otherwise``."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    if any(character in target for character in "\\\r\n\t\0"):
        return otherwise
    parts = urlsplit(target)
    return otherwise if parts.scheme or parts.netloc else target


def ask_no_more() -> None:
    """Take this request for a stranger's: its answer must not need the database."""
    g._login_user = AnonymousUserMixin()


def this_page() -> str | None:
    """The page to come back to after signing in, as an address within the site.

    A form, or a part of a page, that needed a sign-in leads back to the page it is on.
    """
    if request.method == "GET" and not wants_partial():
        return request.full_path.rstrip("?")
    try:
        shown = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    except ValueError:
        return None
    if shown.netloc != request.host:
        return None
    return shown._replace(scheme="", netloc="", fragment="").geturl() or None


def init_app(app: Flask) -> None:
    """Load the signed-in customer once a request, when somebody asks."""
    manager = LoginManager(app)

    @manager.user_loader
    def _load(token: str) -> SignedIn | None:
        row = sessions.find(token)
        if row is None:
            return None
        sessions.seen(row)
        return SignedIn(row, token)

    @manager.unauthorized_handler
    def _sign_in_first() -> Response:
        flash(gettext("Log in to continue."), "info")
        return go_to(url_for("manager.login", next=this_page()))

    @app.context_processor
    def _customer() -> dict[str, object]:
        return {"account": account()}
