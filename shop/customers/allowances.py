"""How many attempts at an account's secrets are allowed, and to whom.

Attempts are counted for the account *and* where they come from: a browser that has signed in
before, else the network. Those from browsers and networks that never signed in to the account have
a limit together as well, so that many networks guess no more than a few. Nobody can use up the
allowance of the customer's own browser.
"""

from __future__ import annotations

from dataclasses import dataclass

from limits import (
    RateLimitItem,
    RateLimitItemPerDay,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
)

from shop.customers.activity_log import Origin
from shop.customers.known_origins import Familiarity
from shop.security import encryption, rate_limits


@dataclass(frozen=True)
class Allowance:
    """The limits of one kind of attempt: from one origin, and from all unknown ones together."""

    what: str
    per_origin: tuple[RateLimitItem, ...]
    of_strangers: tuple[RateLimitItem, ...]


PASSWORD = Allowance("sign-in", (RateLimitItemPerMinute(10, 15),), (RateLimitItemPerHour(50),))
CONFIRMATION = Allowance("prove", PASSWORD.per_origin, PASSWORD.of_strangers)
SECOND_STEP = Allowance(
    "second-step",
    (RateLimitItemPerMinute(5, 15), RateLimitItemPerDay(50)),
    (RateLimitItemPerDay(50),),
)
"""Codes have six digits and three are valid at a time: a year of guesses finds one with 5 %."""
RESET = Allowance("reset", (RateLimitItemPerHour(5),), (RateLimitItemPerHour(5),))


def count_own(allowance: Allowance, subject: str, origin: Origin, known: Familiarity) -> None:
    """Count an attempt at ``subject`` from its origin. Raise `rate_limits.RateLimited`."""
    for item in allowance.per_origin:
        rate_limits.count_attempt(item, allowance.what, _key(subject, origin, known))


def count_strangers(allowance: Allowance, subject: str, known: Familiarity) -> None:
    """Count an attempt at ``subject`` from an unknown origin. Raise `rate_limits.RateLimited`."""
    if known.browser or known.network:
        return
    for item in allowance.of_strangers:
        rate_limits.count_attempt(item, f"{allowance.what}-strangers", _hashed(subject))


def count(allowance: Allowance, subject: str, origin: Origin, known: Familiarity) -> None:
    """Count an attempt at ``subject`` in both ways. Raise `rate_limits.RateLimited`."""
    count_own(allowance, subject, origin, known)
    count_strangers(allowance, subject, known)


def reset(allowance: Allowance, subject: str, origin: Origin, known: Familiarity) -> None:
    """Reset the origin's count that refills within the hour, after a success."""
    rate_limits.reset_attempts(
        allowance.per_origin[0], allowance.what, _key(subject, origin, known)
    )


def count_network(origin: Origin, known: Familiarity) -> None:
    """Count a sign-in from a network, whatever the account. Raise `rate_limits.RateLimited`.

    A browser that has signed in to the account before is not kept out by its neighbours.
    """
    if not known.browser:
        rate_limits.count_attempt(
            rate_limits.SIGN_IN_PER_ADDRESS,
            "sign-in-from",
            rate_limits.network_of(origin.ip_address),
        )


def _key(subject: str, origin: Origin, known: Familiarity) -> str:
    if known.browser:
        return _hashed(f"{subject} browser {origin.device}")
    return _hashed(f"{subject} network {rate_limits.network_of(origin.ip_address)}")


def _hashed(subject: str) -> str:
    """Return a key of fixed length that holds no personal data."""
    return encryption.digest(subject)
