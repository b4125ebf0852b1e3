"""E-mails with a licence's credentials: what they say, and whether a later e-mail supersedes it."""

from __future__ import annotations

import re

from records.exchange import AttachedAccount
from records.letters import Letter, LetterKind
from records.seats import Seat
from shop.errors import N_
from shop.text.templates import translate

CREDENTIALS = {
    LetterKind.LICENCE_ACTIVE,
    LetterKind.LICENCE_FOR_OWNER,
    LetterKind.SEAT_PASSWORD_CHANGED,
}
"""E-mails that contain a licence's password at the time of writing."""

SUPERSEDING = (
    LetterKind.LICENCE_ACTIVE,
    LetterKind.SEAT_PASSWORD_CHANGED,
    LetterKind.LICENCE_RELEASED,
)
"""E-mails after which the licence has another password, or none."""

MAX_CHANGES = 100
"""The number of newest changes of a licence whose e-mails are looked up."""


FACT = N_("%(label)s: %(value)s")
LABELS = (
    N_("Login"), N_("Initial password"), N_("New password"), N_("Office portal"),
    N_("Licence group"),
)  # fmt: skip
"""What these e-mails say of a licence, each on a line of its own (`templates/mail/_parts.txt`)."""


def facts_of(letter: Letter, text: str) -> list[tuple[str, str]]:
    """Return what an e-mail with credentials, of this ``text``, says of its licence.

    The labels are those of `LABELS`. The passwords are in the e-mail alone.
    """
    if letter.kind not in CREDENTIALS:
        return []
    facts = []
    for label in LABELS:
        named = translate(label, letter.language)
        begin = "  " + translate(FACT, letter.language, label=named, value="")
        lines = [line for line in text.splitlines() if line.startswith(begin)]
        facts += [(label, line.removeprefix(begin)) for line in lines[:1]]
    return facts


def is_outdated(letter: Letter) -> bool:
    """Whether ``letter`` contains a licence's password that a newer e-mail supersedes."""
    seat = _seat_of(letter)
    if seat is None:
        return False
    changes = range(seat.version, max(seat.version - MAX_CHANGES, 0), -1)
    keys = [f"{kind}:{seat.id}:{version}" for version in changes for kind in SUPERSEDING]
    newer = Letter.select().where(
        Letter.key.in_(keys), Letter.id > letter.id, Letter.account == letter.account
    )
    return bool(newer.exists())


def _seat_of(letter: Letter) -> Seat | None:
    """Return the seat of an e-mail with credentials, which its key identifies: directly, or by the
    attached mailbox to which it was sent."""
    if letter.kind not in CREDENTIALS:
        return None
    named = re.fullmatch(r"\w+:(\d+)(:\d+)?", letter.key)
    if named is None:
        return None
    if letter.kind == LetterKind.LICENCE_FOR_OWNER:
        of_mailbox = AttachedAccount.select(AttachedAccount.seat).where(
            AttachedAccount.id == int(named[1])
        )
        found: Seat | None = Seat.get_or_none(Seat.id.in_(of_mailbox))
    else:
        found = Seat.get_or_none(Seat.id == int(named[1]))
    return found
