"""Notes of members of staff about a customer; a note is never changed."""

from __future__ import annotations

from records.accounts import Account
from records.notes import CustomerNote
from shop import clock
from shop.errors import N_, Refusal

LONGEST = 2000


def write(account: Account, text: str, by: str) -> CustomerNote:
    """Write a note about a customer. Raise `Refusal` if it is empty or too long."""
    text = text.strip()
    if not text:
        raise Refusal(N_("Write what is to be noted."), "text")
    if len(text) > LONGEST:
        raise Refusal(N_("A note has at most 2,000 characters."), "text")
    note: CustomerNote = CustomerNote.create(account=account, by=by, text=text, at=clock.now())
    return note


def newest(account: Account, limit: int) -> list[CustomerNote]:
    """Return the newest notes about a customer."""
    query = CustomerNote.select().where(CustomerNote.account == account)
    return list(query.order_by(CustomerNote.id.desc()).limit(limit))
