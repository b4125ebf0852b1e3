"""The networks and browsers from which a customer has signed in before.

Rate limits give them an allowance of their own, so that strangers who guess passwords do not shut
the customer out. They are stored as digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from peewee import ModelSelect

from records.accounts import Account
from records.security import KnownOrigin, OriginKind
from shop import clock
from shop.customers.activity_log import Origin
from shop.security import encryption, rate_limits
from shop.sql.prepared import prepared

RETENTION = timedelta(days=365)
"""How long a network or browser is known after the last sign-in from it."""


@dataclass(frozen=True)
class Familiarity:
    """Whether an account was signed in to before from a request's browser, from its network."""

    browser: bool = False
    network: bool = False


def remember(account: Account, origin: Origin) -> None:
    """Store the network and browser of a sign-in, in the caller's transaction."""
    now = clock.now()
    rows = [
        {"account": account, "kind": kind, "digest": digest, "first_at": now, "seen_at": now}
        for kind, digest in _digests(origin).items()
    ]
    if rows:
        KnownOrigin.insert_many(rows).on_conflict(
            conflict_target=[KnownOrigin.account, KnownOrigin.digest],
            preserve=[KnownOrigin.seen_at],
        ).execute()


def familiarity(identifier: str, origin: Origin) -> Familiarity:
    """Return how ``origin`` is known to an account of this nic-handle or e-mail address.

    The work is the same whether there is such an account or not.
    """
    digests = _digests(origin)
    places = [digests.get(kind, "") for kind in (OriginKind.NETWORK, OriginKind.BROWSER)]
    kinds = {kind for (kind,) in _kinds_known.tuples(identifier, *places)}
    return Familiarity(OriginKind.BROWSER in kinds, OriginKind.NETWORK in kinds)


@prepared
def _kinds_known(identifier: str, network: str, browser: str) -> ModelSelect[KnownOrigin]:
    identified = (Account.nic_handle == identifier) | (Account.email == identifier)
    return KnownOrigin.select(KnownOrigin.kind).where(
        KnownOrigin.account.in_(Account.select(Account.id).where(identified)),
        KnownOrigin.digest.in_([network, browser]),
    )


def is_known_browser(device: str) -> bool:
    """Return whether any account was signed in to from the browser of this token."""
    digest = _digest(OriginKind.BROWSER, device)
    return bool(device) and KnownOrigin.select().where(KnownOrigin.digest == digest).exists()


def network_digest(origin: Origin) -> str:
    """Return the digest under which the network of ``origin`` is stored; "" if it is unknown."""
    return _digests(origin).get(OriginKind.NETWORK, "")


def _digests(origin: Origin) -> dict[str, str]:
    """Return the digests of an origin's network and browser, without those that are unknown."""
    values = {
        OriginKind.NETWORK: rate_limits.network_of(origin.ip_address),
        OriginKind.BROWSER: origin.device,
    }
    return {kind: _digest(kind, value) for kind, value in values.items() if value}


def _digest(kind: str, value: str) -> str:
    return encryption.digest(f"{kind}:{value}")


def delete_old() -> int:
    """Delete what no sign-in came from for a year; return the number of rows."""
    long_ago = clock.now() - RETENTION
    return int(KnownOrigin.delete().where(KnownOrigin.seen_at < long_ago).execute())
