"""The second step of signing in, at both entrances: a code, or a passkey."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request, session
from flask.typing import ResponseReturnValue

from models import Account
from shop.customers import activity_log, two_factor
from shop.customers.two_factor import passkeys, pending_sign_in
from shop.customers.two_factor.passkeys import Ceremony, PasskeyRefused
from shop.errors import Refusal
from shop.security import rate_limits
from web import auth
from web.forms import CodeForm
from web.urls import base_url

PENDING = "second_step"
CHALLENGE = "passkey_challenge"

Again = Callable[[CodeForm, int], Response]
"""Shows the page of the second step once more, with what is wrong and its status."""


def enter(who: Account) -> bool:
    """Sign ``who`` in whose password was right; False if they owe the second step first."""
    if not two_factor.is_on(who):
        auth.sign_in(who)
        return True
    session[PENDING] = pending_sign_in.begin(who)
    return False


def pending() -> Account | None:
    """Who has given the password in this browser and owes the second step."""
    return pending_sign_in.account_of(session.get(PENDING, ""))


def take_code(arrived: Callable[[], ResponseReturnValue], again: Again) -> ResponseReturnValue:
    """Sign in by a code of the application or a recovery code; ``arrived`` says where to."""
    form = CodeForm()
    if not form.validate_on_submit():
        return again(form, 422)
    try:
        who, means = pending_sign_in.answer(
            session.get(PENDING, ""), form.code.data or "", auth.origin()
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return again(form, refusal.status)
    auth.sign_in(who, means)
    return arrived()


# --- Passkeys --------------------------------------------------------------------------------


def keep_challenge(ceremony: Ceremony) -> Response:
    """Tell the browser what to ask its device; its cookie remembers the challenge."""
    session[CHALLENGE] = ceremony.challenge
    return Response(ceremony.options, content_type="application/json")


def given_challenge() -> str:
    """The challenge this browser was given, once."""
    return str(session.pop(CHALLENGE, ""))


def ask_for_passkey() -> Response:
    """What a browser needs to prove who somebody is, whether the password was given or not."""
    rate_limits.count(
        rate_limits.SIGN_IN_PER_ADDRESS, "passkey", rate_limits.network_of(auth.address())
    )
    return keep_challenge(passkeys.ask_to_prove(base_url(), pending()))


def take_passkey() -> None:
    """Sign in by a passkey: alone, or as the second step. Raises `Refusal`."""
    auth.count_try()
    token = session.get(PENDING, "")
    owing = pending_sign_in.account_of(token)
    answer = request.form.get("credential", "")
    try:
        who = passkeys.prove(answer, given_challenge(), base_url(), owing)
    except PasskeyRefused:
        if owing is not None:
            activity_log.record(owing, "second_step_failed", auth.origin())
        raise
    if owing is not None:
        pending_sign_in.finish(token)
    auth.sign_in(who, "password_passkey" if owing else "passkey")
