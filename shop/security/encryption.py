"""Secrets at rest: passwords and links in letters, and what signs in, are stored encrypted."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shop import settings


def digest(token: str) -> str:
    """How a token is kept: whoever reads the table cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(text: str) -> str:
    """Encrypt with the newest of ``MAIL_ENCRYPTION_KEYS``."""
    return _keys(settings.current().mail_encryption_keys).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt with whichever key fits; raises `cryptography.fernet.InvalidToken` if none does."""
    return _keys(settings.current().mail_encryption_keys).decrypt(sealed.encode()).decode()


def opens(sealed: str) -> bool:
    """Whether one of today's keys opens it."""
    try:
        unseal(sealed)
    except InvalidToken:
        return False
    return True


def reseal(sealed: str) -> str:
    """The same secret encrypted with the newest key; raises like `unseal`."""
    return _keys(settings.current().mail_encryption_keys).rotate(sealed.encode()).decode()
