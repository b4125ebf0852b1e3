"""Signing in at the portal with an address and a password, and staying signed in."""

from __future__ import annotations

import hashlib
import secrets

from sandbox import clock
from sandbox.database import database
from sandbox.office import operations, passwords
from sandbox.office.models import Attempt, PortalSession, User

WINDOW = 15 * 60
"""Seconds (real time) over which attempts are counted."""

MOST_FOR_ADDRESS, MOST_FROM_PLACE = 10, 100
"""Failed attempts for one address, and from one place, before the portal asks to wait."""


class TooManyAttempts(Exception):
    """The portal will not check another password for now."""


def check(address: str, password: str, place: str) -> User | None:
    """The person of this address and password; None without a hint which of them was wrong.

    Raises `TooManyAttempts`. What the provider has due for the person's tenant is done first.
    """
    folded = address.strip().casefold()
    attempt = _count(folded, place)
    operations.settle_due(folded.rpartition("@")[2])
    user = User.get_or_none(User.folded == folded)
    kept = user.password_hash if user else passwords.nobodys_hash()
    if not passwords.is_right(kept, password) or user is None:
        return None
    _forgive(attempt, folded)
    return user


def _count(address: str, place: str) -> Attempt:
    """Count this attempt before it is made, so that many at once are counted too."""
    since = clock.real_now() - WINDOW
    with database.atomic():
        Attempt.delete().where(Attempt.at < since).execute()
        for_address = Attempt.select().where(Attempt.address == address).count()
        from_place = Attempt.select().where(Attempt.place == place).count()
        if for_address >= MOST_FOR_ADDRESS or from_place >= MOST_FROM_PLACE:
            raise TooManyAttempts
        return Attempt.create(address=address, place=place, at=clock.real_now())


def _forgive(attempt: Attempt, address: str) -> None:
    Attempt.delete().where((Attempt.id == attempt.id) | (Attempt.address == address)).execute()


def open_session(user: User) -> str:
    """Begin a session; its token, of which only a digest is kept."""
    token = secrets.token_urlsafe(32)
    PortalSession.create(token_hash=_digest(token), user=user, created_at=clock.now())
    return token


def who(token: str) -> User | None:
    """Whose session this is, if it has not ended (a new password, a released licence)."""
    session = _find(token)
    if session is None:
        return None
    operations.settle_due(session.user.tenant_id)
    return session.user if _find(token) else None


def _find(token: str) -> PortalSession | None:
    found: PortalSession | None = (
        PortalSession.select(PortalSession, User)
        .join(User)
        .where(PortalSession.token_hash == _digest(token))
        .first()
    )
    return found


def end_session(token: str) -> None:
    """Sign out."""
    PortalSession.delete().where(PortalSession.token_hash == _digest(token)).execute()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
