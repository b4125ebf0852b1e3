"""Blocked accounts: nobody can sign in to them until the operator unblocks them.

Their services, and the renewals of these, are not affected.
"""

from __future__ import annotations

from records.accounts import Account
from records.base import database
from shop import clock
from shop.customers import activity_log, one_time_links, sessions
from shop.customers.activity_log import UNKNOWN


def block(account: Account, reason: str = "") -> bool:
    """Block an account, end its sessions and its links; return False if it was blocked already.

    Whoever signs in is told the ``reason``, if there is one.
    """
    with database.atomic():
        changed = _write(
            account,
            Account.blocked_at.is_null(),
            blocked_at=clock.now(),
            blocked_reason=reason or None,
        )
        sessions.end_others(account)
        one_time_links.void_links(account)
        if changed:
            activity_log.record(account, "account_blocked", UNKNOWN, note=reason)
    return changed


def unblock(account: Account, reason: str = "") -> bool:
    """Let the customer sign in again; return False if the account was not blocked."""
    with database.atomic():
        changed = _write(
            account, Account.blocked_at.is_null(False), blocked_at=None, blocked_reason=None
        )
        if changed:
            activity_log.record(account, "account_unblocked", UNKNOWN, note=reason)
    return changed


def _write(account: Account, which: object, **values: object) -> bool:
    return bool(Account.update(**values).where(Account.id == account.id, which).execute())
