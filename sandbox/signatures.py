"""Signatures of the requests that the sandbox sends to the shop.

The header ``Sandbox-Signature: t=<unix seconds>,v1=<hex>`` carries the time of sending and the
HMAC-SHA256 of ``<t>.<body>`` under a shared secret. The shop has its own module that verifies it.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "Sandbox-Signature"


def sign(secret: str, body: bytes, at: float) -> str:
    """Return the header's value for ``body`` sent at ``at`` (Unix seconds, real time)."""
    moment = str(int(at))
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"
