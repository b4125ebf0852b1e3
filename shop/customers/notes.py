"""Notes of members of staff about a customer; a note is never changed."""

from __future__ import annotations

from records.accounts import Account
from records.notes import CustomerNote
from shop import clock
from shop.errors import N_, Refusal
from shop.security import encryption
from shop.text.pagination import PER_PAGE, Stretch, newest_first

LONGEST = 2000


def write_note(account: Account, text: str, by: str, key: str | None = None) -> None:
    """Write a note about a customer; the same text in the form with this ``key`` once.

    Another text is another note: a browser goes back to a form with the key that it had. Raise
    `Refusal` if it is empty or too long.
    """
    text = text.strip()
    if not text:
        raise Refusal(N_("Write what is to be noted."), "text")
    if len(text) > LONGEST:
        raise Refusal(N_("A note has at most 2,000 characters."), "text")
    once = encryption.digest(f"{key} {account.id} {text}") if key else None
    written = {"account": account.id, "by": by, "text": text, "at": clock.now(), "key": once}
    CustomerNote.add_missing([written])


def notes_about(
    account: Account, before: str = "", per_page: int = PER_PAGE
) -> Stretch[CustomerNote]:
    """Return the notes about a customer, the newest first."""
    query = CustomerNote.select().where(CustomerNote.account == account)
    return newest_first(query, CustomerNote.id, before, per_page)
