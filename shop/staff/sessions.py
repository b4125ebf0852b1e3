"""Sessions of members of staff at the desk."""

from __future__ import annotations

import secrets
from datetime import timedelta

from peewee import ModelSelect

from records.staff import StaffAccount, StaffSession
from shop import clock
from shop.customers.activity_log import Origin
from shop.customers.sessions import CONFIRMATION_VALIDITY, IDLE_LENGTH, LONGEST, SEEN_INTERVAL
from shop.security import encryption
from shop.sql.prepared import prepared

KEPT = timedelta(days=30)
"""How long an ended session is kept: until then its browser is asked to sign in again."""


def start_session(staff: StaffAccount, origin: Origin) -> str:
    """Start a session in the caller's transaction; return the token for its cookie."""
    now, token = clock.now(), secrets.token_urlsafe(32)
    StaffSession.create(
        token_digest=encryption.digest(token), staff=staff, created_at=now, seen_at=now,
        expires_at=now + IDLE_LENGTH, ip_address=origin.ip_address[:45],
        browser=origin.browser[:255],
    )  # fmt: skip
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


def is_recent(session: StaffSession) -> bool:
    """Return whether password and second factor were given a short time ago."""
    return bool(clock.now() - session.created_at < CONFIRMATION_VALIDITY)


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
