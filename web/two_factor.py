"""The second step of signing in, at both entrances: a code, or a passkey."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request, session
from flask.typing import ResponseReturnValue
from limits import RateLimitItem

from models import Account
from shop.customers import activity_log, known_origins, two_factor
from shop.customers.two_factor import passkeys, pending_sign_in
from shop.errors import Refusal
from shop.security import encryption, rate_limits
from shop.security.passkeys import Ceremony, PasskeyRefused
from web import auth
from web.forms import CodeForm
from web.urls import base_url

PENDING = "second_step"
STAYS = "stays"
CHALLENGE = "passkey_challenge"

Again = Callable[[CodeForm, int], Response]
"""Shows the page of the second step again, with its errors and a status."""


def enter(who: Account, *, stays: bool, means: str = "password") -> bool:
    """Sign ``who`` in after a correct password; return False if a second factor is due first.

    ``stays``: the customer asked to stay signed in.
    """
    if not two_factor.is_on(who):
        auth.sign_in(who, means, stays=stays)
        return True
    session[PENDING], session[STAYS] = pending_sign_in.begin_pending(who), stays
    return False


def pending() -> Account | None:
    """Return the customer who gave the password in this browser and whose second factor is due."""
    return pending_sign_in.pending_account(session.get(PENDING, ""))


def take_code(arrived: Callable[[], ResponseReturnValue], again: Again) -> ResponseReturnValue:
    """Sign in with a code or a recovery code; ``arrived`` makes the response after that."""
    form = CodeForm()
    if not form.validate_on_submit():
        return again(form, 422)
    try:
        who, means = pending_sign_in.verify_code(
            session.get(PENDING, ""), form.code.data or "", auth.origin()
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return again(form, refusal.status)
    auth.sign_in(who, means, stays=bool(session.get(STAYS)))
    return arrived()


# --- Passkeys --------------------------------------------------------------------------------


def keep_challenge(ceremony: Ceremony) -> Response:
    """Return the options for the browser's device; the cookie stores the challenge."""
    session[CHALLENGE] = ceremony.challenge
    return Response(ceremony.options, content_type="application/json")


def given_challenge() -> str:
    """Return the challenge this browser was given, and forget it."""
    return str(session.pop(CHALLENGE, ""))


def ask_for_passkey() -> Response:
    """Return the browser's options for a passkey, before or after the password."""
    device = auth.device()
    if known_origins.is_known_browser(device):
        rate_limits.count_attempt(
            rate_limits.PASSKEY_PER_BROWSER, "passkey", encryption.digest(device)
        )
    else:
        _count_from_here(rate_limits.PASSKEY_PER_NETWORK, "passkey")
    return keep_challenge(passkeys.begin_authentication(base_url(), pending()))


def _count_from_here(item: RateLimitItem, what: str) -> None:
    rate_limits.count_attempt(item, what, rate_limits.network_of(auth.ip_address()))


def take_passkey() -> None:
    """Sign in with a passkey, alone or as the second factor. Raises `Refusal`.

    A valid one always signs in: only those that fail are counted.
    """
    token = session.get(PENDING, "")
    pending_account = pending_sign_in.pending_account(token)
    answer = request.form.get("credential", "")
    try:
        who = passkeys.finish_authentication(answer, given_challenge(), base_url(), pending_account)
    except PasskeyRefused:
        _count_from_here(rate_limits.PASSKEY_FAILURES, "passkey-failed")
        if pending_account is not None:
            activity_log.record(pending_account, "second_step_failed", auth.origin())
        raise
    if pending_account is not None:
        pending_sign_in.finish_pending(token)
    stays = pending_account is not None and bool(session.get(STAYS))
    auth.sign_in(who, "password_passkey" if pending_account else "passkey", stays=stays)
