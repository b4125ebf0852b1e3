"""What causes the e-mails about a running service (`shop.mail.service_letters`)."""

from __future__ import annotations

from datetime import timedelta

from models import Account, LicenceGroup
from shop import clock
from shop.orders import withdrawals
from shop.payments import payments
from shop.subscriptions import (
    dunning,
    give_backs,
    interventions,
    price_changes,
    renewal_notices,
    terminations,
)
from tests.support import purchases, running
from tests.support.parties import Bank, Provider


def renewal_coming(account: Account, bank: Bank, provider: Provider) -> None:
    """A renewal is a week away, which no card is charged for."""
    renews_on = running.subscription_of(running.delivered(account, bank, card="")).renews_on
    assert renews_on is not None
    renewal_notices.announce_all(renews_on - renewal_notices.FIRST)


def payment_failed(account: Account, bank: Bank, provider: Provider) -> None:
    """A renewal cannot be charged: the bank refuses the stored card."""
    running.to_renewal(running.delivered(account, bank, card="0341"))


def service_suspended(account: Account, bank: Bank, provider: Provider) -> None:
    """A renewal stays unpaid until the group is suspended."""
    running.suspended(account, bank)


def service_resumed(account: Account, bank: Bank, provider: Provider) -> None:
    """The invoice of a suspended group is paid."""
    payments.record_manual_payment(running.owed(running.suspended(account, bank)), by="operator")


def service_suspended_by_us(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator suspends a group."""
    interventions.suspend(running.delivered(account, bank), "Abuse was reported.", by="operator")


def service_resumed_by_us(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator resumes a group that is not paid."""
    interventions.resume(running.suspended(account, bank), "Paid tomorrow.", by="operator")


def termination_notice(account: Account, bank: Bank, provider: Provider) -> None:
    """The invoice of a suspended group is still unpaid 60 days later."""
    running.suspended(account, bank)
    running.pass_time(dunning.NOTICE_AFTER)


def termination_link(account: Account, bank: Bank, provider: Provider) -> None:
    """A business wants to terminate a group."""
    group = running.delivered(account, bank)
    purchases.by_a_business(account)
    terminations.request_termination(group, by=account.nic_handle)


def termination_scheduled(account: Account, bank: Bank, provider: Provider) -> None:
    """A consumer terminates a group."""
    terminations.request_termination(running.delivered(account, bank), by=account.nic_handle)


def termination_undone(account: Account, bank: Bank, provider: Provider) -> None:
    """A consumer cancels a termination."""
    termination_scheduled(account, bank, provider)
    terminations.undo(LicenceGroup.get(LicenceGroup.account == account), by=account.nic_handle)


def service_terminated(account: Account, bank: Bank, provider: Provider) -> None:
    """A termination is carried out."""
    termination_scheduled(account, bank, provider)
    running.to_renewal(LicenceGroup.get(LicenceGroup.account == account))


def withdrawal_received(account: Account, bank: Bank, provider: Provider) -> None:
    """A consumer withdraws from a contract."""
    withdrawals.withdraw_from_service(running.delivered(account, bank), by=account.nic_handle)


def licences_given_back(account: Account, bank: Bank, provider: Provider) -> None:
    """Two of three licences are given back."""
    give_backs.give_back_seats(running.delivered(account, bank), [2, 3], by=account.nic_handle)


def give_back_undone(account: Account, bank: Bank, provider: Provider) -> None:
    """Giving two licences back is undone."""
    licences_given_back(account, bank, provider)
    group = LicenceGroup.get(LicenceGroup.account == account)
    give_backs.undo(group, [2, 3], by=account.nic_handle)


def price_change(account: Account, bank: Bank, provider: Provider) -> None:
    """The price of a licence changes."""
    running.delivered(account, bank)
    price_changes.change_price("business", 990, clock.now() + timedelta(days=1))
    price_changes.announce_all()


def free_period_ending(account: Account, bank: Bank, provider: Provider) -> None:
    """The free period of Office Attach ends soon."""
    group = running.delivered(account, bank)
    subscription = running.subscription_of(group)
    subscription.free_until = subscription.period_end
    subscription.save()
    renewal_notices.tell_of_free_end(subscription.id)
