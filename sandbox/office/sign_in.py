"""Sign-in at the portal with an e-mail address and a password; sessions; rate limits."""

from __future__ import annotations

import hashlib
import secrets

from sandbox import clock
from sandbox.database import database
from sandbox.office import operations, passwords
from sandbox.office.models import Attempt, PortalSession, User

WINDOW = 15 * 60
"""Seconds (real time) over which attempts are counted."""

MAX_FOR_ADDRESS, MAX_FROM_IP_ADDRESS = 10, 100
"""Failed attempts in a `WINDOW`, for one e-mail address and from one IP address."""


class RateLimited(Exception):
    """Too many failed attempts: no password is checked until the window has passed."""


def authenticate(address: str, password: str, ip_address: str) -> User | None:
    """Return the user with this e-mail address and password, or None.

    The tenant's due operations are executed first. Raises `RateLimited`.
    """
    folded = address.strip().casefold()
    attempt = _record_attempt(folded, ip_address)
    operations.execute_due(folded.rpartition("@")[2])
    user = User.get_or_none(User.folded == folded)
    stored_hash = user.password_hash if user else passwords.dummy_hash()
    if not passwords.verify_password(stored_hash, password) or user is None:
        return None
    _clear_attempts(attempt, folded)
    return user


def _record_attempt(address: str, ip_address: str) -> Attempt:
    """Record the attempt before the password is checked, so that parallel ones count."""
    since = clock.real_now() - WINDOW
    with database.atomic():
        Attempt.delete().where(Attempt.at < since).execute()
        for_address = Attempt.select().where(Attempt.address == address).count()
        from_ip_address = Attempt.select().where(Attempt.ip_address == ip_address).count()
        if for_address >= MAX_FOR_ADDRESS or from_ip_address >= MAX_FROM_IP_ADDRESS:
            raise RateLimited
        return Attempt.create(address=address, ip_address=ip_address, at=clock.real_now())


def _clear_attempts(attempt: Attempt, address: str) -> None:
    Attempt.delete().where((Attempt.id == attempt.id) | (Attempt.address == address)).execute()


def open_session(user: User) -> str:
    """Start a session; return its token, of which only a hash is stored."""
    token, now = secrets.token_urlsafe(32), clock.now()
    with database.atomic():
        PortalSession.create(token_hash=_digest(token), user=user, created_at=now)
        User.update(signed_in_at=now).where(User.reference == user.reference).execute()
    return token


def find_session_user(token: str) -> User | None:
    """Return the user of a session; None if it ended (new password, released licence)."""
    session = _find_session(token)
    if session is None:
        return None
    operations.execute_due(session.user.tenant_id)
    return session.user if _find_session(token) else None


def _find_session(token: str) -> PortalSession | None:
    found: PortalSession | None = (
        PortalSession.select(PortalSession, User)
        .join(User)
        .where(PortalSession.token_hash == _digest(token))
        .first()
    )
    return found


def end_session(token: str) -> None:
    """End a session."""
    PortalSession.delete().where(PortalSession.token_hash == _digest(token)).execute()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
