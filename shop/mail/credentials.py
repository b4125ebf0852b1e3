"""Letters about one licence: whether a later one says otherwise."""

from __future__ import annotations

import re

from records.exchange import AttachedAccount
from records.letters import Letter
from records.seats import Seat

CREDENTIALS = {"licence_active", "licence_for_owner", "seat_password_changed"}
"""Letters that hold a licence's password as it was when they were written."""

LATER = ("licence_active", "seat_password_changed", "licence_released")
"""Letters after which another password counts, or none."""

LOOKED_AT = 100
"""The most changes of a licence, newest first, whose letters are looked for."""


def is_outdated(letter: Letter) -> bool:
    """Whether ``letter`` holds the password of a licence about which a newer letter was written."""
    seat = _seat_of(letter)
    if seat is None:
        return False
    changes = range(seat.version, max(seat.version - LOOKED_AT, 0), -1)
    keys = [f"{kind}:{seat.id}:{version}" for version in changes for kind in LATER]
    newer = Letter.select().where(
        Letter.key.in_(keys), Letter.id > letter.id, Letter.account == letter.account
    )
    return bool(newer.exists())


def _seat_of(letter: Letter) -> Seat | None:
    """The seat of a letter with credentials, which its key names (by the act that wrote it, or by
    the mailbox that it went to)."""
    if letter.kind not in CREDENTIALS:
        return None
    named = re.fullmatch(r"\w+:(\d+)(:\d+)?", letter.key)
    if named is None:
        return None
    if letter.kind == "licence_for_owner":
        of_mailbox = AttachedAccount.select(AttachedAccount.seat).where(
            AttachedAccount.id == int(named[1])
        )
        found: Seat | None = Seat.get_or_none(Seat.id.in_(of_mailbox))
    else:
        found = Seat.get_or_none(Seat.id == int(named[1]))
    return found
