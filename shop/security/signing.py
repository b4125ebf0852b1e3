"""Signatures of cookies, forms and links: HMAC by SHA-256.

The libraries that make them use SHA-1 unless they are told otherwise.
"""

from __future__ import annotations

import hashlib

from itsdangerous import Signer

DIGEST = hashlib.sha256


def use_sha256() -> None:
    """Make SHA-256 the hash of every signature by itsdangerous that names none itself."""
    Signer.default_digest_method = staticmethod(DIGEST)
