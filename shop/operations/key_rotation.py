"""Key rotation: encrypting every stored secret again with the newest key."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from peewee import Field

from records.batches import in_batches
from records.handovers import Handover
from records.letters import Letter, StaffLetter
from records.seats import Seat
from records.security import Authenticator
from records.staff import StaffAccount
from shop.security import encryption

SECRETS: tuple[tuple[Any, tuple[Field, ...], Any], ...] = (
    (Letter, (Letter.text, Letter.html), Letter.is_secret),
    (StaffLetter, (StaffLetter.text, StaffLetter.html), StaffLetter.is_secret),
    (Authenticator, (Authenticator.secret,), Authenticator.secret != ""),
    (StaffAccount, (StaffAccount.secret,), StaffAccount.secret != ""),
    (Seat, (Seat.secret,), Seat.secret != ""),
    (Handover, (Handover.secret,), Handover.secret != ""),
)
"""Every table with encrypted secrets: its fields, and the condition of the rows that have one."""


def reseal_all() -> tuple[int, list[str]]:
    """Encrypt every secret with the newest key, so that older keys can be removed.

    Return the number of rows changed, and the tables with secrets that none of the keys opens:
    those stay as they are.
    """
    changed = 0
    lost: set[str] = set()
    for table, fields, which in SECRETS:
        for row in in_batches(table.select(table.id).where(which), table.id):
            try:
                changed += _reseal_row(table, fields, row.id)
            except InvalidToken:
                lost.add(table._meta.table_name)
    return changed, sorted(lost)


def key_missing(tables: list[str]) -> str:
    """Return what is said of tables whose secrets none of the keys opens."""
    return f"MAIL_ENCRYPTION_KEYS lacks the key of secrets in {', '.join(tables)}: add it."


SAMPLE = 50
"""How many of the oldest and of the newest secrets of a table `unreadable` tries."""


def unreadable() -> list[str]:
    """Return the tables whose oldest or newest secrets none of the keys opens."""
    return [
        table._meta.table_name
        for table, fields, which in SECRETS
        if not all(
            encryption.can_decrypt(sealed)
            for order in (table.id.asc(), table.id.desc())
            for row in table.select(*fields).where(which).order_by(order).limit(SAMPLE).tuples()
            for sealed in row
            if sealed
        )
    ]


def _reseal_row(table: Any, fields: tuple[Field, ...], row_id: int) -> int:
    row = table.select(table.id, *fields).where(table.id == row_id).first()
    stored = {field: getattr(row, field.name) for field in fields} if row else {}
    resealed = {field: encryption.reseal(sealed) for field, sealed in stored.items() if sealed}
    if not resealed:
        return 0
    # Compare-and-set: another process that wrote a secret since then used the newest key.
    unchanged = [field == sealed for field, sealed in stored.items()]
    return int(table.update(resealed).where(table.id == row_id, *unchanged).execute())
