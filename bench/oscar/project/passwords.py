"""Passwords cost as much to check as the shop's: OWASP's parameters of Argon2id."""

from __future__ import annotations

import os

from django.contrib.auth.hashers import Argon2PasswordHasher


class Hasher(Argon2PasswordHasher):
    """Argon2id with the shop's own settings: 19 MiB and two passes unless they say otherwise."""

    memory_cost = int(os.environ.get("ARGON2_MEMORY_KIB", "19456"))
    time_cost = int(os.environ.get("ARGON2_PASSES", "2"))
    parallelism = 1
