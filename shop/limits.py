"""How often something may be tried: counted in the database, or in Redis where that is shared."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from peewee import Case

from models import RateCount, database
from shop.errors import N_, Refusal

SIGN_IN_PER_ACCOUNT = RateLimitItemPerMinute(10, 15)
SIGN_IN_PER_ADDRESS = RateLimitItemPerMinute(60, 15)
SECOND_STEP_PER_ACCOUNT = RateLimitItemPerMinute(5, 15)
SECOND_STEP_PER_DAY = RateLimitItemPerDay(50)
"""Six digits, three of them right at a time: guessing for a year finds a code with 5 %."""
REGISTRATION_PER_ADDRESS = RateLimitItemPerHour(20)
RESET_PER_ACCOUNT = RateLimitItemPerHour(5)
RESET_PER_ADDRESS = RateLimitItemPerHour(30)
SEND_AGAIN_PER_ACCOUNT = RateLimitItemPerHour(30)
EXPORT_PER_ACCOUNT = RateLimitItemPerDay(5)


class TooMany(Refusal):
    """Tried too often; ``minutes`` says when to come back."""

    status = 429


class DatabaseStorage(Storage):
    """Counts of `limits` in the shop's database: one row a key, raised in one statement."""

    STORAGE_SCHEME = ["shop-database"]

    @property
    def base_exceptions(self) -> type[Exception]:
        """What this storage raises when it cannot count."""
        return Exception

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Raise the count of ``key``, in a window that ends ``expiry`` seconds from its start."""
        now = datetime.now(UTC)
        running = RateCount.expires_at > now
        with database.atomic():
            RateCount.insert(
                key=key[:255], count=amount, expires_at=now + timedelta(seconds=expiry)
            ).on_conflict(
                conflict_target=[RateCount.key],
                update={
                    RateCount.count: Case(None, [(running, RateCount.count + amount)], amount),
                    RateCount.expires_at: Case(
                        None,
                        [(running, RateCount.expires_at)],
                        now + timedelta(seconds=expiry),
                    ),
                },
            ).execute()
            return self.get(key)

    def get(self, key: str) -> int:
        """The count of ``key`` in its running window."""
        row = RateCount.select(RateCount.count).where(
            RateCount.key == key[:255], RateCount.expires_at > datetime.now(UTC)
        )
        return int(row.scalar() or 0)

    def get_expiry(self, key: str) -> float:
        """When the window of ``key`` ends, as seconds since the epoch."""
        ends = RateCount.select(RateCount.expires_at).where(RateCount.key == key[:255]).scalar()
        return ends.timestamp() if ends else time.time()

    def check(self) -> bool:
        """The database is there, or nothing in the shop works."""
        return True

    def reset(self) -> int | None:
        """Forget every count."""
        return int(RateCount.delete().execute())

    def clear(self, key: str) -> None:
        """Forget the count of ``key``."""
        RateCount.delete().where(RateCount.key == key[:255]).execute()


class _Off:
    def hit(self, *_: object) -> bool:
        return True

    def clear(self, *_: object) -> None:
        return None


_limiter: FixedWindowRateLimiter | _Off = _Off()


def connect(redis_url: str, *, enabled: bool = True) -> None:
    """Count in Redis if there is one, else in the database; not at all when not ``enabled``."""
    global _limiter
    if not enabled:
        _limiter = _Off()
        return
    storage = storage_from_string(redis_url) if redis_url else DatabaseStorage()
    _limiter = FixedWindowRateLimiter(storage)


def count(item: RateLimitItem, what: str, who: str) -> None:
    """Count one try of ``what`` by ``who``; raises `TooMany` when it was one too many."""
    if _limiter.hit(item, what, who):
        return
    minutes = max(1, item.get_expiry() // 60)
    raise TooMany(
        N_("Too many attempts. For your security, please try again in %(minutes)d minutes."),
        minutes=minutes,
    )


def forget(item: RateLimitItem, what: str, who: str) -> None:
    """Start counting ``what`` by ``who`` anew, after a success."""
    _limiter.clear(item, what, who)


def network_of(address: str) -> str:
    """Who an address belongs to: itself, or for IPv6 its /64, which one customer has whole."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)


def forget_expired() -> int:
    """Delete counts of windows that have ended; how many."""
    return int(RateCount.delete().where(RateCount.expires_at < datetime.now(UTC)).execute())
