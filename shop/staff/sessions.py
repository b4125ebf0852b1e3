"""Signing in to the desk by password and code, and the sessions after that."""

from __future__ import annotations

import secrets
from datetime import timedelta

import structlog
from peewee import ModelSelect

from records.base import database
from records.staff import StaffAccount, StaffSession
from shop import clock
from shop.customers import allowances, passwords
from shop.customers.activity_log import Origin
from shop.customers.known_origins import Familiarity
from shop.customers.sessions import IDLE_LENGTH, LONGEST, SEEN_INTERVAL
from shop.errors import N_
from shop.security import encryption, one_time_codes
from shop.sql.prepared import prepared
from shop.staff import accounts
from shop.text.email_addresses import normalized

log = structlog.get_logger()

KEPT = timedelta(days=30)
"""How long an ended session is kept: until then its browser is asked to sign in again."""


def sign_in(name: str, password: str, code: str, origin: Origin) -> str:
    """Start a session for a login or e-mail address; return the token for its cookie.

    Raise `passwords.SignInRefused`, which does not say what is wrong, after the same time whether
    the account exists or not; `rate_limits.RateLimited` after too many attempts.
    """
    name = normalized(name)
    staff = accounts.find_member(name)
    known = Familiarity(network=_is_known(staff, origin))
    subject = f"staff {staff.login if staff else name}"
    allowances.count_network(origin, known)
    allowances.count(allowances.PASSWORD, subject, origin, known)
    usable = staff is not None and not staff.is_invited and staff.disabled_at is None
    hashed = staff.password_hash if staff and usable else passwords.hashing().dummy_hash
    if not passwords.matches(hashed, password) or staff is None or not usable:
        raise _refused(staff)
    allowances.count(allowances.SECOND_STEP, subject, origin, known)
    token = _begin(staff, code, origin)
    if not token:
        raise _refused(staff)
    allowances.reset(allowances.PASSWORD, subject, origin, known)
    allowances.reset(allowances.SECOND_STEP, subject, origin, known)
    return token


def _is_known(staff: StaffAccount | None, origin: Origin) -> bool:
    """Return whether the member has signed in from this IP address before."""
    there = StaffSession.ip_address == origin.ip_address[:45]
    return (
        StaffSession.select()
        .where(StaffSession.staff == (staff.id if staff else 0), there)
        .exists()
    )


def _refused(staff: StaffAccount | None) -> passwords.SignInRefused:
    log.warning("staff_sign_in_failed", staff=staff.id if staff else None)
    return passwords.SignInRefused(
        N_("This login, password and code do not match. Check all three and try again."), "password"
    )


def _begin(staff: StaffAccount, code: str, origin: Origin) -> str:
    """Use up the code and start a session; return its token, or "" for a wrong code."""
    step = one_time_codes.step_of(accounts.secret_of(staff), code)
    if step is None:
        return ""
    now, token = clock.now(), secrets.token_urlsafe(32)
    with database.atomic():
        # Compare-and-set: no code works twice, nor after the account was reset or disabled.
        same = (
            (StaffAccount.id == staff.id)
            & (StaffAccount.password_hash == staff.password_hash)
            & StaffAccount.disabled_at.is_null()
        )
        changed = StaffAccount.update(last_step=step).where(same, StaffAccount.last_step < step)
        if not changed.execute():
            return ""
        StaffSession.create(
            token_digest=encryption.digest(token), staff=staff, created_at=now, seen_at=now,
            expires_at=now + IDLE_LENGTH, ip_address=origin.ip_address[:45],
            browser=origin.browser[:255],
        )  # fmt: skip
    log.info("staff_signed_in", staff=staff.id)
    return token


@prepared
def _with_staff(token_digest: str) -> ModelSelect[StaffSession]:
    return (
        StaffSession.select(StaffSession, StaffAccount)
        .join(StaffAccount)
        .where(StaffSession.token_digest == token_digest)
    )


def find_staff_session(token: str) -> StaffSession | None:
    """Return the session of a token with its member of staff, over or not; None if unknown."""
    return _with_staff.first(encryption.digest(token))


def is_active(session: StaffSession) -> bool:
    """Return whether a session goes on."""
    if session.ended_at is not None or session.staff.disabled_at is not None:
        return False
    return bool(session.expires_at > clock.now())


def mark_seen(session: StaffSession) -> None:
    """Record that a session is in use, at most once per `SEEN_INTERVAL`; extend it."""
    now = clock.now()
    if now - session.seen_at >= SEEN_INTERVAL:
        expires_at = min(now + IDLE_LENGTH, session.created_at + LONGEST)
        StaffSession.update(seen_at=now, expires_at=expires_at).where(
            StaffSession.id == session.id
        ).execute()


def active_sessions(staff: StaffAccount) -> ModelSelect[StaffSession]:
    """Return a member's active sessions, the most recently used first."""
    return (
        StaffSession.select()
        .where(
            StaffSession.staff == staff,
            StaffSession.ended_at.is_null(),
            StaffSession.expires_at > clock.now(),
        )
        .order_by(StaffSession.seen_at.desc(), StaffSession.id.desc())
    )


def end_session(session: StaffSession) -> None:
    """End a session; its cookie becomes invalid."""
    StaffSession.update(ended_at=clock.now()).where(
        StaffSession.id == session.id, StaffSession.ended_at.is_null()
    ).execute()


def end_others(session: StaffSession) -> None:
    """End the member's other sessions."""
    StaffSession.update(ended_at=clock.now()).where(
        StaffSession.staff == session.staff,
        StaffSession.id != session.id,
        StaffSession.ended_at.is_null(),
    ).execute()


def delete_old() -> int:
    """Delete sessions that expired a while ago; return their number."""
    return int(StaffSession.delete().where(StaffSession.expires_at < clock.now() - KEPT).execute())
