"""Recovery codes: ten codes, each valid once, for when the other factors are lost."""

from __future__ import annotations

import secrets

from records.accounts import Account
from records.base import database
from records.security import RecoveryCode
from shop import clock
from shop.customers import activity_log
from shop.customers.activity_log import Origin
from shop.security import encryption

COUNT = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that are easy to tell apart: no i, l, o, 0 or 1."""

LENGTH = 24
"""118 bits: at least 112 are needed for a plain digest to resist a brute-force search."""

FORMER_LENGTH = 16
"""Of codes that were created earlier, and are valid until the customer creates new ones."""


def create_codes(account: Account, origin: Origin) -> list[str]:
    """Create and return ten new codes, which cannot be shown again; delete earlier ones."""
    codes = [_new_code() for _ in range(COUNT)]
    now = clock.now()
    with database.atomic():
        RecoveryCode.delete().where(RecoveryCode.account == account).execute()
        rows = [
            {"account": account, "code_digest": _digest(code), "created_at": now} for code in codes
        ]
        RecoveryCode.insert_many(rows).execute()
        activity_log.record(account, "recovery_codes_made", origin)
    return codes


def _new_code() -> str:
    characters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(characters[start : start + 4] for start in range(0, LENGTH, 4))


def _digest(code: str) -> str:
    return encryption.digest(
        "".join(character for character in code.lower() if character.isalnum())
    )


def use_code(account: Account, code: str) -> bool:
    """Mark a code as used; return whether it was one of the customer's unused codes."""
    return bool(
        RecoveryCode.update(used_at=clock.now())
        .where(
            RecoveryCode.account == account,
            RecoveryCode.code_digest == _digest(code[:64]),
            RecoveryCode.used_at.is_null(),
        )
        .execute()
    )


def codes_left(account: Account) -> int:
    """Return the number of unused codes."""
    unused = RecoveryCode.used_at.is_null()
    return int(RecoveryCode.select().where(RecoveryCode.account == account, unused).count())


def looks_like_code(code: str) -> bool:
    """Whether an input has the length of a recovery code rather than of a TOTP code."""
    return sum(character.isalnum() for character in code) in {LENGTH, FORMER_LENGTH}
