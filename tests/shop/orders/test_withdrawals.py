"""The right of withdrawal: whose it is, how long it lasts, and who uses it again and again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
import time_machine

from models import (
    Account,
    Addition,
    GiveBack,
    GroupStatus,
    Invoice,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    Renewal,
    Seat,
)
from shop import clock, mail
from shop.clock import midnight
from shop.delivery import installation
from shop.delivery.installation import deliver_order
from shop.errors import Refusal
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.licences.seats import Person
from shop.operations import monitoring
from shop.orders import attach, withdrawal_rights, withdrawals
from shop.orders import orders as shop_orders
from shop.payments import gateway, notifications, payments
from shop.payments.gateway import DisputeState, Notification
from shop.subscriptions import (
    corrections,
    give_backs,
    interventions,
    period_billing,
    subscriptions,
    terminations,
    withdrawn,
)
from shop.text import formats
from tests.support import billing, cast, exchange, groups, letters, purchases, running
from tests.support.groups import fresh
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
    assert withdrawal_rights.ends_at(terminations.order_of(group)) is None
    Account.update(company="", siren="").where(Account.id == company.id).execute()
    assert withdrawal_rights.ends_at(terminations.order_of(group)) is None
    with pytest.raises(Refusal):
        withdrawals.withdraw_from_service(group, by="bob")
    assert terminations.needs_link(group)


def test_a_consumer_who_adds_a_company_keeps_the_right(group: LicenceGroup, bank: Bank) -> None:
    Account.update(**COMPANY).execute()
    assert withdrawal_rights.find_obstacle(terminations.order_of(group)) is None
    assert not terminations.needs_link(group)
    withdrawals.withdraw_from_service(group, by="alice")
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
    assert withdrawal_rights.ends_at(terminations.order_of(group)) == midnight(
        last + timedelta(days=1)
    )


def test_the_acknowledgement_names_content_date_and_time(
    group: LicenceGroup, alice: Account, clock_at_noon: time_machine.Traveller
) -> None:
    withdrawals.withdraw_from_service(group, by="alice")
    text = " ".join(mail.text_of(letters.the(alice, "withdrawal_received")).split())
    assert "déclaration de rétractation" in text
    assert terminations.order_of(group).number in text
    assert group.display_name in text
    assert " ".join(formats.moment(clock.now(), "fr").split()) in text


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
        withdrawals.withdraw_from_service(running.delivered(alice, bank), by="alice")
        queue.drain()
    assert monitoring.alarms()["repeated_withdrawals"] == 1
    Order.update(withdrawn_at=clock.now() - withdrawals.REPEATED_WITHIN).execute()
    assert monitoring.alarms()["repeated_withdrawals"] == 0


def test_the_acknowledgement_is_sent_once(group: LicenceGroup) -> None:
    withdrawals.withdraw_from_service(group, by="alice")
    with pytest.raises(Refusal):
        withdrawals.withdraw_from_service(group, by="alice")
    assert Letter.select().where(Letter.kind == "withdrawal_received").count() == 1


# --- Licences added: each order is a contract of its own -------------------------------------


def added(group: LicenceGroup, bank: Bank, number: int = 2) -> Order:
    """Order, pay and install licences for a group."""
    order = groups.add(group, number)
    purchases.pay(order, bank)
    queue.drain()
    return fresh(order)


def paid_for(order: Order) -> int:
    """Return what a payment of an order took, in cents."""
    return int(Payment.get(Payment.order == order).amount_cents)


def numbers(group: LicenceGroup) -> list[int]:
    """Return the numbers of a group's licences."""
    return [seat.number for seat in Seat.select().where(Seat.group == group).order_by(Seat.number)]


