"""Exchange services: taken over from their source, found, listed, searched."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import JOIN, ModelSelect, fn

from records.accounts import Account
from records.base import database, lock
from records.exchange import (
    Attach,
    AttachedAccount,
    ExchangeAccount,
    ExchangeService,
    MailboxKind,
    MailboxStatus,
)
from records.groups import GROUPS_OVER, LicenceGroup
from records.orders import Order, OrderLine
from records.seat_states import MOVING, NAMELESS
from records.seats import Seat
from shop import clock
from shop.errors import N_, Refusal
from shop.exchange import seating
from shop.exchange.source import ExchangeSource, Mailbox
from shop.licences.seats import search_keys
from shop.pricing import periods
from shop.text.folding import fold
from shop.text.pagination import Page, page_of

IN_MENU = 8
"""Services the left menu names; one more says that there are more."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")


# --- Taken over from a source ----------------------------------------------------------------


@dataclass(frozen=True)
class Changes:
    """What taking over a service changed: how many mailboxes are new, different, or gone."""

    added: int
    updated: int
    gone: int
    unchanged: int


def take_over(account: Account, name: str, source: ExchangeSource) -> Changes:
    """Make the customer's service ``name`` what its source says it is, whole or not at all.

    Mailboxes the source no longer knows are marked as gone. Raises `source.Unreadable`, and
    `Refusal` for a name that is none or that another customer's service has.
    """
    mailboxes = source.mailboxes()
    if not _NAME.fullmatch(name):
        raise Refusal(N_("A service’s name is made of small letters, digits, dots and hyphens."))
    with database.atomic():
        service = _service(account, name, mailboxes)
        return _apply(service, mailboxes)


def _service(account: Account, name: str, mailboxes: list[Mailbox]) -> ExchangeService:
    """The service, made where there is none, held until the transaction ends."""
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
    there = {row.address.lower(): row for row in _accounts_of(service)}
    added = updated = 0
    for mailbox in mailboxes:
        row = there.pop(mailbox.key, None)
        columns = _columns(mailbox)
        if row is None:
            ExchangeAccount.create(service=service, **columns)
            added += 1
        elif different := {name: v for name, v in columns.items() if _of(row, name) != v}:
            ExchangeAccount.update(different).where(ExchangeAccount.id == row.id).execute()
            updated += 1
    gone = [row.id for row in there.values() if row.is_active]
    for start in range(0, len(gone), 500):
        ExchangeAccount.update(status=MailboxStatus.GONE).where(
            ExchangeAccount.id.in_(gone[start : start + 500])
        ).execute()
    return Changes(added, updated, len(gone), len(mailboxes) - added - updated)


def _accounts_of(service: ExchangeService) -> ModelSelect[Any]:
    return ExchangeAccount.select().where(ExchangeAccount.service == service)


def _of(row: ExchangeAccount, name: str) -> Any:
    value = getattr(row, name)
    return bytes(value) if isinstance(value, memoryview) else value


def _columns(mailbox: Mailbox) -> dict[str, Any]:
    """A mailbox as its row has it."""
    by_name = search_keys.as_bytes(fold(f"{mailbox.last_name} {mailbox.first_name}"))
    return {
        "address": mailbox.address,
        "first_name": mailbox.first_name,
        "last_name": mailbox.last_name,
        "kind": MailboxKind.SHARED if mailbox.is_shared else MailboxKind.PERSON,
        "size_gb": mailbox.size_gb,
        "status": MailboxStatus.ACTIVE,
        "folded": fold(f"{mailbox.first_name} {mailbox.last_name} {mailbox.address}"),
        "by_address": mailbox.key.encode()[: search_keys.LONGEST],
        "by_name": by_name or NAMELESS,
    }


# --- Found -----------------------------------------------------------------------------------


def find(account: Account, name: str) -> ExchangeService | None:
    """The customer's own service of that name, which knows whether it ``is_used`` (one query)."""
    used = Attach.select(Attach.id).where(Attach.service == ExchangeService.id)
    found: ExchangeService | None = (
        ExchangeService.select(ExchangeService, fn.EXISTS(used).alias("is_used"))
        .where(ExchangeService.account == account, ExchangeService.name == name)
        .first()
    )
    if found is not None:
        found.account = account
    return found


def in_menu(account: Account) -> list[ExchangeService]:
    """The first services by name, and one more than the menu shows (one query)."""
    query = ExchangeService.select().where(ExchangeService.account == account)
    return list(query.order_by(ExchangeService.name).limit(IN_MENU + 1))


def listed(account: Account) -> ModelSelect[Any]:
    """Every service by name, with the number of its mailboxes (``mailboxes``)."""
    number = fn.COUNT(ExchangeAccount.id).alias("mailboxes")
    active = (ExchangeAccount.service == ExchangeService.id) & (
        ExchangeAccount.status == MailboxStatus.ACTIVE
    )
    return (
        ExchangeService.select(ExchangeService, number)
        .join(ExchangeAccount, JOIN.LEFT_OUTER, on=active)
        .where(ExchangeService.account == account)
        .group_by(ExchangeService.id)
        .order_by(ExchangeService.name)
    )


