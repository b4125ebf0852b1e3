"""Signatures of cookies, forms, links and messages: HMAC by SHA-256.

The libraries that make them use SHA-1 unless they are told otherwise.
"""

from __future__ import annotations

import hashlib
import hmac

from huey.serializer import SignedSerializer
from itsdangerous import Signer

DIGEST = hashlib.sha256


def use_sha256() -> None:
    """Make SHA-256 the hash of every signature by itsdangerous that names none itself."""
    Signer.default_digest_method = staticmethod(DIGEST)


class MessageSerializer(SignedSerializer):
    """Huey's serializer of messages, signed by SHA-256."""

    def __init__(self, secret: str, salt: str) -> None:
        super().__init__(secret=secret, salt=salt)
        self._key = hmac.new(self.secret, self.salt, DIGEST).digest()

    def _signature(self, message: bytes) -> bytes:
        return hmac.new(self._key, message, DIGEST).hexdigest().encode()
