"""Signatures of what the sandbox sends to the shop (the shop has its own twin of this module).

The header ``Sandbox-Signature: t=<unix seconds>,v1=<hex>`` carries the moment of sending and the
HMAC-SHA256, under a secret both sides know, of ``<t>.<body>``.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "Sandbox-Signature"


def sign(secret: str, body: bytes, at: float) -> str:
    """The header's value for ``body`` sent at ``at`` (unix seconds, real time)."""
    moment = str(int(at))
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"
