"""Terminations of groups: at the next renewal, undone in time, confirmed, and withdrawals."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import (
    Account,
    GroupStatus,
    Invoice,
    InvoiceKind,
    Letter,
    LicenceGroup,
    Renewal,
    Seat,
    SubscriptionStatus,
    Termination,
    TerminationStatus,
)
from records.accounts import LinkPurpose
from shop import clock, mail
from shop.clock import midnight
from shop.customers import one_time_links
from shop.errors import Conflict, Refusal
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.orders import withdrawal_rights, withdrawals
from shop.payments import payments
from shop.subscriptions import ending, period_billing, previews, terminations
from tests.support import groups, letters, purchases, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """Return a consumer's group of three licences, paid by a stored card."""
    return running.delivered(alice, bank)


def link_of(account: Account) -> str:
    html = mail.html_of(letters.the(account, "termination_link"))
    return next(link for link in letters.links(html) if "/termination/" in link)


def token_of(account: Account) -> str:
    return link_of(account).rsplit("/", 1)[-1]


def test_it_ends_at_the_renewal_and_not_before(
    group: LicenceGroup, alice: Account, provider: Provider
) -> None:
    seat = groups.configured(group)
    login_name = f"{seat.login}@{group.domain}"
    password = provider.users[login_name]
    terminations.request_termination(group, by="alice")
    ends_on = Termination.get().ends_on
    assert ends_on == running.subscription_of(group).renews_on
    assert previews.preview(running.subscription_of(group)) is None
    running.pass_time(midnight(ends_on) - clock.now() - A_MINUTE)
    assert provider.can_sign_in(login_name, password)
    running.pass_time(2 * A_MINUTE)
    assert not provider.can_sign_in(login_name, password)
    assert group.domain not in provider.tenants
    ended = fresh(group)
    assert (ended.status, ended.places_taken) == (GroupStatus.TERMINATED, 0)
    assert running.subscription_of(group).status == SubscriptionStatus.TERMINATED
    assert groups.consumption(group) == [1, -1]
    assert Seat.select().where(Seat.group == group).count() == 3
    assert not Renewal.select().exists()
    running.pass_time(timedelta(days=60))
    assert not Renewal.select().exists()


def test_it_can_be_undone_until_24_hours_before(group: LicenceGroup) -> None:
    terminations.request_termination(group, by="alice")
    ends_at = midnight(Termination.get().ends_on)
    running.pass_time(ends_at - clock.now() - timedelta(hours=24, minutes=1))
    terminations.undo(group, by="alice")
    assert terminations.for_group(group) is None
    terminations.request_termination(group, by="alice")
    running.pass_time(2 * A_MINUTE)
    with pytest.raises(Refusal, match="too late"):
        terminations.undo(group, by="alice")
    running.pass_time(timedelta(days=1))
    assert fresh(group).status == GroupStatus.TERMINATED


def test_an_undone_termination_renews_as_before(group: LicenceGroup) -> None:
    terminations.request_termination(group, by="alice")
    terminations.undo(group, by="alice")
    running.to_renewal(group)
    assert fresh(group).status == GroupStatus.INSTALLED
    assert Renewal.select().count() == 1


def test_a_business_confirms_by_the_emailed_link_once(
    group: LicenceGroup, alice: Account, visitor: Visitor
) -> None:
    purchases.by_a_business(alice)
    terminations.request_termination(group, by="alice")
    assert Termination.get().status == TerminationStatus.ASKED
    url = link_of(alice).removeprefix(purchases.BASE)
    visitor.open(url)
    assert Termination.get().status == TerminationStatus.ASKED
    visitor.press("Résilier ce groupe")
    assert Termination.get().status == TerminationStatus.SCHEDULED
    assert visitor.client.get(url).status_code == 410
    with pytest.raises(Refusal):
        terminations.confirm(token_of(alice))


def test_a_business_that_does_not_confirm_renews(group: LicenceGroup, alice: Account) -> None:
    purchases.by_a_business(alice)
    terminations.request_termination(group, by="alice")
    token = token_of(alice)
    running.to_renewal(group)
    assert fresh(group).status == GroupStatus.INSTALLED
    with pytest.raises(Refusal, match="no longer valid"):
        terminations.confirm(token)


def test_a_link_confirmed_after_the_renewal_ends_at_the_next(
    group: LicenceGroup, alice: Account
) -> None:
    purchases.by_a_business(alice)
    renews_on = running.subscription_of(group).renews_on
    running.pass_time(midnight(renews_on) - clock.now() - timedelta(hours=1))
    terminations.request_termination(group, by="alice")
    running.pass_time(timedelta(hours=2))
    terminations.confirm(token_of(alice))
    assert Termination.get().ends_on == running.subscription_of(group).renews_on > renews_on


def test_asking_again_sends_another_link_and_invalidates_the_first(
    group: LicenceGroup, alice: Account
) -> None:
    purchases.by_a_business(alice)
    terminations.request_termination(group, by="alice")
    first = token_of(alice)
    terminations.request_termination(group, by="alice")
    assert terminations.find_by_token(first) is None
    terminations.confirm(token_of(alice))
    with pytest.raises(Conflict):
        terminations.request_termination(group, by="alice")
    assert Termination.select().count() == 1


def test_a_token_of_another_kind_confirms_nothing(alice: Account) -> None:
    token = one_time_links.new_link(alice, LinkPurpose.PASSWORD_RESET, timedelta(hours=1))
    assert terminations.find_by_token(token) is None


def test_the_renewal_and_the_end_cannot_both_happen(group: LicenceGroup) -> None:
    terminations.request_termination(group, by="alice")
    termination = Termination.get()
    running.to_renewal(group)
    for _ in range(3):
        ending.end_group(termination.id)
    assert Letter.select().where(Letter.kind == "service_terminated").count() == 1


