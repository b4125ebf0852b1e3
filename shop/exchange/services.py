"""Exchange services and their mailboxes, as their customer and the operator find them."""

from __future__ import annotations

from typing import Any

from peewee import JOIN, ModelSelect, fn

from records.accounts import Account
from records.exchange import Attach, ExchangeAccount, ExchangeService, MailboxStatus
from shop import clock

IN_MENU = 8
"""Services the left menu names; one more says that there are more."""


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
    return all_accounts(service).where(active).order_by(ExchangeAccount.by_address)


def all_accounts(service: ExchangeService) -> ModelSelect[Any]:
    """The mailboxes of a service, those that are gone too."""
    return ExchangeAccount.select().where(ExchangeAccount.service == service)


def hide_offer(service: ExchangeService) -> None:
    """Show Office Attach's banner on this service's pages no more."""
    ExchangeService.update(hidden_at=clock.now()).where(
        ExchangeService.id == service.id, ExchangeService.hidden_at.is_null()
    ).execute()
