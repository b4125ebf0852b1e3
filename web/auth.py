"""The signed-in customer: flask-login over sessions stored as rows, so that each can be ended."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    after_this_request,
    flash,
    g,
    request,
    session,
    url_for,
)
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
from shop.customers import known_origins, sessions
from shop.customers.activity_log import Origin
from shop.sandbox_link import test_points
from shop.security import rate_limits
from web import cookies, kept_input
from web.htmx import go_to, wants_partial

KEPT_AT_SIGN_IN = ("basket",)
"""What the cookie keeps when a visitor signs in; the CSRF token is renewed."""

BROWSER_COOKIE = "shop_browser"
"""The cookie by which a browser that has signed in is recognised; it signs nobody in."""

BROWSER_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)


class SignedIn(UserMixin):
    """The customer of a running session."""

    def __init__(self, row: Session, token: str) -> None:
        self.session = row
        self.account: Account = row.account
        self._token = token

    @property
    def token(self) -> str:
        """The session's token, as its cookie carries it."""
        return self._token

    def get_id(self) -> str:
        """Return the session's token: flask-login stores it instead of an account number."""
        return self._token


def account() -> Account | None:
    """Return the signed-in customer, if any."""
    # Each look through the proxy costs a search.
    user = g.get("_login_user") or current_user._get_current_object()
    return user.account if user.is_authenticated else None


def customer() -> Account:
    """Return the signed-in customer; only for views that require a sign-in."""
    found = account()
    assert found is not None, "this view needs a signed-in customer"
    return found


def may_be(column: str) -> bool:
    """Return whether a column of `sessions.PAGE_COLUMNS` may be true of the customer now.

    It was read as the request began, and a request that changes something may have changed it.
    """
    session = getattr(current_user, "session", None)
    return request.method != "GET" or bool(getattr(session, column, True))


def follow_clock() -> None:
    """Set the clock to the sandbox's: the query of a session brings it, others ask for it."""
    is_signed_in = test_points.clock_switch() is not None and session.get("_user_id")
    of_request = getattr(current_user, "session", None) if is_signed_in else None
    if not hasattr(of_request, "moved_on"):
        test_points.follow_clock()


def ip_address() -> str:
    """Return the IP address the request came from; "" where it is unknown."""
    return rate_limits.read_ip_address(request.remote_addr or "")


def origin() -> Origin:
    """Return IP address, browser and the browser's token of the request."""
    return Origin(ip_address(), request.user_agent.string, device())


def device() -> str:
    """Return the token of this browser's cookie; "" before its first sign-in."""
    token = request.cookies.get(cookies.name_of(BROWSER_COOKIE), "")
    return token if BROWSER_TOKEN.fullmatch(token) else ""


def remembered_origin() -> Origin:
    """Return `origin`, with a new token for a browser without one; its cookie keeps it."""
    found = origin()
    if found.device:
        return found
    token = secrets.token_urlsafe(32)

    @after_this_request
    def _keep(response: Response) -> Response:
        seconds = int(known_origins.RETENTION.total_seconds())
        cookies.set_for_long(response, BROWSER_COOKIE, token, seconds)
        return response

    return replace(found, device=token)


def sign_in(who: Account, means: str = "password", *, stays: bool = False) -> None:
    """Start a new session of ``who`` in this browser, with a new token.

    A session that this browser had ends: otherwise its row would stay, and no cookie could end it.
    ``means`` is the method of authentication to log (`activity_log.SIGN_IN_METHODS`); ``stays``:
    the customer asked to stay signed in, also when the browser is closed.
    """
    if current_user.is_authenticated:
        sessions.sign_out(current_user.session, origin())
    kept = {name: session[name] for name in KEPT_AT_SIGN_IN if name in session}
    kept |= kept_input.of_account(who.id)
    token = sessions.start_session(who, remembered_origin(), means, stays=stays)
    session.clear()
    session.update(kept)
    session.permanent = stays
    row = sessions.find_session(token)
    assert row is not None
    login_user(SignedIn(row, token))


def mark_confirmed() -> None:
    """Record that the customer has just given their password again."""
    sessions.mark_confirmed(current_user.session)
    renew_token()


def mark_factor() -> None:
    """Record that the customer has just given a second factor again."""
    sessions.mark_factor(current_user.session)
    renew_token()


def renew_token() -> None:
    """Exchange the token of this browser's session, as signing in would."""
    row = current_user.session
    login_user(SignedIn(row, sessions.renew_token(row)))


def sign_out() -> None:
    """End this browser's session, here and in the database, and what the browser stored."""
    if current_user.is_authenticated:
        sessions.sign_out(current_user.session, origin())
    logout_user()
    session.clear()
    _clear_browser()


def _clear_browser() -> None:
    """Have the browser delete what it stored of this site's pages."""

    @after_this_request
    def _clear(response: Response) -> Response:
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


def safe_next(target: str | None, otherwise: str) -> str:
    """Return ``target`` if it is a URL of this site, else ``otherwise`` (no open redirect)."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    if any(character in target for character in "\\\r\n\t\0"):
        return otherwise
    parts = urlsplit(target)
    return otherwise if parts.scheme or parts.netloc else target


def treat_as_anonymous() -> None:
    """Treat this request as anonymous, so that its answer needs no database."""
    g._login_user = AnonymousUserMixin()


def treat_as(row: Session) -> None:
    """Make this request as the customer of a session that is not stored."""
    g._login_user = SignedIn(row, "")


def this_page() -> str | None:
    """Return the page to come back to after signing in, as a URL within the site.

    After a form, or an htmx request, that required a sign-in it is the page that sent it.
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
    """Load the signed-in customer at most once a request, when first used."""
    manager = LoginManager(app)
    manager.session_protection = None  # sessions are rows, and each knows where it began

    @manager.user_loader
    def _load(token: str) -> SignedIn | None:
        row = sessions.find_session(token)
        if row is None:
            return None
        sessions.mark_seen(row)
        return SignedIn(row, token)

    @manager.unauthorized_handler
    def _sign_in_first() -> Response:
        token = session.get("_user_id")
        if token:
            _clear_browser()  # Its session has ended since its last request.
        back = this_page()
        if request.method == "POST":
            # The check of a field may have told of it first, before the form itself.
            owner = sessions.owner_of(token) if token else kept_input.kept_for()
            back = kept_input.keep_until_sign_in(back, owner) if owner else back
        if request.method != "GET" or not wants_partial():
            # A part of a page that renews itself leaves the cookie alone: while it was on its way,
            # the session's token may have been exchanged in another tab.
            logout_user()
            flash(gettext("Log in to continue."), "info")
        return go_to(url_for("manager.login", next=back))

    @app.context_processor
    def _customer() -> dict[str, object]:
        return {"account": account()}
