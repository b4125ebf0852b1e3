"""The figures of a customer's home: the next renewal, licences used, and what is owed."""

from __future__ import annotations

from peewee import PostgresqlDatabase

from models import Account, LicenceGroup, Order, Payment, database
from shop.delivery import progress
from shop.jobs import queue
from shop.licences import seats
from shop.overviews import dashboard, states
from tests.support import groups, purchases, queries, running
from tests.support.belongings import Belongings
from tests.support.parties import Bank, Provider


def overview_of(account: Account) -> dashboard.Overview:
    return dashboard.for_account(account, states.owed_by(account), states.endings_of(account))


def test_a_customer_without_services_owes_nothing_and_renews_nothing(alice: Account) -> None:
    shown = overview_of(alice)
    assert shown.next_renewal is None
    assert shown.licences == dashboard.Licences(0, 0, 0)
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
    assert shown.next_renewal.preview.period.start == running.subscription_of(group).renews_on
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
    assert shown.licences == dashboard.Licences(3, 0, 3)
    assert shown.debts == dashboard.Debts(1, running.owed(group).balance_cents, None)


def test_licences_in_error_and_being_released_have_no_user(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = groups.installed(alice, bank, quantity=5)
    first = groups.configured(group)
    groups.configured(group, 2, groups.ZOE)
    seats.release(first, first.version, by="alice")
    third, refused = groups.seat_of(group, 3), groups.seat_of(group, 4)
    seats.configure(third, third.version, seats.Person("Ada", "Bell", "ada"), by="alice")
    licences = overview_of(alice).licences
    assert (licences.used, licences.free, licences.in_error) == (2, 2, 0), "one is being created"
    assert (licences.total, licences.releasing) == (5, 1)
    provider.failing = "no such country"
    seats.configure(refused, refused.version, seats.Person("Ed", "Fox", "ed"), by="alice")
    queue.drain()
    after = overview_of(alice).licences
    assert after.in_error == groups.fresh(group).seats_error > 0
    assert after.used == groups.fresh(group).seats_active
    assert after.total == 5


def test_a_failed_delivery_says_until_when_it_is_tried_before_the_refund(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    provider.failing = "no capacity"
    added = groups.add(group, 2)
    failed = purchases.place(alice, purchases.basket(business=2))
    for order in (added, failed):
        purchases.pay(order, bank)
    queue.drain()
    shown = {order.id: order for order in overview_of(alice).orders}
    assert {added.id, failed.id} <= set(shown)
    for order in (added, failed):
        expected = progress.refund_time(Order.get_by_id(order.id))
        assert progress.refund_time_read(shown[order.id]) == expected
    LicenceGroup.update(status="terminated").where(LicenceGroup.id == group.id).execute()
    (again,) = (order for order in overview_of(alice).orders if order.id == added.id)
    assert progress.refund_time_read(again) == progress.refund_time(Order.get_by_id(added.id))


def test_an_order_that_is_refunded_or_waits_has_no_such_deadline(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "no capacity"
    failed = purchases.place(alice, purchases.basket(business=2))
    purchases.pay(failed, bank)
    queue.drain()
    assert progress.refund_time_read(overview_of(alice).orders[0]) is not None
    Payment.update(status="refund_due").where(Payment.order == failed).execute()
    waiting = purchases.place(alice, purchases.basket(business=1))
    shown = {order.id: order for order in overview_of(alice).orders}
    assert progress.refund_time_read(shown[failed.id]) is None
    assert progress.refund_time_read(shown[waiting.id]) is None


def test_the_sums_of_the_home_are_read_from_indexes(alices: Belongings) -> None:
    account = alices.account
    plan = queries.plan_of(lambda: dashboard._sums.rows(account, account.id))
    by_index = [line for line in plan if "invoice_owed" in line]
    # PostgreSQL may prefer the customer's own index where there are a handful of invoices.
    assert by_index or isinstance(database.obj, PostgresqlDatabase), plan
    assert all("COVERING INDEX" in line or "Index Only Scan" in line for line in by_index)
    assert not [line for line in plan if "SCAN licence_group" in line or "Seq Scan" in line]
