"""Signatures of the sandbox's webhooks: bank notifications, its clock, its switches.

The header ``Sandbox-Signature: t=<unix seconds>,v1=<hex>`` carries the moment of sending and the
HMAC-SHA256, under a shared secret, of ``<t>.<body>``. The moment is real time: a message does not
expire because the sandbox's clock was moved on.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from shop import clock
from shop.errors import PartyRejected
from shop.parsing.numbers_and_json import read_integer

HEADER = "Sandbox-Signature"

TOLERANCE = 300
"""The most seconds between sending and checking; an older message is rejected."""


def sign(secret: str, body: bytes, at: float | None = None) -> str:
    """Return the header's value for ``body`` sent at ``at`` (unix seconds; now by default)."""
    moment = str(int(clock.real_now().timestamp() if at is None else at))
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Check that ``body`` has a fresh signature made with ``secret``.

    Raise `PartyRejected` when the signature is missing, wrong, or older than `TOLERANCE`.
    """
    moment = _moment(_header(headers))
    expected = sign(secret, body, at=moment)
    if not hmac.compare_digest(expected.encode(), _header(headers).encode()):
        raise PartyRejected("the signature is wrong")
    if abs(clock.real_now().timestamp() - moment) > TOLERANCE:
        raise PartyRejected("the message is too old")


def _header(headers: Mapping[str, str]) -> str:
    for name, value in headers.items():
        if name.lower() == HEADER.lower():
            return value
    raise PartyRejected("the signature is missing")


def _moment(header: str) -> int:
    first, _, _ = header.partition(",")
    digits = first.removeprefix("t=")
    if (moment := read_integer(digits, high=10**12)) is None:
        raise PartyRejected("the signature cannot be read")
    return moment
