"""Sessions: who is signed in where, since when, and until somebody ends it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from peewee import ModelSelect

from records.accounts import Account, Session
from records.base import database
from shop import clock
from shop.customers import activity_log
from shop.customers.activity_log import Origin
from shop.errors import N_, Refusal
from shop.security import encryption

LENGTH = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=5)

CONFIRMED_FOR = timedelta(minutes=15)
"""How long after the password was given it is not asked for again."""


class PasswordChanged(Refusal):
    """The account's password is no longer the one that was given."""


def hold(account: Account) -> None:
    """Keep the password as ``account`` was read with it until the caller's transaction ends.

    Whoever changes it meanwhile waits, and then ends what was begun here. Raises
    `PasswordChanged` if they were first.
    """
    known = (Account.id == account.id) & (Account.password_hash == account.password_hash)
    if not Account.update(password_hash=account.password_hash).where(known).execute():
        raise PasswordChanged(
            N_("The password of this account was changed a moment ago. Log in again."), "password"
        )


def start_session(account: Account, origin: Origin, means: str = "password") -> str:
    """Begin a signed-in session; the token its cookie carries. Raises `PasswordChanged`."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with database.atomic():
        hold(account)
        Session.create(
            token_digest=encryption.digest(token),
            account=account,
            created_at=now,
            seen_at=now,
            expires_at=now + LENGTH,
            confirmed_at=now,
            address=origin.address[:45],
            browser=origin.browser[:255],
        )
        activity_log.record(account, "signed_in", origin, note=means)
    return token


def find_session(token: str) -> Session | None:
    """The running session of a token, with its account, in one query."""
    session = (
        Session.select(Session, Account)
        .join(Account)
        .where(Session.token_digest == encryption.digest(token), Session.ended_at.is_null())
        .first()
    )
    if session is None or session.expires_at <= clock.now():
        return None
    return session


def mark_seen(session: Session) -> None:
    """Note that a session is in use, at most every few minutes."""
    now = clock.now()
    if now - session.seen_at >= SEEN_EVERY:
        Session.update(seen_at=now, expires_at=now + LENGTH).where(
            Session.id == session.id
        ).execute()


def active_sessions(account: Account) -> ModelSelect[Session]:
    """The sessions that are open now, the one used last first."""
    return (
        Session.select()
        .where(_open(account), Session.expires_at > clock.now())
        .order_by(Session.seen_at.desc(), Session.id.desc())
    )


def find_own(account: Account, session_id: int) -> Session | None:
    """A session of the customer's, running or not."""
    return Session.get_or_none(Session.account == account, Session.id == session_id)


def _open(account: Account) -> object:
    return (Session.account == account) & Session.ended_at.is_null()


# --- Ending them -----------------------------------------------------------------------------


def sign_out(session: Session, origin: Origin) -> None:
    """End the session one is in: its cookie is worth nothing from now on."""
    _end(session, "signed_out", origin)


def end_session(session: Session, origin: Origin) -> None:
    """End another session of the same account."""
    _end(session, "session_ended", origin, note=session.address)


def _end(session: Session, kind: str, origin: Origin, note: str = "") -> None:
    with database.atomic():
        ended = (
            Session.update(ended_at=clock.now())
            .where(Session.id == session.id, Session.ended_at.is_null())
            .execute()
        )
        if ended:
            activity_log.record(session.account, kind, origin, note=note)


def end_others(account: Account, keep: str = "") -> int:
    """End every session of an account but the one with token ``keep``; how many."""
    return int(
        Session.update(ended_at=clock.now())
        .where(_open(account), Session.token_digest != encryption.digest(keep))
        .execute()
    )


def end_others_at_once(account: Account, keep: str, origin: Origin) -> int:
    """The same at the customer's wish, noted in the log; how many."""
    with database.atomic():
        ended = end_others(account, keep)
        activity_log.record(account, "sessions_ended", origin)
    return ended


# --- Having proved who one is ----------------------------------------------------------------


def is_confirmed(session: Session) -> bool:
    """Whether the customer gave the password in this session a short while ago."""
    at = session.confirmed_at
    return at is not None and clock.now() - at < CONFIRMED_FOR


def confirm(session: Session) -> None:
    """The customer has just proved again who they are."""
    Session.update(confirmed_at=clock.now()).where(Session.id == session.id).execute()


def forget_old() -> int:
    """Delete sessions that ended or ran out more than a month ago; how many."""
    long_ago = clock.now() - timedelta(days=30)
    return int(Session.delete().where(Session.expires_at < long_ago).execute())
