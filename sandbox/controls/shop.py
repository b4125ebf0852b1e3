"""What the controls ask of the shop, by signed calls (see `sandbox.signatures`).

The shop answers ``POST /sandbox/clock`` ``{"moved_on_seconds"}``, ``POST /sandbox/pauses``
``{"point", "seconds"}`` and ``POST /sandbox/accounts`` ``{"language", "licences", "exchange"}``
with any 2xx; the last with ``{"nic_handle", "password", "email"}``.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
from flask import current_app

from sandbox import clock, key_value
from sandbox.settings import SandboxSettings
from sandbox.signatures import HEADER, sign

FARTHEST = 100 * 366 * 86400
"""How far the clock may be moved on, in seconds: certificates and cards have dates, too."""

_moving = threading.Lock()
_line = httpx.Client(timeout=30, trust_env=False)


class ShopSilent(Exception):
    """The shop did not do what it was asked; the message says what it said instead."""


def tell(path: str, message: dict[str, Any]) -> Any:
    """Post ``message`` to the shop and return its answer. Raises `ShopSilent`."""
    settings: SandboxSettings = current_app.config["SANDBOX"]
    body = json.dumps(message).encode()
    headers = {
        "Content-Type": "application/json",
        HEADER: sign(settings.notification_secret, body, clock.real_now()),
    }
    address = settings.shop_url + path
    try:
        answer = _line.post(address, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ShopSilent(f"{address}: {type(error).__name__}: {error}") from error
    if not answer.is_success:
        raise ShopSilent(f"{address} answered {answer.status_code}")
    return _read(answer)


def _read(answer: httpx.Response) -> Any:
    if not answer.content:
        return {}
    try:
        return answer.json()
    except ValueError as error:
        raise ShopSilent(f"{answer.url} did not answer with JSON") from error


def move_clock(seconds: float) -> float:
    """Move the clock on, first the shop's and then the sandbox's; how far it is moved in all.

    If the shop does not acknowledge, nothing moves here, and the same call may be made again: the
    shop is told the whole distance each time, so that nothing is moved twice. ``seconds`` may be
    0, which tells the shop again. Raises `ShopSilent`.
    """
    with _moving:
        total = clock.moved_on() + seconds
        if total > FARTHEST:
            raise ValueError("the clock cannot be moved on that far")
        tell("/sandbox/clock", {"moved_on_seconds": total})
        clock.set_moved_on(total)
    return total


def pause(point: str, seconds: float) -> None:
    """Have the shop pause at a critical moment (0: no more). Raises `ShopSilent`."""
    tell("/sandbox/pauses", {"point": point, "seconds": seconds})
    points = set(key_value.recall("pauses", []))
    points = points | {point} if seconds else points - {point}
    key_value.keep("pauses", sorted(points))


def end_pauses() -> None:
    """Have the shop pause nowhere. It is asked only if it was before. Raises `ShopSilent`."""
    for point in key_value.recall("pauses", []):
        pause(point, 0)


def fresh_account(language: str, licences: int = 0, *, exchange: bool = False) -> dict[str, str]:
    """Have the shop make a demo account with a group of so many licences, and with an Exchange
    service if asked; its credentials. Raises `ShopSilent`.
    """
    wanted = {"language": language, "licences": licences}
    answer = tell("/sandbox/accounts", wanted | ({"exchange": True} if exchange else {}))
    try:
        return {name: str(answer[name]) for name in ("nic_handle", "password", "email")}
    except (KeyError, TypeError) as error:
        raise ShopSilent("the shop answered without an account") from error
