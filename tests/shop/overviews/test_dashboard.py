"""The figures of a customer's home: the next renewal, licences used, and what is owed."""

from __future__ import annotations

from models import Account
from shop.overviews import dashboard, states
from tests.support import groups, running
from tests.support.parties import Bank, Provider


def overview_of(account: Account) -> dashboard.Overview:
    return dashboard.for_account(account, states.owed_by(account), states.endings_of(account))


def test_a_customer_without_services_owes_nothing_and_renews_nothing(alice: Account) -> None:
    shown = overview_of(alice)
    assert shown.next_renewal is None
    assert shown.licences == dashboard.Licences(0, 0)
    assert shown.debts == dashboard.Debts(0, 0, None)


def test_the_next_renewal_is_shown_with_the_card_it_is_charged_to(
    alice: Account, bob: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    groups.configured(group)
    shown = overview_of(alice)
    assert shown.next_renewal is not None
    assert shown.next_renewal.preview is not None
    assert shown.next_renewal.group == group
    assert shown.next_renewal.card is not None
    assert shown.next_renewal.card.last4 == "4242"
    assert shown.next_renewal.preview.period.start == running.of(group).renews_on
    assert shown.renewals == [], "a card is charged for it"
    assert (shown.licences.total, shown.licences.used, shown.licences.free) == (3, 1, 2)
    assert overview_of(bob).licences.total == 0


def test_what_is_owed_is_the_balance_of_unpaid_invoices_and_its_first_deadline(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    assert [each.group for each in overview_of(alice).renewals] == [group]
    running.to_renewal(group)
    (late,) = states.owed_by(alice)
    expected = dashboard.Debts(1, running.owed(group).balance_cents, late.pay_before)
    assert overview_of(alice).debts == expected
    assert expected.cents > 0
    assert expected.pay_before is not None


def test_a_suspended_service_counts_its_licences_and_has_no_next_renewal(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    shown = overview_of(alice)
    assert shown.next_renewal is None
    assert shown.licences == dashboard.Licences(3, 0)
    assert shown.debts == dashboard.Debts(1, running.owed(group).balance_cents, None)
