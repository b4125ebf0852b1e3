"""Sign-in sessions: start, look-up, end, and recent confirmation of the password."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from peewee import SQL, ModelSelect, ModelUpdate, fn

from records.accounts import Account, Session
from records.base import database
from records.catalogue import CatalogueVersion
from records.jobs import SandboxSwitch
from records.subscriptions import LATE, Subscription
from records.terminations import TERMINATION_ALIVE, Termination
from shop import clock, settings
from shop.customers import activity_log, known_origins
from shop.customers.activity_log import UNKNOWN, Origin
from shop.errors import N_, Refusal
from shop.sandbox_link import test_points
from shop.security import encryption
from shop.sql.prepared import prepared, prepared_update

IDLE_LENGTH = timedelta(hours=12)
STAYING_LENGTH = timedelta(days=30)
"""How long a session lasts unused, by default and where the customer asked to stay signed in."""

LONGEST = timedelta(days=90)
"""How long a session lasts at most, however much it is used."""

FACTOR_METHODS = {"totp", "recovery", "password_passkey", "passkey"}
"""The sign-in methods (`activity_log.SIGN_IN_METHODS`) that include a second factor."""
SEEN_INTERVAL = timedelta(minutes=5)
"""The minimum time between two updates of a session's last use."""

CONFIRMATION_VALIDITY = timedelta(minutes=15)
"""How long after the password was given it is not required again."""


class PasswordChanged(Refusal):
    """The account's password was changed by another process after it was verified."""


class AccountBlocked(Refusal):
    """The operator has blocked the account."""

    status = 403


class AccountClosed(AccountBlocked):
    """The account was closed for good."""


def check_not_blocked(account: Account) -> None:
    """Raise `AccountBlocked` if the operator has blocked the account (`blocking`), and
    `AccountClosed` if it was closed for good."""
    if Account.select().where(Account.id == account.id, _CLOSED).exists():
        raise AccountClosed(
            N_("This account is closed. Create a new one to order again."), "nic_handle"
        )
    blocked = Account.select(Account.blocked_reason).where(Account.id == account.id, _BLOCKED)
    row = blocked.first()
    if row is None:
        return
    email = settings.current().seller.email
    if row.blocked_reason:
        raise AccountBlocked(
            N_("This account is blocked: %(reason)s. Write to our customer service: %(email)s."),
            "nic_handle",
            email=email,
            reason=row.blocked_reason.rstrip("."),
        )
    raise AccountBlocked(
        N_("This account is blocked. Write to our customer service: %(email)s."),
        "nic_handle",
        email=email,
    )


_BLOCKED = Account.blocked_at.is_null(False)
_CLOSED = Account.closed_at.is_null(False)


def lock_password(account: Account) -> None:
    """Lock the account's row if its password is still the one in ``account``.

    Until the caller's transaction ends, a concurrent change of the password, or of whether the
    account is blocked, waits; it then ends the session started here. Raise `PasswordChanged` or
    `AccountBlocked` if the change was committed first.
    """
    if not _lock.changed(account.id, account.password_hash):
        check_not_blocked(account)
        raise PasswordChanged(
            N_("The password of this account was changed a moment ago. Log in again."), "password"
        )


@prepared_update
def _lock(account: int, password_hash: str) -> ModelUpdate:
    return Account.update(password_hash=password_hash).where(
        Account.id == account, Account.password_hash == password_hash, ~_BLOCKED, ~_CLOSED
    )


def start_session(
    account: Account, origin: Origin, means: str = "password", *, stays: bool = False
) -> str:
    """Start a session; return the token for its cookie. Raise like `lock_password`.

    ``stays``: the customer asked to stay signed in.
    """
    token = _new_token()
    now = clock.now()
    with database.atomic():
        lock_password(account)
        Session.add(
            token_digest=encryption.digest(token),
            account=account,
            created_at=now,
            seen_at=now,
            expires_at=now + (STAYING_LENGTH if stays else IDLE_LENGTH),
            confirmed_at=now,
            factor_at=now if means in FACTOR_METHODS else None,
            stays=stays,
            ip_address=origin.ip_address[:45],
            browser=origin.browser[:255],
        )
        known_origins.remember(account, origin)
        activity_log.record(account, "signed_in", origin, note=means)
    return token


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def renew_token(session: Session) -> str:
    """Return a new token of a session, for its cookie; the one it had becomes invalid."""
    token = _new_token()
    Session.update(token_digest=encryption.digest(token)).where(Session.id == session.id).execute()
    return token


@prepared
def _session_with_account(token_digest: str, clock_switch: str | None) -> ModelSelect[Session]:
    columns = page_columns(Session.account)
    query = Session.select(Session, Account, *columns).join(Account)
    if clock_switch is not None:
        moved_on = SandboxSwitch.select(SandboxSwitch.value)
        query = query.select_extend(
            moved_on.where(SandboxSwitch.name == clock_switch).alias("moved_on")
        )
    return query.where(Session.token_digest == token_digest, Session.ended_at.is_null())


