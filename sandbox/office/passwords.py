"""Passwords of the provider's users, stored as Argon2id hashes."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# The cost is low because the sandbox shares the shop's machine and may create ten thousand users
# (about 4 ms each; the shop's own passwords cost five times that).
_hasher = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)


def hash_password(password: str) -> str:
    """Return the hash of ``password``."""
    return _hasher.hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Say whether ``password`` matches the hash."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def dummy_hash() -> str:
    """Return a hash to verify for unknown addresses, so that the answer takes as long."""
    return hash_password("password of no user")
