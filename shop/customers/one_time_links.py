"""One-time links: tokens that work once, for one purpose and for a limited time."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from records.accounts import Account, OneTimeLink
from shop import clock
from shop.security import encryption

KEPT = timedelta(days=30)
"""How long a link is kept after it ran out."""


def new_link(account: Account, purpose: str, length: timedelta, payload: str = "") -> str:
    """Return a token that works once, for ``length``; its link keeps ``payload``."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    OneTimeLink.create(
        token_digest=encryption.digest(token),
        account=account,
        purpose=purpose,
        payload=payload,
        created_at=now,
        expires_at=now + length,
    )
    return token


def find_link(token: str, purpose: str) -> OneTimeLink | None:
    """Return the link of a token with its account, while it may still be used."""
    link = (
        OneTimeLink.select(OneTimeLink, Account)
        .join(Account)
        .where(
            OneTimeLink.token_digest == encryption.digest(token),
            OneTimeLink.purpose == purpose,
            OneTimeLink.used_at.is_null(),
        )
        .first()
    )
    return link if link and link.expires_at > clock.now() else None


def use_link(link: OneTimeLink) -> bool:
    """Use a link up, in the transaction of what it is for; False if it was used before."""
    return bool(_use_up(OneTimeLink.id == link.id))


def void_links(account: Account, purpose: str = "") -> None:
    """Let no link sent before open anything, and no pending sign-in be finished; only the links
    of one ``purpose``, if it is given."""
    links = OneTimeLink.account == account
    _use_up(links & (OneTimeLink.purpose == purpose) if purpose else links)


def _use_up(links: Any) -> int:
    """Mark those of ``links`` as used that were not; return how many."""
    unused = OneTimeLink.used_at.is_null()
    return int(OneTimeLink.update(used_at=clock.now()).where(links, unused).execute())


def forget_old_links() -> int:
    """Delete links that ran out more than a month ago; return how many."""
    long_ago = clock.now() - KEPT
    return int(OneTimeLink.delete().where(OneTimeLink.expires_at < long_ago).execute())
