"""Importing an Exchange service from a source, in one transaction."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from records.accounts import Account
from records.base import database, lock
from records.exchange import ExchangeAccount, ExchangeService, MailboxKind, MailboxStatus
from records.seat_states import NAMELESS
from shop import clock
from shop.errors import N_, Refusal
from shop.exchange.services import all_accounts
from shop.exchange.source import ExchangeSource, Mailbox
from shop.text import prefix_keys
from shop.text.folding import fold

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")


@dataclass(frozen=True)
class Changes:
    """The numbers of mailboxes that an import added, updated, marked as gone, or left unchanged."""

    added: int
    updated: int
    gone: int
    unchanged: int


def import_from(account: Account, name: str, source: ExchangeSource) -> Changes:
    """Create or update the customer's service ``name`` from ``source``, in one transaction.

    Mailboxes that are missing in the source are marked as gone. Raise `source.InvalidFile`, and
    `Refusal` for a closed account, and a name that is not valid or of another customer's service.
    """
    mailboxes = source.mailboxes()
    if not _NAME.fullmatch(name):
        raise Refusal(N_("A service’s name is made of small letters, digits, dots and hyphens."))
    with database.atomic():
        if lock(account).closed_at is not None:
            raise Refusal(N_("This account is closed for good."))
        service = _service(account, name, mailboxes)
        return _apply(service, mailboxes)


def _service(account: Account, name: str, mailboxes: list[Mailbox]) -> ExchangeService:
    """Return the service, created if necessary, locked until the transaction ends."""
    domains = Counter(mailbox.key.rpartition("@")[2] for mailbox in mailboxes)
    domain = domains.most_common(1)[0][0]
    ExchangeService.insert(
        account=account, name=name, domain=domain, created_at=clock.now()
    ).on_conflict_ignore().execute()
    service: ExchangeService = lock(ExchangeService.get(ExchangeService.name == name))
    if service.account != account:
        raise Refusal(N_("Another customer has a service of this name."))
    if service.domain != domain:
        service.domain = domain
        service.save()
    return service


def _apply(service: ExchangeService, mailboxes: list[Mailbox]) -> Changes:
    existing = {row.address.lower(): row for row in all_accounts(service)}
    added = updated = 0
    for mailbox in mailboxes:
        row = existing.pop(mailbox.key, None)
        columns = _columns(mailbox)
        if row is None:
            ExchangeAccount.create(service=service, **columns)
            added += 1
        elif different := {name: v for name, v in columns.items() if _stored_value(row, name) != v}:
            ExchangeAccount.update(different).where(ExchangeAccount.id == row.id).execute()
            updated += 1
    gone = [row.id for row in existing.values() if row.is_active]
    for start in range(0, len(gone), 500):
        ExchangeAccount.update(status=MailboxStatus.GONE).where(
            ExchangeAccount.id.in_(gone[start : start + 500])
        ).execute()
    return Changes(added, updated, len(gone), len(mailboxes) - added - updated)


def _stored_value(row: ExchangeAccount, name: str) -> Any:
    value = getattr(row, name)
    return bytes(value) if isinstance(value, memoryview) else value


def _columns(mailbox: Mailbox) -> dict[str, Any]:
    """Return the columns of a mailbox."""
    by_name = prefix_keys.as_bytes(fold(f"{mailbox.last_name} {mailbox.first_name}"))
    return {
        "address": mailbox.address,
        "first_name": mailbox.first_name,
        "last_name": mailbox.last_name,
        "kind": MailboxKind.SHARED if mailbox.is_shared else MailboxKind.PERSON,
        "size_gb": mailbox.size_gb,
        "status": MailboxStatus.ACTIVE,
        "folded": fold(f"{mailbox.first_name} {mailbox.last_name} {mailbox.address}"),
        "by_address": mailbox.key.encode()[: prefix_keys.LONGEST],
        "by_name": by_name or NAMELESS,
    }