def every() -> list[ExchangeService]:
    """Every customer's services, for the operator."""
    return list(
        ExchangeService.select(ExchangeService, Account)
        .join(Account)
        .order_by(ExchangeService.name)
    )


def active_accounts(service: ExchangeService) -> ModelSelect[Any]:
    """The mailboxes that are there, by their address."""
    active = ExchangeAccount.status == MailboxStatus.ACTIVE
    return _accounts_of(service).where(active).order_by(ExchangeAccount.by_address)


# --- Looked at -------------------------------------------------------------------------------

BY_ADDRESS = "address"
SORTS: dict[str, Any] = {
    BY_ADDRESS: ExchangeAccount.by_address,
    "name": ExchangeAccount.by_name,
    "size": fn.COALESCE(ExchangeAccount.size_gb, 0),
}
"""What a list of mailboxes may be sorted by, by its name in the address."""


@dataclass(frozen=True)
class View:
    """How somebody looks at a list of mailboxes."""

    wanted: str = ""
    sort: str = BY_ADDRESS
    descending: bool = False
    page: int = 1


def view(wanted: str, sort: str, page: int) -> View:
    """A view as an address describes it; what makes no sense is left out."""
    name = sort.removeprefix("-")
    known = name in SORTS
    return View(
        wanted=" ".join(wanted.split())[:100],
        sort=name if known else BY_ADDRESS,
        descending=sort.startswith("-") and known,
        page=max(1, min(page, 1_000_000)),
    )


def page_of_accounts(query: ModelSelect[Any], looked: View) -> Page:
    """The page of ``query``, mailboxes of one service, that ``looked`` asks for."""
    folded = fold(looked.wanted)
    if folded:
        query = query.where(ExchangeAccount.folded.contains(folded))
    column = SORTS[looked.sort]
    first = column.desc() if looked.descending else column
    return page_of(query.order_by(first, ExchangeAccount.by_address), looked.page)


def all_accounts(service: ExchangeService) -> ModelSelect[Any]:
    """The mailboxes of a service, those that are gone too."""
    return _accounts_of(service)


# --- Its Office licences ---------------------------------------------------------------------


@dataclass(frozen=True)
class Licence:
    """The Office licence of a mailbox's holder: the technical name of its group, and the login."""

    group: str
    login: str
    number: int


def attach_of(service: ExchangeService) -> Attach | None:
    """How Office Attach was used for a service, if it was."""
    return Attach.select(Attach, Order).join(Order).where(Attach.service == service).first()


def is_offered(service: ExchangeService) -> bool:
    """Whether Office Attach can still be used for a service that was just found: it was not, and
    there is somebody to use it for."""
    return not service.is_used and bool(active_accounts(service).exists())


def group_of(attach: Attach) -> LicenceGroup | None:
    """The group Office Attach made; None until its installation has begun."""
    return LicenceGroup.select().join(OrderLine).where(OrderLine.order == attach.order_id).first()


def is_moving(attach: Attach | None, group: LicenceGroup | None) -> bool:
    """Whether the licences Office Attach asked for are still being made."""
    if attach is None:
        return False
    if group is None or not group.is_settled:
        return attach.order.is_being_delivered
    return group.is_open and any(group.seats_by_status[status] for status in MOVING)


def first_renewal(group: LicenceGroup | None) -> date | None:
    """The day up to which a group of Office Attach is free, while it is."""
    if group is None or group.installed_at is None or not group.is_open:
        return None
    first = periods.first_period(group.installed_at).end
    return first if first > clock.today() else None


def licences_of(accounts: list[ExchangeAccount]) -> dict[int, Licence]:
    """Who of ``accounts`` has a licence of Office Attach, by the mailbox's number (one query).

    A seat that was released, is somebody else's by now (`seating.is_theirs`), or whose group is
    over, is not theirs any more.
    """
    rows = (
        AttachedAccount.select(AttachedAccount, Seat, LicenceGroup)
        .join(Seat)
        .join(LicenceGroup)
        .where(
            AttachedAccount.account.in_([row.id for row in accounts] or [0]),
            seating.is_theirs(),
            LicenceGroup.status.not_in(GROUPS_OVER),
        )
    )
    return {row.account_id: _licence(row) for row in rows}


def _licence(row: AttachedAccount) -> Licence:
    assert row.seat is not None
    return Licence(row.seat.group.name, row.seat.shown_login, row.seat.number)


def hide_offer(service: ExchangeService) -> None:
    """Show Office Attach's banner on this service's pages no more."""
    ExchangeService.update(hidden_at=clock.now()).where(
        ExchangeService.id == service.id, ExchangeService.hidden_at.is_null()
    ).execute()
