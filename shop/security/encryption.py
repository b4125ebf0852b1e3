"""Encryption at rest for the secrets in e-mails (passwords, links) and for sign-in secrets."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shop import settings


def digest(token: str) -> str:
    """Return the SHA-256 of a token: tables store it, so that they do not reveal the token."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(text: str) -> str:
    """Encrypt with the newest of ``MAIL_ENCRYPTION_KEYS``."""
    return _keys(settings.current().mail_encryption_keys).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt with any current key. Raise `cryptography.fernet.InvalidToken` if none fits."""
    return _keys(settings.current().mail_encryption_keys).decrypt(sealed.encode()).decode()


def can_decrypt(sealed: str) -> bool:
    """Return whether one of the current keys decrypts ``sealed``."""
    try:
        unseal(sealed)
    except InvalidToken:
        return False
    return True


def reseal(sealed: str) -> str:
    """Encrypt the same secret with the newest key. Raise like `unseal`."""
    return _keys(settings.current().mail_encryption_keys).rotate(sealed.encode()).decode()
