"""Passwords of the provider's people, kept as Argon2id hashes."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# A stand-in on the shop's own machine: light, so that ten thousand new people do not take the
# processor away from the shop (about 4 ms each; the shop's own passwords cost five times that).
_hasher = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)


def hash_password(password: str) -> str:
    """What may be kept of ``password``."""
    return _hasher.hash(password)


def is_right(password_hash: str, password: str) -> bool:
    """Whether ``password`` is the one that was kept."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def nobodys_hash() -> str:
    """A hash to check against when there is no such person, so that it takes as long."""
    return hash_password("nobody’s password")
