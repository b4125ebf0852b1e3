"""Notices that a proxy forwards requests although ``TRUSTED_PROXIES`` does not count it.

All customers then share the proxy's address: rate limits refuse them together, and acceptances of
contracts record the proxy.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from shop.security.rate_limits import DatabaseStorage
from shop.settings import PerProcess

log = structlog.get_logger()

KEY = "untrusted-proxy"
KEPT_FOR = timedelta(days=1)
"""How long `seen_untrusted` remembers; it is longer where requests go on coming."""


def once_a_minute() -> FixedWindowRateLimiter:
    """Return a new throttle."""
    return FixedWindowRateLimiter(MemoryStorage())


throttle = PerProcess[FixedWindowRateLimiter](once_a_minute)
"""What keeps this process from reporting each request."""


def is_untrusted(chain: str, trusted: int) -> bool:
    """Return whether an ``X-Forwarded-For`` holds fewer addresses than trusted proxies add."""
    return trusted == 0 or len(chain.split(",")) < trusted


def report_untrusted(chain: str, trusted: int) -> None:
    """Log that a request was forwarded by a proxy that is not trusted, once a minute."""
    if throttle().hit(RateLimitItemPerMinute(1), KEY):
        DatabaseStorage().incr(KEY, KEPT_FOR.total_seconds())
        log.error(
            "untrusted_proxy",
            trusted_proxies=trusted,
            forwarded_addresses=len(chain.split(",")),
            what_to_do="set TRUSTED_PROXIES to the number of proxies in front of the shop",
        )


def seen_untrusted() -> bool:
    """Return whether a request was forwarded by an untrusted proxy since yesterday."""
    return DatabaseStorage().get(KEY) > 0
