"""The audit of the whole database: silent where nothing is wrong, a sentence for each fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from models import (
    Account,
    Job,
    Letter,
    LicenceCount,
    LicenceGroup,
    Order,
    Payment,
    RevenueSum,
    Seat,
    SeatEvent,
    ServiceSum,
    database,
)
from shop import clock
from shop.operations import audit
from shop.subscriptions import give_backs, subscriptions
from tests.support import billing, groups, purchases, running
from tests.support.parties import Bank, Provider

pytestmark = pytest.mark.every_case

NO_TIME = timedelta(0)


@pytest.fixture
def group(app: Flask, alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    found = groups.installed(alice, bank)
    groups.configured(found)
    return found


def faults(patience: timedelta = NO_TIME) -> list[str]:
    return [*audit.find_faults(patience), *audit.find_faults_at_provider()]


def test_a_shop_that_works_has_no_fault(app: Flask, group: LicenceGroup) -> None:
    answer = app.test_cli_runner().invoke(args=["audit"])
    assert answer.exit_code == 0, answer.output
    assert answer.output == "Nothing is lost, nothing is doubled, and everything balances.\n"


def test_months_of_suspensions_and_terminations_leave_no_fault(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    ended = running.suspended(alice, bank)
    kept = groups.installed(alice, bank)
    groups.configured(kept)
    for _ in range(6):
        running.pass_time(timedelta(days=15))
    assert groups.fresh(ended).is_over
    assert faults() == []
    active = sum(group.seats_active for group in LicenceGroup.select())
    assert active == len(provider.users)


def ending_without_its_seats(group: LicenceGroup) -> None:
    LicenceGroup.update(status="terminated", places_taken=0).execute()


def uncounted(group: LicenceGroup) -> None:
    LicenceGroup.update(seats_error=1, seats_active=0).execute()


def customer_miscounted(group: LicenceGroup) -> None:
    LicenceCount.update(used=LicenceCount.used + 1).execute()


def customer_uncounted(group: LicenceGroup) -> None:
    LicenceCount.delete().execute()


def idle_uncounted(group: LicenceGroup) -> None:
    Seat.update(is_idle=True).where(Seat.status == "active").execute()


def idle_and_nobodys(group: LicenceGroup) -> None:
    Seat.update(is_idle=True).where(Seat.number == 3).execute()
    LicenceGroup.update(seats_idle=1).execute()


def idle_and_given_back(group: LicenceGroup) -> None:
    give_backs.give_back_seats(group, [groups.seat_of(group, 1).number], by="alice")
    Seat.update(is_idle=True).where(Seat.number == 1).execute()
    LicenceGroup.update(seats_idle=1).execute()


def unpaid(group: LicenceGroup) -> None:
    Order.update(status="awaiting_payment").execute()


def without_money(group: LicenceGroup) -> None:
    Payment.update(status="declined").execute()


def kept_money(group: LicenceGroup) -> None:
    Order.update(status="cancelled").execute()


def undelivered(group: LicenceGroup) -> None:
    Order.update(status="paid").execute()


def lost_seat(group: LicenceGroup) -> None:
    groups.seat_of(group, 3).delete_instance()


def unused(group: LicenceGroup) -> None:
    SeatEvent.delete().execute()


def unreported(group: LicenceGroup) -> None:
    Letter.delete().where(Letter.kind == "service_installed").execute()


def without_credentials(group: LicenceGroup) -> None:
    Letter.delete().where(Letter.kind == "licence_active").execute()


def unsent(group: LicenceGroup) -> None:
    Letter.update(status="queued").execute()


def waiting_job(group: LicenceGroup) -> None:
    Job.update(status="queued", run_at=clock.now()).execute()


def abandoned_job(group: LicenceGroup) -> None:
    Job.update(status="running", lease_until=clock.real_now()).execute()


def failed_job(group: LicenceGroup) -> None:
    Job.update(status="failed").where(Job.kind == "invoice_order").execute()


def hanging_seat(group: LicenceGroup) -> None:
    Seat.update(status="updating", act="edit").where(Seat.number == 1).execute()


def refund_forgotten(group: LicenceGroup) -> None:
    Payment.update(status="refund_due").execute()


def note_not_refunded(group: LicenceGroup) -> None:
    billing.credit(billing.invoice_of(group.line.order))


def revenue_lost(group: LicenceGroup) -> None:
    RevenueSum.update(recurring_cents=RevenueSum.recurring_cents + 1).execute()


def service_miscounted(group: LicenceGroup) -> None:
    ServiceSum.delete().execute()


SENTENCES: dict[Callable[[LicenceGroup], None], str] = {
    ending_without_its_seats: "has ended, and one of its licences has not",
    uncounted: "counts its licences wrongly",
    customer_miscounted: "the licences of the customer",
    customer_uncounted: "the licences of the customer",
    idle_uncounted: "counts its idle licences wrongly",
    idle_and_nobodys: "counts as idle, and is not in use or is given back",
    idle_and_given_back: "counts as idle, and is not in use or is given back",
    unpaid: "was installed without being paid",
    without_money: "counts as paid, without a payment",
    kept_money: "is closed unpaid, and its money was kept",
    undelivered: "is paid, and neither delivered nor refunded",
    lost_seat: "has not the licences that were ordered and not given back",
    unused: "differs from its active licences",
    unreported: "was not reported by e-mail",
    without_credentials: "its credentials were never written",
    unsent: "waits to be sent",
    waiting_job: "is due and is not run",
    abandoned_job: "is held by a worker that is gone",
    failed_job: "has failed for good",
    hanging_seat: "does not finish its work",
    refund_forgotten: "is not confirmed",
    note_not_refunded: "the refund of credit note AV",
    revenue_lost: "is added up wrongly",
    service_miscounted: "are counted wrongly",
}


@pytest.mark.parametrize("harm", SENTENCES, ids=lambda harm: harm.__name__)
def test_each_fault_is_told(harm: Callable[[LicenceGroup], None], group: LicenceGroup) -> None:
    assert faults() == []
    harm(group)
    assert any(SENTENCES[harm] in fault for fault in faults()), faults()


def test_what_the_provider_has_is_compared(
    app: Flask, group: LicenceGroup, provider: Provider
) -> None:
    provider.tenants[group.domain] = 4
    provider.users.clear()
    assert faults() == [
        f"the group {group.name} has 3 licences, and 4 at the provider",
        f"the group {group.name} has 1 active licences, and 0 people at the provider",
    ]
    del provider.tenants[group.domain]
    assert faults() == [f"the provider does not know the group {group.name}"]
    run = app.test_cli_runner().invoke
    answer = run(args=["audit"])
    assert answer.exit_code == 1
    assert "the provider does not know" in answer.output
    assert run(args=["audit", "--no-provider"]).exit_code == 0


def test_a_group_left_at_the_provider_is_told(group: LicenceGroup, provider: Provider) -> None:
    with database.atomic():
        subscriptions.terminate_group(group, by="operator")
    assert not any("still has it" in fault for fault in faults()), "its deletion is under way"
    Job.update(status="done").execute()
    assert faults() == [f"the group {group.name} has ended, and the provider still has it"]


def test_an_unavailable_provider_is_not_reported_as_a_fault(
    app: Flask, group: LicenceGroup, provider: Provider
) -> None:
    provider.silent = True
    answer = app.test_cli_runner().invoke(args=["audit"])
    assert answer.exit_code == 0
    assert "Not compared with the provider." in answer.output


def test_work_under_way_is_given_time(app: Flask, alice: Account, bank: Bank) -> None:
    order = purchases.place(alice, purchases.basket(business=1))
    purchases.pay(order, bank)
    assert list(audit.find_faults()) == []
    assert any(order.number in fault for fault in audit.find_faults(NO_TIME))
