"""New versions of contracts are announced to customers 30 days before they apply to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from peewee import fn

from records.accounts import Account
from records.base import database
from records.batches import in_batches
from records.catalogue import Contract
from records.subscriptions import ContractAnnouncement, Subscription, SubscriptionStatus
from shop import clock, mail
from shop.jobs import kinds
from shop.orders import contracts


@kinds.announce_contracts.handler(attempts=20, first_delay=timedelta(minutes=1))
def announce_contracts() -> None:
    """Announce the versions to come to all customers with a running service; idempotent."""
    announce_all()


def announce_all() -> int:
    """Announce the versions that follow others; return the number of e-mails written."""
    return sum(
        announce_to(account, version, day)
        for day, version in contracts.later_versions()
        for account in _unaware_of(version, day)
    )


def _unaware_of(coming: Contract, day: date) -> Iterator[Account]:
    """Yield the customers to whom a version was not announced, and who have accepted another.

    They have a running service that began before the day from which the version applies.
    """
    running = Subscription.select(Subscription.id).where(
        Subscription.account == Account.id,
        Subscription.status != SubscriptionStatus.TERMINATED,
        Subscription.started_at < clock.midnight(day),
    )
    announced = ContractAnnouncement.select(ContractAnnouncement.id).where(
        ContractAnnouncement.account == Account.id,
        ContractAnnouncement.kind == coming.kind,
        ContractAnnouncement.version == coming.version,
    )
    unaware = Account.select().where(fn.EXISTS(running), ~fn.EXISTS(announced))
    return in_batches(unaware, Account.id)


def announce_to(account: Account, coming: Contract, day: date) -> bool:
    """Announce a version to one customer; return False if it was announced to them before.

    It applies to them 30 days later at the earliest, also where the announcement is late.
    """
    text = contracts.find_contract(coming.kind, coming.version, account.language)
    assert text is not None, "versions are complete: they are there in both languages"
    applies_on = max(day, contracts.first_day_after_notice())
    with database.atomic():
        created = (
            ContractAnnouncement.insert(
                account=account, kind=coming.kind, version=coming.version,
                applies_on=applies_on, announced_at=clock.now(),
            )
            .on_conflict_ignore()
            .as_rowcount()
            .execute()
        )  # fmt: skip
        if created:
            mail.contract_change(account, text, applies_on)
    return bool(created)
