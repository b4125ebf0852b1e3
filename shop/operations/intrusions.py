"""What an intruder may have taken stops working: sessions, and what begins one."""

from __future__ import annotations

from records.base import database
from shop.customers import one_time_links, sessions, viewings
from shop.staff import accounts


def end_every_session() -> int:
    """End the sessions of all customers and members of staff; return their number.

    Sign-ins that wait for a second factor, links in e-mails and invitations are void, too: no key
    signs them, so that changing one would not end them.
    """
    with database.atomic():
        one_time_links.void_all()
        viewings.end_all()
        return sessions.end_all() + accounts.end_all_sessions()
