"""Rate limits: attempts are counted in the database, or in Redis if there is one."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network

import structlog
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from peewee import Case
from redis.exceptions import RedisError

from records.accounts import RateCount
from records.base import database
from shop import clock
from shop.errors import N_, Refusal
from shop.security import encryption
from shop.settings import PerProcess, Settings

log = structlog.get_logger()

REDIS_TIMEOUT = 1.0
"""The time-out of Redis in seconds; then the database counts instead."""

SIGN_IN_PER_ADDRESS = RateLimitItemPerMinute(60, 15)
PASSKEY_PER_BROWSER = RateLimitItemPerMinute(60, 15)
PASSKEY_PER_NETWORK = RateLimitItemPerMinute(300, 15)
"""Nobody guesses a signature: this limits the work alone, apart from the count of passwords."""
PASSKEY_FAILURES = RateLimitItemPerMinute(60, 15)
REGISTRATION_PER_ADDRESS = RateLimitItemPerHour(20)
CONFIRMATIONS_PER_EMAIL = RateLimitItemPerDay(3)
"""E-mails to an address that nobody has proved to be theirs."""
RESET_PER_ADDRESS = RateLimitItemPerHour(30)
SEND_AGAIN_PER_ACCOUNT = RateLimitItemPerHour(30)
EXPORT_PER_ACCOUNT = RateLimitItemPerDay(5)
FORMS_PER_ACCOUNT = RateLimitItemPerHour(1000)
"""Every form of a customer: each may queue work."""
IMPORTS_PER_ACCOUNT = RateLimitItemPerHour(60)
SEARCHES_PER_ACCOUNT = RateLimitItemPerMinute(600, 10)
DOCUMENTS_PER_ACCOUNT = RateLimitItemPerMinute(120, 10)
"""PDFs and archives that are made at each request."""


class RateLimited(Refusal):
    """Too many attempts; ``minutes`` is the number of minutes to wait."""

    status = 429

    def __init__(self, sentence: str, minutes: int) -> None:
        super().__init__(sentence, minutes=minutes)
        self.minutes = minutes


class DatabaseStorage(Storage):
    """A storage of `limits` in the shop's database: one row per key, incremented atomically."""

    STORAGE_SCHEME = ["shop-database"]

    @property
    def base_exceptions(self) -> type[Exception]:
        """The exceptions this storage raises when it cannot count."""
        return Exception

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Increment the count of ``key``, in a window of ``expiry`` seconds from its start."""
        now = clock.real_now()
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
        """Return the count of ``key`` in its current window."""
        row = RateCount.select(RateCount.count).where(
            RateCount.key == key[:255], RateCount.expires_at > clock.real_now()
        )
        return int(row.scalar() or 0)

    def get_expiry(self, key: str) -> float:
        """Return when the window of ``key`` ends, in seconds since the epoch."""
        ends = RateCount.select(RateCount.expires_at).where(RateCount.key == key[:255]).scalar()
        return (ends or clock.real_now()).timestamp()

    def check(self) -> bool:
        """Return True: without its database the shop does not work at all."""
        return True

    def reset(self) -> int | None:
        """Delete every count. Return their number."""
        return int(RateCount.delete().execute())

    def clear(self, key: str) -> None:
        """Delete the count of ``key``."""
        RateCount.delete().where(RateCount.key == key[:255]).execute()


class _Off:
    def hit(self, *_: object) -> bool:
        return True

    def clear(self, *_: object) -> None:
        return None


class _InRedis:
    """Counts in Redis, and in the database while Redis is unavailable."""

    def __init__(self, url: str) -> None:
        options = {"socket_timeout": REDIS_TIMEOUT, "socket_connect_timeout": REDIS_TIMEOUT}
        self._redis = FixedWindowRateLimiter(storage_from_string(url, **options))
        self._database = FixedWindowRateLimiter(DatabaseStorage())

    def hit(self, item: RateLimitItem, *who: str) -> bool:
        try:
            return self._redis.hit(item, *who)
        except RedisError as error:
            log.warning("redis_unavailable", reason=str(error))
            return self._database.hit(item, *who)

    def clear(self, item: RateLimitItem, *who: str) -> None:
        with suppress(RedisError):
            self._redis.clear(item, *who)
        self._database.clear(item, *who)


limiter = PerProcess[FixedWindowRateLimiter | _InRedis | _Off](_Off)
"""The rate limiter of this process."""


def limiter_for(settings: Settings) -> FixedWindowRateLimiter | _InRedis | _Off:
    """Return the rate limiter for ``settings``: Redis if configured, else the database.

    Without ``rate_limits`` nothing is counted.
    """
    if not settings.rate_limits:
        return _Off()
    if settings.redis_url:
        return _InRedis(settings.redis_url)
    return FixedWindowRateLimiter(DatabaseStorage())


def count_attempt(item: RateLimitItem, what: str, who: str) -> None:
    """Count one attempt at ``what`` by ``who``. Raise `RateLimited` if it exceeds the limit."""
    if limiter().hit(item, what, who):
        return
    log.warning("rate_limited", what=what)
    minutes = max(1, item.get_expiry() // 60)
    raise RateLimited(
        N_("Too many attempts. For your security, please try again in %(minutes)d minutes."),
        minutes=minutes,
    )


def count_unproved(email: str) -> None:
    """Count an e-mail to an address that nobody has proved to be theirs. Raise `RateLimited`."""
    count_attempt(CONFIRMATIONS_PER_EMAIL, "email-proof", encryption.digest(email))


def reset_attempts(item: RateLimitItem, what: str, who: str) -> None:
    """Reset the count of ``what`` by ``who``, after a success."""
    limiter().clear(item, what, who)


@lru_cache(64)  # of the requests under way: each asks for its address up to seven times
def read_ip_address(text: str) -> str:
    """Return the IP address that a proxy or a server reported; "" if it is not one.

    Some add a port. A server that listens on IPv4 and IPv6 reports an IPv4 address as an IPv6
    one, all of which would fall into one /64 network; it is returned as IPv4.
    """
    bare = re.sub(r"^\[(.*)\](:\d+)?$|^([\d.]+):\d+$", r"\1\3", text.strip()).partition("%")[0]
    try:
        parsed = ip_address(bare)
    except ValueError:
        return ""
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def network_of(ip: str) -> str:
    """Return the network an IP address is counted under: itself, or for IPv6 its /64.

    One customer usually holds a whole /64.
    """
    if ":" not in (plain := read_ip_address(ip)):
        return plain
    return str(ip_network((plain, 64), strict=False))


def forget_expired() -> int:
    """Delete the counts of windows that have ended. Return their number."""
    return int(RateCount.delete().where(RateCount.expires_at < clock.real_now()).execute())
