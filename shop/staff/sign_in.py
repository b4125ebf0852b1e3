"""Signing in to the desk: the password first, then a code of the application or a passkey.

In between there is a row that is valid once and for ten minutes, and no session.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from records.base import database, lock
from records.staff import StaffAccount, StaffSession, StaffSignIn
from shop import clock
from shop.customers import allowances, passwords, sign_in
from shop.customers.activity_log import Origin
from shop.customers.known_origins import Familiarity
from shop.errors import N_, Refusal
from shop.security import encryption, one_time_codes
from shop.security.passkeys import Ceremony, PasskeyRefused
from shop.staff import accounts, passkeys, sessions
from shop.text.email_addresses import normalized

log = structlog.get_logger()

VALIDITY = timedelta(minutes=10)


class SignInExpired(Refusal):
    """The password was given too long ago, or the sign-in is completed already."""


# --- The password ----------------------------------------------------------------------------


def begin_sign_in(name: str, password: str, origin: Origin) -> str:
    """Check the password of a login or e-mail address; return the token of the sign-in begun.

    Raise `sign_in.SignInRefused`, which does not say what is wrong, after the same time whether
    the account exists or not; `rate_limits.RateLimited` after too many attempts.
    """
    name = normalized(name)
    staff = accounts.find_member(name)
    known = _familiarity(staff, origin)
    subject = _subject(staff.login if staff else name)
    allowances.count_network(origin, known)
    allowances.count(allowances.PASSWORD, subject, origin, known)
    usable = staff is not None and not staff.is_invited and staff.disabled_at is None
    hashed = staff.password_hash if staff and usable else passwords.hashing().dummy_hash
    token = ""
    if passwords.matches(hashed, password) and staff is not None and usable:
        token = _begin(staff)
    if not token:
        _log_failure(staff, "password")
        raise sign_in.SignInRefused(
            N_("This login and password do not match. Check both and try again."), "password"
        )
    allowances.reset(allowances.PASSWORD, subject, origin, known)
    return token


def begin_again(staff: StaffAccount, password: str, origin: Origin) -> str:
    """Check the password of a member who is signed in; return the token of the sign-in begun.

    Raise `sign_in.SignInRefused` or `rate_limits.RateLimited`.
    """
    try:
        return begin_sign_in(staff.login, password, origin)
    except sign_in.SignInRefused as error:
        raise sign_in.SignInRefused(N_("This is not your current password."), "password") from error


def _begin(staff: StaffAccount) -> str:
    """Return the token of a new sign-in; "" if the account was changed meanwhile."""
    token = secrets.token_urlsafe(32)
    with database.atomic():
        row = lock(staff)
        if row.password_hash != staff.password_hash or row.disabled_at is not None:
            return ""
        StaffSignIn.create(
            token_digest=encryption.digest(token), staff=staff, expires_at=clock.now() + VALIDITY
        )
    return token


def _familiarity(staff: StaffAccount | None, origin: Origin) -> Familiarity:
    """Return whether the member has signed in from this IP address before."""
    there = StaffSession.ip_address == origin.ip_address[:45]
    who = StaffSession.staff == (staff.id if staff else 0)
    return Familiarity(network=StaffSession.select().where(who, there).exists())


def _subject(login: str) -> str:
    return f"staff {login}"


def _log_failure(staff: StaffAccount | None, means: str) -> None:
    log.warning("staff_sign_in_failed", staff=staff.id if staff else None, means=means)


# --- The second factor -----------------------------------------------------------------------


def find_pending(token: str) -> StaffSignIn | None:
    """Return the sign-in of a token with its member, whose second factor is due; else None."""
    return (
        StaffSignIn.select(StaffSignIn, StaffAccount)
        .join(StaffAccount)
        .where(
            StaffSignIn.token_digest == encryption.digest(token),
            StaffSignIn.expires_at > clock.now(),
            StaffAccount.disabled_at.is_null(),
        )
        .first()
    )


def _expired() -> SignInExpired:
    return SignInExpired(N_("The password was given too long ago. Log in again."))


def finish_by_code(token: str, code: str, origin: Origin) -> str:
    """Start a session by a code of the application, used up by it; return the session's token.

    Raise `SignInExpired`, `one_time_codes.WrongCode`, or `rate_limits.RateLimited`.
    """
    found = find_pending(token)
    if found is None:
        raise _expired()
    with _attempt(found.staff, "totp", origin), database.atomic():
        staff = _use(found)
        _use_code(staff, code)
        return sessions.start_session(staff, origin)


def begin_passkey(found: StaffSignIn, base_url: str) -> Ceremony:
    """Return the options to sign with one of the member's passkeys, for this sign-in alone."""
    return passkeys.begin_authentication(found.staff, base_url, _purpose(found))


def _purpose(found: StaffSignIn) -> str:
    return f"sign-in of staff {found.id}"


def finish_by_passkey(
    token: str, response: str, challenge: str, base_url: str, origin: Origin
) -> str:
    """Start a session by one of the member's passkeys; return the session's token.

    Raise `SignInExpired`, `PasskeyRefused`, or `rate_limits.RateLimited`.
    """
    found = find_pending(token)
    if found is None:
        raise _expired()
    with _attempt(found.staff, "passkey", origin):
        key, count = passkeys.verify_authentication(
            found.staff, response, challenge, base_url, _purpose(found)
        )
        with database.atomic():
            staff = _use(found)
            passkeys.record_use(staff, key, count)
            return sessions.start_session(staff, origin)


@contextmanager
def _attempt(staff: StaffAccount, means: str, origin: Origin) -> Iterator[None]:
    """Count an attempt at the second factor, of either kind; log how it ends."""
    known, subject = _familiarity(staff, origin), _subject(staff.login)
    allowances.count(allowances.SECOND_STEP, subject, origin, known)
    try:
        yield
    except (one_time_codes.WrongCode, PasskeyRefused):
        _log_failure(staff, means)
        raise
    allowances.reset(allowances.SECOND_STEP, subject, origin, known)
    log.info("staff_signed_in", staff=staff.id, means=means)


def _use(found: StaffSignIn) -> StaffAccount:
    """Use up a sign-in and lock its member's row. Raise `SignInExpired`.

    None is left after the account was reset or disabled.
    """
    staff: StaffAccount = lock(found.staff)
    if not StaffSignIn.delete().where(StaffSignIn.id == found.id).execute():
        raise _expired()
    return staff


def _use_code(staff: StaffAccount, code: str) -> None:
    """Use up a code of the locked member. Raise `one_time_codes.WrongCode`."""
    step = None
    if staff.authenticator_at is not None:
        step = one_time_codes.step_of(accounts.secret_of(staff), code)
    if step is None or step <= staff.last_step:
        raise one_time_codes.wrong()
    StaffAccount.update(last_step=step).where(StaffAccount.id == staff.id).execute()


def delete_expired() -> int:
    """Delete sign-ins that were not completed in time; return their number."""
    return int(StaffSignIn.delete().where(StaffSignIn.expires_at < clock.now()).execute())
