"""The right of withdrawal: whose it is, how long it lasts, and who uses it again and again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine

from models import Account, Letter, LicenceGroup, Order, Termination
from shop import clock, mail
from shop.clock import midnight
from shop.errors import Refusal
from shop.jobs import queue
from shop.operations import monitoring
from shop.subscriptions import terminations, withdrawals
from shop.text import formats
from tests.support import cast, letters, running
from tests.support.parties import Bank, Provider

COMPANY = {"company": "Atelier", "siren": "732829320"}


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """A group that alice ordered as a consumer."""
    return running.delivered(alice, bank)


@pytest.fixture
def company(bank: Bank, provider: Provider) -> Account:
    """The account of a company, which has ordered a group."""
    account = cast.register(cast.BOB, **COMPANY)
    running.delivered(account, bank)
    return account


def group_of(account: Account) -> LicenceGroup:
    """Return the account's only group."""
    return LicenceGroup.get(LicenceGroup.account == account)


def test_a_company_that_clears_its_name_gains_no_right(company: Account) -> None:
    group = group_of(company)
    assert withdrawals.ends_at(group) is None
    Account.update(company="", siren="").where(Account.id == company.id).execute()
    assert withdrawals.ends_at(group) is None
    with pytest.raises(Refusal):
        withdrawals.withdraw(group, by="bob")
    assert terminations.needs_link(group)


def test_a_consumer_who_adds_a_company_keeps_the_right(group: LicenceGroup, bank: Bank) -> None:
    Account.update(**COMPANY).execute()
    assert withdrawals.can_withdraw(group)
    assert not terminations.needs_link(group)
    withdrawals.withdraw(group, by="alice")
    queue.drain()
    assert bank.balance() == 0


@pytest.mark.parametrize(
    ("paid", "last"),
    [
        (date(2026, 3, 10), date(2026, 3, 24)),  # a Tuesday
        (date(2026, 3, 13), date(2026, 3, 27)),  # a Friday
        (date(2026, 3, 14), date(2026, 3, 30)),  # Saturday, so Monday
        (date(2026, 3, 15), date(2026, 3, 30)),  # Sunday, so Monday
        (date(2026, 3, 23), date(2026, 4, 7)),  # Easter Monday, so Tuesday
        (date(2026, 4, 17), date(2026, 5, 4)),  # the holiday of 1 May is a Friday
        (date(2026, 12, 18), date(2027, 1, 4)),  # 1 January of the next year is a Friday
    ],
)
def test_a_last_day_that_is_not_a_working_day_moves_on(
    group: LicenceGroup, paid: date, last: date
) -> None:
    Order.update(paid_at=midnight(paid) + timedelta(hours=15)).execute()
    assert withdrawals.ends_at(group) == midnight(last + timedelta(days=1))


def test_the_acknowledgement_names_content_date_and_time(
    group: LicenceGroup, alice: Account, clock_at_noon: time_machine.Traveller
) -> None:
    withdrawals.withdraw(group, by="alice")
    text = mail.text_of(letters.the(alice, "withdrawal_received"))
    assert "déclaration de rétractation" in text
    assert terminations.order_of(group).number in text
    assert group.display_name in text
    assert formats.moment(clock.now(), "fr") in text


@pytest.fixture
def clock_at_noon(group: LicenceGroup, clock: time_machine.Traveller) -> time_machine.Traveller:
    """The clock a day after the order, at a time that no other line of the e-mail has."""
    clock.shift(timedelta(days=1, hours=2, minutes=7))
    return clock


def test_withdrawing_again_and_again_raises_an_alarm(
    alice: Account, company: Account, bank: Bank, provider: Provider
) -> None:
    for number in range(withdrawals.REPEATED):
        assert monitoring.alarms()["repeated_withdrawals"] == 0, number
        withdrawals.withdraw(running.delivered(alice, bank), by="alice")
        queue.drain()
    assert monitoring.alarms()["repeated_withdrawals"] == 1
    Termination.update(asked_at=clock.now() - withdrawals.REPEATED_WITHIN).execute()
    assert monitoring.alarms()["repeated_withdrawals"] == 0


def test_the_acknowledgement_is_sent_once(group: LicenceGroup) -> None:
    withdrawals.withdraw(group, by="alice")
    with pytest.raises(Refusal):
        withdrawals.withdraw(group, by="alice")
    assert Letter.select().where(Letter.kind == "withdrawal_received").count() == 1
