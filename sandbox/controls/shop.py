"""Signed calls of the controls to the shop (see `sandbox.signatures`).

The shop answers ``POST /sandbox/clock`` ``{"moved_on_seconds"}``, ``POST /sandbox/pauses``
``{"point", "seconds"}`` and ``POST /sandbox/accounts`` ``{"language", "licences", "exchange"}``
with any 2xx; the last with ``{"nic_handle", "password", "email"}``.
"""

from __future__ import annotations

import json
import ssl
import threading
from typing import Any

import httpx
from flask import current_app

from sandbox import clock, key_value
from sandbox.settings import SandboxSettings
from sandbox.signatures import HEADER, sign

MAX_CLOCK_OFFSET = 100 * 366 * 86400
"""The largest offset of the clock, in seconds: certificates and cards have expiry dates."""

_clock_lock = threading.Lock()
# The machine's certificates, and those of SSL_CERT_FILE: the shop may have its own authority.
_http = httpx.Client(timeout=30, trust_env=False, verify=ssl.create_default_context())


class ShopUnavailable(Exception):
    """The shop did not answer, or answered with an error; the message says which."""


def post_to_shop(path: str, message: dict[str, Any]) -> Any:
    """Post ``message`` to the shop and return its answer. Raises `ShopUnavailable`."""
    settings: SandboxSettings = current_app.config["SANDBOX"]
    body = json.dumps(message).encode()
    headers = {
        "Content-Type": "application/json",
        HEADER: sign(settings.notification_secret, body, clock.real_now()),
    }
    url = settings.shop_url + path
    try:
        answer = _http.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ShopUnavailable(f"{url}: {type(error).__name__}: {error}") from error
    if not answer.is_success:
        raise ShopUnavailable(f"{url} answered {answer.status_code}")
    return _read_json(answer)


def _read_json(answer: httpx.Response) -> Any:
    if not answer.content:
        return {}
    try:
        return current_app.json.loads(answer.content)
    except ValueError as error:
        raise ShopUnavailable(f"{answer.url} did not answer with JSON") from error


def move_clock(seconds: float) -> float:
    """Advance the clock, first the shop's and then the sandbox's; return the new offset.

    If the shop does not acknowledge, nothing changes here and the call can be retried: the shop
    is sent the whole offset each time, which is idempotent. ``seconds`` may be 0, which sends the
    offset again. Raises `ShopUnavailable`, or `ValueError` above `MAX_CLOCK_OFFSET`.
    """
    with _clock_lock:
        total = clock.moved_on() + seconds
        if total > MAX_CLOCK_OFFSET:
            raise ValueError("the clock cannot be moved on that far")
        post_to_shop("/sandbox/clock", {"moved_on_seconds": total})
        clock.set_moved_on(total)
    return total


def set_pause(point: str, seconds: float) -> None:
    """Make the shop pause at a test point (0: stop pausing). Raises `ShopUnavailable`."""
    post_to_shop("/sandbox/pauses", {"point": point, "seconds": seconds})
    points = set(key_value.get_value("pauses", []))
    points = points | {point} if seconds else points - {point}
    key_value.set_value("pauses", sorted(points))


def end_pauses() -> None:
    """End the pauses that were set; the shop is called only for those. Raises
    `ShopUnavailable`.
    """
    for point in key_value.get_value("pauses", []):
        set_pause(point, 0)


def create_demo_account(
    language: str, licences: int = 0, *, exchange: bool = False
) -> dict[str, str]:
    """Make the shop create a demo account; return its credentials.

    It gets a group of ``licences`` licences, and an Exchange service if ``exchange``. Raises
    `ShopUnavailable`.
    """
    wanted = {"language": language, "licences": licences}
    answer = post_to_shop("/sandbox/accounts", wanted | ({"exchange": True} if exchange else {}))
    try:
        return {name: str(answer[name]) for name in ("nic_handle", "password", "email")}
    except (KeyError, TypeError) as error:
        raise ShopUnavailable("the shop answered without an account") from error
