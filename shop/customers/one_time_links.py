"""One-time links: tokens that work once, for one purpose and for a limited time."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from peewee import ModelSelect

from records.accounts import Account, LinkPurpose, OneTimeLink
from shop import clock
from shop.security import encryption

RETENTION = timedelta(days=30)
"""How long a link is kept after it expires."""


def new_link(account: Account, purpose: LinkPurpose, length: timedelta, payload: str = "") -> str:
    """Create a link that is valid once, for ``length``, with ``payload``; return its token."""
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


def find_link(token: str, purpose: LinkPurpose) -> OneTimeLink | None:
    """Return the unused, unexpired link of a token with its account, or None."""
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


def open_links(account: Account, purpose: LinkPurpose) -> ModelSelect[OneTimeLink]:
    """Return an account's unused, unexpired links of a purpose."""
    return OneTimeLink.select().where(
        OneTimeLink.account == account,
        OneTimeLink.purpose == purpose,
        OneTimeLink.used_at.is_null(),
        OneTimeLink.expires_at > clock.now(),
    )


def use_link(link: OneTimeLink) -> bool:
    """Mark a link as used, in the caller's transaction; return False if it was used before."""
    return bool(_use_up(OneTimeLink.id == link.id))


def void_links(account: Account, purpose: LinkPurpose | None = None) -> None:
    """Invalidate an account's unused links, including pending sign-ins; only those of ``purpose``
    if it is given."""
    links = OneTimeLink.account == account
    _use_up(links & (OneTimeLink.purpose == purpose) if purpose else links)


def void_all() -> None:
    """Invalidate the unused links of every account, including pending sign-ins."""
    _use_up(OneTimeLink.id > 0)


def _use_up(links: Any) -> int:
    """Mark the unused ones of ``links`` as used; return their number."""
    unused = OneTimeLink.used_at.is_null()
    return int(OneTimeLink.update(used_at=clock.now()).where(links, unused).execute())


def delete_old_links() -> int:
    """Delete links that expired more than a month ago; return their number."""
    long_ago = clock.now() - RETENTION
    return int(OneTimeLink.delete().where(OneTimeLink.expires_at < long_ago).execute())