PAGE_COLUMNS = ("catalogue_token", "is_late", "is_ending")
"""What pages need of who is signed in, besides their account: see `find_session`."""


def page_columns(account: Any) -> Iterator[Any]:
    """Return the `PAGE_COLUMNS` of the account that a column refers to."""
    columns = (_catalogue_token(), _is_late(account), _is_ending(account))
    return (column.alias(name) for name, column in zip(PAGE_COLUMNS, columns, strict=True))


def _catalogue_token() -> Any:
    return CatalogueVersion.select(CatalogueVersion.token).limit(1)


def _is_late(account: Any) -> Any:
    late = Subscription.status.in_(LATE)
    return fn.EXISTS(Subscription.select(SQL("1")).where(Subscription.account == account, late))


def _is_ending(account: Any) -> Any:
    alive = Termination.status.in_(TERMINATION_ALIVE)
    return fn.EXISTS(Termination.select(SQL("1")).where(Termination.account == account, alive))


def find_session(token: str) -> Session | None:
    """Return the active session of a token with its account (one query), or None.

    Its ``catalogue_token`` is that of `records.catalogue.CatalogueVersion`; ``is_late`` says that a
    service of the account is unpaid or suspended, ``is_ending`` that one has a termination. Where
    the sandbox moves the clock, ``moved_on`` is how far, and the clock is set to it.
    """
    session = _session_with_account.first(encryption.digest(token), test_points.clock_switch())
    if session is None:
        return None
    if hasattr(session, "moved_on"):
        test_points.set_clock(session.moved_on)
    if session.expires_at <= clock.now():
        return None
    return session


def owner_of(token: str) -> int | None:
    """Return the account of a session that may have ended; None once it is deleted."""
    row = Session.get_or_none(Session.token_digest == encryption.digest(token))
    return row.account_id if row else None


def mark_seen(session: Session) -> None:
    """Record that a session is in use, at most once per `SEEN_INTERVAL`; extend it."""
    now = clock.now()
    if now - session.seen_at >= SEEN_INTERVAL:
        length = STAYING_LENGTH if session.stays else IDLE_LENGTH
        expires_at = min(now + length, session.created_at + LONGEST)
        Session.update(seen_at=now, expires_at=expires_at).where(Session.id == session.id).execute()


def active_sessions(account: Account) -> ModelSelect[Session]:
    """Return the active sessions, the most recently used first."""
    return (
        Session.select()
        .where(_open(account), Session.expires_at > clock.now())
        .order_by(Session.seen_at.desc(), Session.id.desc())
    )


def find_account_session(account: Account, session_id: int) -> Session | None:
    """Return a session of the customer, active or not, or None."""
    return Session.get_or_none(Session.account == account, Session.id == session_id)


def _open(account: Account) -> object:
    return (Session.account == account) & Session.ended_at.is_null()


# --- Ending ----------------------------------------------------------------------------------


def sign_out(session: Session, origin: Origin) -> None:
    """End the current session; its cookie becomes invalid."""
    _end(session, "signed_out", origin)


def end_session(session: Session, origin: Origin) -> None:
    """End another session of the same account."""
    _end(session, "session_ended", origin, note=session.ip_address)


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
    """End all sessions of an account except that of token ``keep``; return their number."""
    return int(
        Session.update(ended_at=clock.now())
        .where(_open(account), Session.token_digest != encryption.digest(keep))
        .execute()
    )


def end_others_on_request(account: Account, keep: str, origin: Origin) -> int:
    """End all other sessions as the customer requested, and log it; return their number."""
    with database.atomic():
        ended = end_others(account, keep)
        activity_log.record(account, "sessions_ended", origin)
    return ended


def end_all_of(account: Account) -> int:
    """End the sessions of an account, as the operator decided, and log it; return their number."""
    with database.atomic():
        ended = end_others(account)
        activity_log.record(account, "all_sessions_ended", UNKNOWN)
    return ended


def end_all() -> int:
    """End every session of every customer; return their number."""
    return int(Session.update(ended_at=clock.now()).where(Session.ended_at.is_null()).execute())


# --- Confirmation ----------------------------------------------------------------------------


def is_confirmed(session: Session) -> bool:
    """Whether the password was given in this session within `CONFIRMATION_VALIDITY`."""
    at = session.confirmed_at
    return at is not None and clock.now() - at < CONFIRMATION_VALIDITY


def mark_confirmed(session: Session) -> None:
    """Record that the customer has just given their password again."""
    Session.update(confirmed_at=clock.now()).where(Session.id == session.id).execute()


def has_factor(session: Session) -> bool:
    """Whether a second factor was given in this session within `CONFIRMATION_VALIDITY`."""
    at = session.factor_at
    return at is not None and clock.now() - at < CONFIRMATION_VALIDITY


def mark_factor(session: Session) -> None:
    """Record that the customer has just given a second factor again."""
    Session.update(factor_at=clock.now()).where(Session.id == session.id).execute()


def delete_old() -> int:
    """Delete sessions that expired more than a month ago; return their number."""
    long_ago = clock.now() - timedelta(days=30)
    return int(Session.delete().where(Session.expires_at < long_ago).execute())