def test_a_consumer_withdraws_within_14_days_and_gets_everything_back(
    group: LicenceGroup, alice: Account, bank: Bank, provider: Provider
) -> None:
    addition = groups.add(group, 2)
    purchases.pay(addition, bank)
    queue.drain()
    running.pass_time(timedelta(days=13))
    assert bank.balance() > 0
    withdrawals.withdraw_from_service(group, by="alice")
    queue.drain()
    assert bank.balance() == 0
    assert Invoice.select().where(Invoice.kind == InvoiceKind.CREDIT_NOTE).count() == 2
    assert fresh(group).status == GroupStatus.TERMINATED
    assert group.domain not in provider.tenants
    assert list(ledger_proof.find_faults()) == []


def test_withdrawing_from_one_group_keeps_the_other_of_its_order(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = purchases.place(alice, purchases.basket(business=2, pro_plus=1))
    purchases.pay(order, bank)
    queue.drain()
    one, other = LicenceGroup.select().order_by(LicenceGroup.id)
    withdrawals.withdraw_from_service(one, by="alice")
    queue.drain()
    assert bank.balance() == 1290 * 12 // 10
    assert fresh(other).status == GroupStatus.INSTALLED
    assert list(ledger_proof.find_faults()) == []


def test_withdrawing_before_the_invoice_was_issued_refunds_everything(
    alice: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        # The worker is late: the order is delivered, and its invoice not issued yet.
        patched.setitem(
            queue._handlers, "invoice_order", queue.Handler(_later, 9, A_MINUTE, None, 0)
        )
        group = running.delivered(alice, bank)
    assert not Invoice.select().exists()
    withdrawals.withdraw_from_service(group, by="alice")
    queue.drain()
    assert sum(given.amount_cents for given in bank.refunds.values()) == 3168
    assert list(ledger_proof.find_faults()) == []


def _later(order: int) -> None:
    raise queue.Later(A_MINUTE)


def test_no_withdrawal_after_14_days(group: LicenceGroup) -> None:
    ends_at = withdrawal_rights.ends_at(terminations.order_of(group))
    assert ends_at is not None
    running.pass_time(ends_at - clock.now() - A_MINUTE)
    assert withdrawal_rights.find_obstacle(terminations.order_of(group)) is None
    running.pass_time(2 * A_MINUTE)
    with pytest.raises(Refusal, match="over"):
        withdrawals.withdraw_from_service(group, by="alice")


# --- Paid ahead ------------------------------------------------------------------------------


def test_a_renewal_paid_ahead_is_charged_no_more_on_its_day(
    group: LicenceGroup, bank: Bank
) -> None:
    subscription = running.subscription_of(group)
    shown = previews.preview(subscription)
    invoice = period_billing.bill_ahead(subscription)
    assert period_billing.bill_ahead(subscription) == invoice
    assert shown is not None
    assert shown.totals.total_cents == invoice.total_cents
    payments.record_manual_payment(invoice, by="operator")
    with pytest.raises(Refusal, match="paid already"):
        period_billing.bill_ahead(subscription)
    before = bank.balance()
    running.to_renewal(group)
    assert bank.balance() == before
    assert running.subscription_of(group).period_start == shown.period.start
    assert Renewal.select().count() == 1


def test_licences_that_join_after_it_was_paid_ahead_come_on_top(
    group: LicenceGroup, bank: Bank
) -> None:
    payments.record_manual_payment(
        period_billing.bill_ahead(running.subscription_of(group)), by="operator"
    )
    purchases.pay(groups.add(group, 2), bank)
    queue.drain()
    running.to_renewal(group)
    extra = Renewal.get().supplement
    assert extra.net_cents == 2 * 880
    assert extra.status == "paid"
    assert list(ledger_proof.find_faults()) == []


def test_a_group_paid_ahead_ends_when_that_is_over(group: LicenceGroup) -> None:
    subscription = running.subscription_of(group)
    invoice = period_billing.bill_ahead(subscription)
    payments.record_manual_payment(invoice, by="operator")
    terminations.request_termination(group, by="alice")
    assert Termination.get().ends_on == Renewal.get().period_end
    running.to_renewal(group)
    assert fresh(group).status == GroupStatus.INSTALLED
    running.to_renewal(group)
    assert fresh(group).status == GroupStatus.TERMINATED
    assert Renewal.select().count() == 1


def test_a_renewal_not_paid_ahead_is_credited_when_the_group_is_terminated(
    group: LicenceGroup,
) -> None:
    subscription = running.subscription_of(group)
    period_billing.bill_ahead(subscription)
    terminations.request_termination(group, by="alice")
    assert Termination.get().ends_on == subscription.renews_on
    terminations.undo(group, by="alice")
    running.to_renewal(group)
    assert Renewal.select().count() == 1
    assert Invoice.select().where(Invoice.kind == InvoiceKind.CREDIT_NOTE).count() == 1
    assert list(ledger_proof.find_faults()) == []


def test_one_left_unpaid_is_collected_on_its_day(group: LicenceGroup, bank: Bank) -> None:
    invoice = period_billing.bill_ahead(running.subscription_of(group))
    running.to_renewal(group)
    assert fresh(invoice).status == "paid"
    assert Renewal.select().count() == 1


# --- Free, and given up ----------------------------------------------------------------------


def test_a_free_period_ended_in_time_costs_nothing(group: LicenceGroup, bank: Bank) -> None:
    subscription = running.subscription_of(group)
    subscription.free_until = subscription.period_end
    subscription.save()
    before = bank.balance()
    terminations.request_termination(group, by="alice")
    running.pass_time(timedelta(days=70))
    assert bank.balance() == before