def test_licences_added_later_are_withdrawn_from_alone(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    before = bank.balance()
    running.pass_time(timedelta(days=10))
    order = added(group, bank)
    assert bank.balance() == before + paid_for(order) > before
    running.pass_time(timedelta(days=10))  # too late for the group, in time for the order
    assert withdrawal_rights.find_obstacle(terminations.order_of(fresh(group))) is not None
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    assert bank.balance() == before
    assert numbers(group) == [1, 2, 3]
    assert provider.tenants[group.domain] == fresh(group).places_taken == 3
    assert fresh(group).status == GroupStatus.INSTALLED
    billing.assert_no_fault()
    running.to_renewal(group)
    assert Renewal.get().quantity == 3
    with pytest.raises(Refusal, match="already"):
        withdrawals.withdraw(order, by="alice")


def test_what_a_renewal_charged_for_them_goes_back_too(group: LicenceGroup, bank: Bank) -> None:
    running.pass_time(timedelta(days=25))
    before = bank.balance()
    order = added(group, bank)
    running.to_renewal(group)
    assert Renewal.get().quantity == 5
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    # 3 licences for a month stay charged.
    assert bank.balance() == before + 3168
    billing.assert_balanced()
    running.to_renewal(group)
    assert [row.quantity for row in Renewal.select().order_by(Renewal.id)] == [5, 3]


def test_the_licences_of_a_renewal_not_yet_paid_are_owed_no_more(
    group: LicenceGroup, bank: Bank
) -> None:
    running.pass_time(timedelta(days=25))
    order = added(group, bank)
    subscriptions.choose_card(running.subscription_of(group), None, by="alice")
    running.to_renewal(group)
    assert running.owed(group).balance_cents == 5280
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    assert running.owed(group).balance_cents == 3168
    billing.assert_balanced()


def test_licences_that_nobody_uses_end_first_and_the_customer_may_choose(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    order = added(group, bank)
    for number, name in ((1, "one"), (4, "four"), (5, "five")):
        groups.configured(group, number, Person("Ann", "Berg", name))
    addition = Addition.get()
    assert [seat.number for seat in withdrawn.suggested(addition)] == [2, 3]
    with pytest.raises(Refusal, match="Choose again"):
        withdrawals.withdraw(order, by="alice", numbers=[1, 2, 3])
    withdrawals.withdraw(order, by="alice", numbers=[1, 4])
    queue.drain()
    running.pass_time(timedelta(minutes=1))
    assert numbers(group) == [2, 3, 5]
    assert sorted(provider.users) == [f"five@{group.domain}"]
    assert provider.tenants[group.domain] == 3
    billing.assert_no_fault()


def test_licences_given_back_before_end_with_their_order(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    order = added(group, bank)
    give_backs.give_back_seats(group, [2, 5], by="alice")
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    assert numbers(group) == [1, 2, 3]  # number 2 stays paid for until the renewal
    running.to_renewal(group)
    assert (numbers(group), Renewal.get().quantity) == ([1, 3], 2)
    assert provider.tenants[group.domain] == 2
    billing.assert_balanced()


def test_a_group_left_with_licences_given_back_ends_with_them(
    group: LicenceGroup, bank: Bank
) -> None:
    order = added(group, bank)
    give_backs.give_back_seats(group, [1, 2, 3], by="alice")
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    assert numbers(group) == [1, 2, 3]
    running.to_renewal(group)
    assert fresh(group).status == GroupStatus.TERMINATED
    assert not Renewal.select().exists()
    billing.assert_balanced()


def test_two_orders_of_licences_leave_the_provider_one_after_the_other(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    orders = [added(group, bank, 2), added(group, bank, 1)]
    provider.pending = True
    for order in orders:
        withdrawals.withdraw(order, by="alice")
    queue.drain()
    provider.finish()
    for _ in range(3):
        running.pass_time(timedelta(minutes=1))
    assert numbers(group) == [1, 2, 3]
    assert provider.tenants[group.domain] == 3
    billing.assert_balanced()


def test_a_licence_of_a_suspended_group_leaves_when_it_resumes(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    order = added(group, bank)
    interventions.suspend(group, "A check.", by="operator")
    queue.drain()
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    assert bank.balance() == 3168
    interventions.resume(group, "Done.", by="operator")
    running.pass_time(timedelta(hours=2))
    assert numbers(group) == [1, 2, 3]
    billing.assert_balanced()


# --- Before, during and after a delivery that fails ------------------------------------------


def test_an_order_is_withdrawn_from_before_its_delivery_begins(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = purchases.place(alice)
    purchases.pay(order, bank)
    withdrawals.withdraw(order, by="alice")
    assert fresh(order).status == OrderStatus.REFUNDED
    queue.drain()
    assert (bank.balance(), provider.tenants) == (0, {})
    assert not LicenceGroup.select().exists()
    text = " ".join(letters.the(alice, "withdrawal_received").text.split())
    assert "Rien ne sera installé" in text
    assert "31,68" in text
    assert "Vous vous êtes rétracté" in letters.the(alice, "payment_refunded").text
    assert not Invoice.select().exists()
    billing.assert_no_fault()


def test_an_order_withdrawn_from_while_it_is_installed_ends_when_it_is(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = purchases.place(alice, purchases.basket(3, 2))
    purchases.pay(order, bank)
    provider.pending = True
    queue.drain()
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    assert bank.balance() > 0
    billing.assert_balanced()
    provider.finish()
    for _ in range(3):
        running.pass_time(timedelta(minutes=1))
    assert (bank.balance(), provider.tenants) == (0, {})
    assert {each.status for each in LicenceGroup.select()} == {GroupStatus.TERMINATED}
    assert not Letter.select().where(Letter.kind == "service_installed").exists()
    billing.assert_no_fault()


@pytest.mark.parametrize("outcome", ["half", "failed"])
def test_an_order_withdrawn_from_while_its_installation_fails_is_refunded_once(
    alice: Account, bank: Bank, provider: Provider, outcome: str
) -> None:
    provider.refused_offers |= {"pro_plus"} if outcome == "half" else {"pro_plus", "business"}
    order = purchases.place(alice, purchases.basket(3, 2))
    purchases.pay(order, bank)
    deliver_order(order.id)
    withdrawals.withdraw(fresh(order), by="alice")
    queue.drain()
    running.pass_time(timedelta(days=4))
    assert (bank.balance(), provider.tenants) == (0, {})
    assert len(bank.refunds) == 1
    assert fresh(order).status == OrderStatus.REFUNDED
    assert not Letter.select().where(Letter.kind == "delivery_failed").exists()
    billing.assert_no_fault()


@pytest.mark.parametrize("outcome", ["half", "failed"])
def test_an_order_whose_delivery_failed_is_withdrawn_from(
    alice: Account, bank: Bank, provider: Provider, outcome: str
) -> None:
    provider.refused_offers |= {"pro_plus"} if outcome == "half" else {"pro_plus", "business"}
    order = purchases.place(alice, purchases.basket(3, 2))
    purchases.pay(order, bank)
    queue.drain()
    withdrawals.withdraw(fresh(order), by="alice")
    queue.drain()
    running.pass_time(timedelta(days=4))
    assert (bank.balance(), provider.tenants) == (0, {})
    assert len(bank.refunds) == 1
    assert fresh(order).status == OrderStatus.REFUNDED
    with pytest.raises(Refusal):
        installation.retry_delivery(fresh(order), by="alice")
    with pytest.raises(Refusal):
        shop_orders.refund_order(fresh(order), by="alice")
    billing.assert_no_fault()


def test_an_order_that_is_being_refunded_is_not_withdrawn_from(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "No."
    order = purchases.place(alice)
    purchases.pay(order, bank)
    queue.drain()
    bank.silent = True
    shop_orders.refund_order(fresh(order), by="alice")
    with pytest.raises(Refusal, match="being refunded"):
        withdrawals.withdraw(fresh(order), by="alice")


def test_a_service_is_withdrawn_from_while_licences_are_added_to_it(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    order = groups.add(group, 2)
    purchases.pay(order, bank)
    provider.pending = True
    queue.drain()
    withdrawals.withdraw_from_service(group, by="alice")
    queue.drain()
    provider.finish()
    for _ in range(3):
        running.pass_time(timedelta(minutes=1))
    assert (bank.balance(), provider.tenants) == (0, {})
    assert fresh(order).is_withdrawn
    billing.assert_no_fault()


def test_an_office_attach_order_is_withdrawn_from_before_and_after_it_is_installed(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    owned = exchange.service(alice)
    exchange.with_card(alice, bank)
    requested = exchange.attach_request(owned)
    order = attach.place_order(requested, exchange.seen(requested))
    withdrawals.withdraw(fresh(order), by="alice")
    queue.drain()
    assert provider.tenants == {}
    again = exchange.attached(owned)  # nothing was used: the offer is free again
    withdrawals.withdraw(terminations.order_of(again), by="alice")
    queue.drain()
    assert provider.tenants == {}
    assert not Invoice.select().exists()
    billing.assert_no_fault()


def test_an_order_of_two_groups_is_withdrawn_from_with_one_credit_note(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = billing.delivered(alice, bank, 3, 2)
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    assert (bank.balance(), provider.tenants) == (0, {})
    assert Invoice.select().where(Invoice.kind == "credit_note").count() == 1
    assert not Invoice.select().where(Invoice.status == "paid").exists()
    billing.assert_balanced()


def test_a_business_has_no_such_right_before_the_delivery_either(
    bank: Bank, provider: Provider
) -> None:
    order = purchases.place(cast.register(cast.BOB, **COMPANY))
    purchases.pay(order, bank)
    with pytest.raises(Refusal, match="over"):
        withdrawals.withdraw(fresh(order), by="bob")


# --- While the money is contested, or corrected ----------------------------------------------


def dispute(bank: Bank, order: Order, cents: int = 0) -> gateway.Dispute:
    """Let the bank take the payment of an order back, or a part of it, until it decides."""
    payment = Payment.get(Payment.order == order)
    cents = cents or payment.amount_cents
    made = bank.dispute(payment.checkout, cents, withdrawn_cents=cents)
    notifications.apply_notification(Notification("e", made))
    return made


def decide(bank: Bank, made: gateway.Dispute, state: DisputeState) -> None:
    """Let the bank decide a dispute, and do what follows."""
    left = made.withdrawn_cents if state == DisputeState.LOST else 0
    decided = replace(made, state=state, withdrawn_cents=left)
    bank.disputes[made.reference] = decided
    notifications.apply_notification(Notification("e", decided))
    running.pass_time(timedelta(days=1))


@pytest.mark.parametrize("is_delivered", [True, False], ids=["delivered", "not yet"])
@pytest.mark.parametrize("state", [DisputeState.WON, DisputeState.LOST])
@pytest.mark.parametrize("part", [0, 1000], ids=["all", "a part"])
def test_money_that_is_contested_goes_back_once(
    alice: Account, bank: Bank, provider: Provider, state: DisputeState, part: int,
    is_delivered: bool,
) -> None:  # fmt: skip
    order = purchases.place(alice)
    purchases.pay(order, bank)
    if is_delivered:
        queue.drain()
    made = dispute(bank, order, part)
    withdrawals.withdraw(fresh(order), by="alice")
    queue.drain()
    assert not bank.refunds  # the bank decides first
    billing.assert_balanced()
    decide(bank, made, state)
    given = sum(each.amount_cents for each in bank.refunds.values())
    assert given == 3168 - (made.amount_cents if state == DisputeState.LOST else 0)
    assert (bank.balance(), provider.tenants) == (0, {})
    billing.assert_no_fault()
    assert monitoring.alarms()["failed_refunds"] == 0


def test_what_was_lost_before_is_not_refunded_again(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = billing.delivered(alice, bank)
    decide(bank, dispute(bank, order), DisputeState.LOST)
    withdrawals.withdraw(fresh(order), by="alice")
    queue.drain()
    assert not bank.refunds
    assert not Invoice.select().where(Invoice.status.in_(["due", "unpaid", "paid"])).exists()
    billing.assert_balanced()


def test_money_given_back_by_the_bank_after_all_goes_back(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = purchases.place(alice)
    purchases.pay(order, bank)
    made = dispute(bank, order)
    withdrawals.withdraw(fresh(order), by="alice")
    queue.drain()
    decide(bank, made, DisputeState.LOST)
    assert not bank.refunds
    decide(bank, made, DisputeState.WON)
    assert bank.balance() == 0
    billing.assert_balanced()


def test_a_corrected_invoice_is_credited_in_its_place(group: LicenceGroup, bank: Bank) -> None:
    order = terminations.order_of(group)
    corrections.correct(
        billing.invoice_of(order), {"street": "2 rue Haute"}, "Error.", by="operator"
    )
    queue.drain()
    withdrawals.withdraw(order, by="alice")
    queue.drain()
    assert bank.balance() == 0
    assert len(bank.refunds) == 1
    billing.assert_balanced()


# --- The ledger's proof ----------------------------------------------------------------------


def test_a_withdrawal_that_was_not_carried_out_is_a_fault(group: LicenceGroup, bank: Bank) -> None:
    order = terminations.order_of(group)
    Order.update(withdrawn_at=clock.now()).execute()
    said = f"the customer withdrew from order {order.number}, and "
    assert {fault for fault in ledger_proof.find_faults() if fault.startswith(said)} == {
        f"{said}it is delivered, or to be, all the same",
        f"{said}its money is kept",
    }


def test_licences_left_behind_by_a_withdrawal_are_a_fault(group: LicenceGroup, bank: Bank) -> None:
    order = added(group, bank)
    Order.update(withdrawn_at=clock.now()).where(Order.id == order.id).execute()
    said = f"the customer withdrew from order {order.number}, and "
    assert f"{said}it is delivered, or to be, all the same" in list(ledger_proof.find_faults())
    GiveBack.insert_many(
        [
            {"group": group, "seat": seat, "number": seat.number, "ends_on": clock.today(),
             "order": order, "asked_at": clock.now()}
            for seat in Seat.select().where(Seat.number > 3)
        ]
    ).execute()  # fmt: skip
    faults = [fault for fault in ledger_proof.find_faults() if fault.startswith(said)]
    assert faults == [f"{said}its licences are not being removed", f"{said}its money is kept"]


def test_a_month_charged_for_a_service_withdrawn_from_is_a_fault(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = period_billing.bill_ahead(running.subscription_of(group))
    payments.record_manual_payment(ahead, by="operator")
    monkeypatch.setattr(withdrawn, "credit_group", lambda *_, **__: 0)
    withdrawals.withdraw_from_service(group, by="alice")
    said = f"the customer withdrew from service {group.name}, and a month of it is still charged"
    assert said in list(ledger_proof.find_faults())
