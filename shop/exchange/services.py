"""Queries for Exchange services and their mailboxes, and hiding the offer."""

from __future__ import annotations

from typing import Any

from peewee import JOIN, ModelSelect, fn

from records.accounts import Account
from records.exchange import Attach, ExchangeAccount, ExchangeService, MailboxStatus
from shop import clock


def find_service(account: Account, name: str) -> ExchangeService | None:
    """Return the customer's service of that name, with ``is_used`` set (one query), or None."""
    used = Attach.select(Attach.id).where(Attach.service == ExchangeService.id)
    found: ExchangeService | None = (
        ExchangeService.select(ExchangeService, fn.EXISTS(used).alias("is_used"))
        .where(ExchangeService.account == account, ExchangeService.name == name)
        .first()
    )
    if found is not None:
        found.account = account
    return found


def services_with_mailbox_counts(account: Account) -> ModelSelect[Any]:
    """Return all of the customer's services by name, with their number of ``mailboxes``."""
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


def all_services() -> list[ExchangeService]:
    """Return the services of all customers by name, for the operator."""
    return list(
        ExchangeService.select(ExchangeService, Account)
        .join(Account)
        .order_by(ExchangeService.name)
    )


def active_accounts(service: ExchangeService) -> ModelSelect[Any]:
    """Return a service's active mailboxes by e-mail address."""
    active = ExchangeAccount.status == MailboxStatus.ACTIVE
    return all_accounts(service).where(active).order_by(ExchangeAccount.by_address)


def all_accounts(service: ExchangeService) -> ModelSelect[Any]:
    """Return all mailboxes of a service, including those that are gone."""
    return ExchangeAccount.select().where(ExchangeAccount.service == service)


def hide_offer(service: ExchangeService) -> None:
    """Hide the Office Attach banner on this service's pages."""
    ExchangeService.update(hidden_at=clock.now()).where(
        ExchangeService.id == service.id, ExchangeService.hidden_at.is_null()
    ).execute()
