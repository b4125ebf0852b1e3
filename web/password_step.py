"""The first step of signing in, at both entrances: a password, and which account it is for.

An e-mail address may own several accounts with the same password: then the customer chooses one.
The cookie holds a pending sign-in of each (`shop.customers.two_factor.pending_sign_in`).
"""

from __future__ import annotations

from enum import Enum

from flask import request, session

from models import Account
from shop.customers import sign_in, two_factor
from shop.customers.two_factor import pending_sign_in
from web import auth
from web.forms import SignInForm
from web.two_factor import PENDING, STAYS, enter

CHOICE = "accounts"


class Next(Enum):
    """What follows a right password."""

    SIGNED_IN = "signed in"
    SECOND_STEP = "second step"
    CHOICE = "choice"


def take_password(form: SignInForm) -> Next:
    """Verify what was typed and sign in, if nothing else is due. Raise `Refusal`."""
    stays = bool(form.stays.data)
    try:
        who = sign_in.sign_in(
            *form.given(), auth.ip_address(), request.user_agent.string, auth.device()
        )
    except sign_in.SeveralAccounts as several:
        session[CHOICE] = [pending_sign_in.begin_pending(who) for who in several.accounts]
        session[STAYS] = stays
        return Next.CHOICE
    return Next.SIGNED_IN if enter(who, stays=stays) else Next.SECOND_STEP


def choices() -> list[Account]:
    """Return the accounts to choose from in this browser; none if the password is too old."""
    return list(pending_sign_in.pending_accounts(session.get(CHOICE, [])).values())


def choose(nic_handle: str) -> Next | None:
    """Sign in to the account chosen, or leave it to its second step; None for another account."""
    offered = pending_sign_in.pending_accounts(session.get(CHOICE, []))
    for token, who in offered.items():
        if who.nic_handle == nic_handle:
            return _begin(token, who)
    return None


def _begin(token: str, who: Account) -> Next:
    if two_factor.is_on(who):
        session.pop(CHOICE)
        session[PENDING] = token
        return Next.SECOND_STEP
    pending_sign_in.finish_pending(token)
    auth.sign_in(who, stays=bool(session.get(STAYS)))
    return Next.SIGNED_IN
