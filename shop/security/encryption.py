"""Encryption at rest for the secrets in e-mails (passwords, links) and for sign-in secrets.

A key of ``MAIL_ENCRYPTION_KEYS`` names its algorithm: ``gcm:`` before it is AES-256 in GCM, none is
Fernet (AES-128 in CBC with HMAC), that of earlier versions. What each of them has encrypted stays
readable as long as it is listed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shop import settings

GCM = "gcm:"
"""Before a key: it is one of AES-256-GCM. Before a text: such a key has encrypted it."""

NONCE_BYTES = 12


def digest(token: str) -> str:
    """Return the SHA-256 of a token: tables store it, so that they do not reveal the token."""
    return hashlib.sha256(token.encode()).hexdigest()


class _Key(Protocol):
    def encrypt(self, text: bytes) -> str: ...

    def decrypt(self, sealed: str) -> bytes:
        """Raise `InvalidToken` if this key has not encrypted ``sealed``, or it was changed."""


class _FernetKey:
    def __init__(self, key: str) -> None:
        self._fernet = Fernet(key)

    def encrypt(self, text: bytes) -> str:
        return self._fernet.encrypt(text).decode()

    def decrypt(self, sealed: str) -> bytes:
        return self._fernet.decrypt(sealed.encode())


class _GcmKey:
    def __init__(self, key: str) -> None:
        self._cipher = AESGCM(base64.urlsafe_b64decode(key))

    def encrypt(self, text: bytes) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text, None)
        return GCM + base64.urlsafe_b64encode(sealed).decode()

    def decrypt(self, sealed: str) -> bytes:
        if not sealed.startswith(GCM):
            raise InvalidToken
        try:
            whole = base64.urlsafe_b64decode(sealed.removeprefix(GCM))
            return self._cipher.decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], None)
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise InvalidToken from error


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> tuple[_Key, ...]:
    return tuple(
        _GcmKey(key.removeprefix(GCM)) if key.startswith(GCM) else _FernetKey(key) for key in keys
    )


def _current() -> tuple[_Key, ...]:
    return _keys(settings.current().mail_encryption_keys)


def seal(text: str) -> str:
    """Encrypt with the newest of ``MAIL_ENCRYPTION_KEYS``."""
    return _current()[0].encrypt(text.encode())


MASK = "••••••••"
"""What stands for a secret where secrets are masked."""

_masked = ContextVar("_masked", default=False)


@contextmanager
def secrets_masked() -> Iterator[None]:
    """Let no secret be decrypted in this block: `unseal` returns `MASK`."""
    token = _masked.set(True)
    try:
        yield
    finally:
        _masked.reset(token)


def are_secrets_masked() -> bool:
    """Return whether `secrets_masked` is in force."""
    return _masked.get()


def unseal(sealed: str) -> str:
    """Decrypt with any current key. Raise `cryptography.fernet.InvalidToken` if none fits."""
    if _masked.get():
        return MASK
    for key in _current():
        try:
            return key.decrypt(sealed).decode()
        except InvalidToken:
            continue
    raise InvalidToken


def can_decrypt(sealed: str) -> bool:
    """Return whether one of the current keys decrypts ``sealed``."""
    try:
        unseal(sealed)
    except InvalidToken:
        return False
    return True


def reseal(sealed: str) -> str:
    """Encrypt the same secret with the newest key. Raise like `unseal`."""
    return seal(unseal(sealed))
