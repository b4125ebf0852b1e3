"""How often something may be tried: counted in the database, or in Redis where that is shared."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import structlog
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from peewee import Case
from redis.exceptions import RedisError

from records.accounts import RateCount
from records.base import database
from shop.errors import N_, Refusal
from shop.settings import PerProcess, Settings

log = structlog.get_logger()

REDIS_PATIENCE = 1.0
"""Seconds to wait for Redis before counting without it."""

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


class RateLimited(Refusal):
    """Tried too often; ``minutes`` says when to come back."""

    status = 429

    def __init__(self, sentence: str, minutes: int) -> None:
        super().__init__(sentence, minutes=minutes)
        self.minutes = minutes


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


class _InRedis:
    """Counts in Redis; while Redis is away, in the database, so that limits hold all the same."""

    def __init__(self, url: str) -> None:
        options = {"socket_timeout": REDIS_PATIENCE, "socket_connect_timeout": REDIS_PATIENCE}
        self._redis = FixedWindowRateLimiter(storage_from_string(url, **options))
        self._database = FixedWindowRateLimiter(DatabaseStorage())

    def hit(self, item: RateLimitItem, *who: str) -> bool:
        try:
            return self._redis.hit(item, *who)
        except RedisError as error:
            log.warning("redis is away, counting in the database", reason=str(error))
            return self._database.hit(item, *who)

    def clear(self, item: RateLimitItem, *who: str) -> None:
        with suppress(RedisError):
            self._redis.clear(item, *who)
        self._database.clear(item, *who)


limiter = PerProcess[FixedWindowRateLimiter | _InRedis | _Off](_Off)
"""What counts in this process."""


def limiter_for(settings: Settings) -> FixedWindowRateLimiter | _InRedis | _Off:
    """What counts in Redis if there is one, else in the database; not at all when switched off."""
    if not settings.rate_limits:
        return _Off()
    if settings.redis_url:
        return _InRedis(settings.redis_url)
    return FixedWindowRateLimiter(DatabaseStorage())


def count_attempt(item: RateLimitItem, what: str, who: str) -> None:
    """Count one try of ``what`` by ``who``; raises `RateLimited` when it was one too many."""
    if limiter().hit(item, what, who):
        return
    minutes = max(1, item.get_expiry() // 60)
    raise RateLimited(
        N_("Too many attempts. For your security, please try again in %(minutes)d minutes."),
        minutes=minutes,
    )


def forget(item: RateLimitItem, what: str, who: str) -> None:
    """Start counting ``what`` by ``who`` anew, after a success."""
    limiter().clear(item, what, who)


def read_address(text: str) -> str:
    """The IP address in what a proxy or a server tells; "" where there is none.

    Some tell a port along. One that listens to both families tells an IPv4 address as an IPv6
    one, which would make one neighbourhood of all of them.
    """
    bare = re.sub(r"^\[(.*)\](:\d+)?$|^([\d.]+):\d+$", r"\1\3", text.strip()).partition("%")[0]
    try:
        parsed = ip_address(bare)
    except ValueError:
        return ""
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def network_of(address: str) -> str:
    """Who an address belongs to: itself, or for IPv6 its /64, which one customer has whole."""
    if ":" not in (plain := read_address(address)):
        return plain
    return str(ip_network((plain, 64), strict=False))


def forget_expired() -> int:
    """Delete counts of windows that have ended; how many."""
    return int(RateCount.delete().where(RateCount.expires_at < datetime.now(UTC)).execute())
