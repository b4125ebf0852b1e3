"""Second factors that an intruder may have added, about which a password reset asks.

They were added from a network that was new then, and the customer has not signed in since from one
that was known before.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from records.accounts import Account
from records.security import Authenticator, KnownOrigin, OriginKind, Passkey
from shop.customers import known_origins
from shop.customers.activity_log import Origin

OLD_ENOUGH = timedelta(days=1)
"""How long before a factor was added its network must have been known."""

Factor = Authenticator | Passkey


def is_from_known_network(account: Account, origin: Origin, at: datetime) -> bool:
    """Return whether a factor added at ``at`` comes from a network known long enough.

    Without a network, the factor is added on this machine.
    """
    digest = known_origins.network_digest(origin)
    return not digest or digest in {row.digest for row in _trusted(account, at)}


def factors(account: Account) -> list[Factor]:
    """Return the customer's factors that may be an intruder's, oldest first."""
    return [
        factor
        for table in (Authenticator, Passkey)
        for factor in table.select().where(
            table.account == account,
            table.from_known_network == False,  # noqa: E712
        )
        if not _was_noticeable(account, factor)
    ]


def _was_noticeable(account: Account, factor: Factor) -> bool:
    """Return whether the customer has signed in from a trusted network since it was added."""
    added: datetime = factor.created_at
    return any(row.seen_at > added for row in _trusted(account, added))


def _trusted(account: Account, at: datetime) -> list[KnownOrigin]:
    """Return the account's networks known long before ``at``, and the one it was opened from."""
    rows = list(
        KnownOrigin.select()
        .where(KnownOrigin.account == account, KnownOrigin.kind == OriginKind.NETWORK)
        .order_by(KnownOrigin.id)
    )
    return rows[:1] + [row for row in rows[1:] if row.first_at <= at - OLD_ENOUGH]
