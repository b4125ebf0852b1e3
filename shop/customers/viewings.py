"""« See as this customer »: a member of staff looks at the customer area, and changes nothing."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from records.accounts import Account
from records.base import database
from records.viewings import Viewing
from shop import clock
from shop.customers import activity_log, sessions
from shop.customers.activity_log import Origin
from shop.errors import N_, Refusal
from shop.security import encryption

VALIDITY = timedelta(minutes=15)


def start_viewing(account: Account, reason: str, *, by: str, origin: Origin) -> str:
    """Begin to see the customer area as a customer does; return the token of the viewing.

    It is recorded in the customer's own activity log. Raise `Refusal` without a reason.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal(N_("Give the reason: the customer sees it."), "reason")
    token, now = secrets.token_urlsafe(32), clock.now()
    with database.atomic():
        Viewing.create(
            token_digest=encryption.digest(token), account=account, by=by, reason=reason[:255],
            created_at=now, expires_at=now + VALIDITY,
        )  # fmt: skip
        activity_log.record(account, "seen_by_staff", origin, note=f"{by}: {reason}")
    return token


def find_viewing(token: str) -> Viewing | None:
    """Return the viewing of a token with its account, if it is not over; else None.

    Its `sessions.PAGE_COLUMNS` are those of `sessions.find_session`.
    """
    now = clock.now()
    columns = sessions.page_columns(Viewing.account)
    query = Viewing.select(Viewing, Account, *columns).join(Account)
    return query.where(
        Viewing.token_digest == encryption.digest(token),
        Viewing.ended_at.is_null(),
        Viewing.expires_at > now,
    ).first()


def end_viewing(token: str) -> None:
    """End the viewing of a token; idempotent."""
    alive = (Viewing.token_digest == encryption.digest(token)) & Viewing.ended_at.is_null()
    Viewing.update(ended_at=clock.now()).where(alive).execute()


def end_all_by(by: str) -> None:
    """End the viewings of a member of staff, named as in ``Viewing.by``; idempotent."""
    _end(Viewing.by == by)


def end_all() -> None:
    """End every viewing; idempotent."""
    _end(Viewing.id > 0)


def _end(viewings: Any) -> None:
    now = clock.now()
    alive = Viewing.ended_at.is_null() & (Viewing.expires_at > now)
    Viewing.update(ended_at=now).where(viewings, alive).execute()
