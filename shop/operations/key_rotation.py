"""Changing keys: every secret that is kept encrypted, encrypted anew with the newest one."""

from __future__ import annotations

from typing import Any

from peewee import Field

from records.letters import Letter
from records.seats import Seat
from records.security import Authenticator
from shop.security import encryption

SECRETS: tuple[tuple[Any, tuple[Field, ...], Any], ...] = (
    (Letter, (Letter.text, Letter.html), Letter.is_secret),
    (Authenticator, (Authenticator.secret,), Authenticator.secret != ""),
    (Seat, (Seat.secret,), Seat.secret != ""),
)
"""Every table that keeps secrets, in which fields, and in which of its rows."""


def reseal() -> int:
    """Encrypt every secret with the newest key, so that older keys may go; in how many rows.

    Raises `cryptography.fernet.InvalidToken` for a secret that none of the keys opens.
    """
    return sum(
        _reseal(table, fields, row.id)
        for table, fields, which in SECRETS
        for row in table.select(table.id).where(which)
    )


def _reseal(table: Any, fields: tuple[Field, ...], row_id: int) -> int:
    row = table.select(table.id, *fields).where(table.id == row_id).first()
    kept = {field: getattr(row, field.name) for field in fields} if row else {}
    anew = {field: encryption.reseal(sealed) for field, sealed in kept.items() if sealed}
    if not anew:
        return 0
    # What another process wrote meanwhile is sealed with the newest key already.
    unchanged = [field == sealed for field, sealed in kept.items()]
    return int(table.update(anew).where(table.id == row_id, *unchanged).execute())
