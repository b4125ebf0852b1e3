"""Dunning of unpaid renewals: charge retried, group suspended, resumed once, or ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import (
    Account,
    GroupStatus,
    Invoice,
    InvoiceStatus,
    Letter,
    LicenceGroup,
    Payment,
    Reminder,
    Renewal,
    SubscriptionStatus,
    Termination,
)
from shop import clock, mail
from shop.clock import midnight
from shop.invoicing import credit_notes, ledger_proof, receivables
from shop.jobs import queue
from shop.payments import outcomes, payments
from shop.payments.gateway import CheckoutStatus
from shop.pricing import periods
from shop.pricing.lines import positions_of
from shop.subscriptions import dunning, terminations
from tests.support import billing, groups, letters, purchases, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider

A_MINUTE = timedelta(minutes=1)


ADVICE = {
    "0341": ("enregistrez la nouvelle", "register the new one"),
    "3184": ("confirmiez vous-même ce paiement", "confirm this payment yourself"),
    "9995": ("faute de provision", "for lack of funds"),
}
"""What the letter advises, by the card that was declined."""


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("card", ADVICE)
def test_the_letter_advises_what_helps_against_the_reason_of_the_bank(
    alice: Account, bank: Bank, provider: Provider, card: str, language: str
) -> None:
    alice.language = language
    alice.save()
    running.to_renewal(running.delivered(alice, bank, card=card))
    said = letters.plain(mail.text_of(Letter.get(Letter.kind == "payment_failed")))
    for other, advice in ADVICE.items():
        assert (advice[language == "en"] in said) == (other == card)


def letters_of(kind: str) -> int:
    return Letter.select().where(Letter.kind == kind).count()


def charges(bank: Bank) -> list[str]:
    """Return the bank's answers to the charges of stored cards."""
    return [c.status for name, c in bank.checkouts.items() if name.startswith("charge")]


def test_a_declined_card_is_tried_again_after_3_7_and_14_days(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="0341")
    running.to_renewal(group)
    first = clock.now()
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    assert running.owed(group).status == InvoiceStatus.UNPAID
    for number, day in enumerate((3, 7, 14), start=1):
        running.pass_time(first + timedelta(days=day) - clock.now() - A_MINUTE)
        assert len(charges(bank)) == number
        running.pass_time((1 + 10 * number) * A_MINUTE)
        assert len(charges(bank)) == number + 1
    assert letters_of("payment_failed") == 3
    assert letters_of("service_suspended") == 1
    assert fresh(group).status == GroupStatus.SUSPENDED
    running.pass_time(timedelta(days=30))
    assert len(charges(bank)) == 4
    assert list(ledger_proof.find_faults()) == []


def test_users_cannot_sign_in_while_suspended_and_payment_resumes_once(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    seat = groups.configured(group)
    login_name = f"{seat.login}@{group.domain}"
    password = provider.users[login_name]
    running.to_renewal(group)
    for wait in dunning.WAITS:
        assert provider.can_sign_in(login_name, password)
        running.pass_time(wait + A_MINUTE)
    assert not provider.can_sign_in(login_name, password)
    invoice = running.owed(group)
    payments.record_manual_payment(invoice, by="operator")
    queue.drain()
    assert provider.can_sign_in(login_name, password)
    assert fresh(group).status == GroupStatus.INSTALLED
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    dunning.resume_settled(fresh(invoice))
    queue.drain()
    assert letters_of("service_resumed") == 1
    assert [key for key in provider.calls if key.startswith("resume")] == [
        f"resume-{group.name}-1-first"
    ]


def test_a_group_paid_before_the_provider_was_asked_ends_up_open(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    seat = groups.configured(group)
    login_name = f"{seat.login}@{group.domain}"
    provider.silent = True
    running.to_renewal(group)
    for wait in dunning.WAITS:
        running.pass_time(wait + A_MINUTE)
    payments.record_manual_payment(running.owed(group), by="operator")
    provider.silent = False
    running.pass_time(timedelta(hours=2))
    assert provider.can_sign_in(login_name, provider.users[login_name])


@pytest.mark.every_case
@pytest.mark.parametrize("paid_after", [1, 2, 3])
def test_there_is_no_retry_after_a_payment_by_other_means(
    alice: Account, bank: Bank, provider: Provider, paid_after: int
) -> None:
    group = running.delivered(alice, bank, card="0341")
    running.to_renewal(group)
    for wait in dunning.WAITS[: paid_after - 1]:
        running.pass_time(wait + A_MINUTE)
    payments.record_manual_payment(running.owed(group), by="operator")
    before = len(charges(bank))
    running.pass_time(timedelta(days=14))
    assert len(charges(bank)) == before
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    assert letters_of("service_suspended") == 0


def test_a_page_of_the_bank_left_open_is_closed_before_the_card_is_charged(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="0341")
    running.to_renewal(group)
    invoice = running.owed(group)
    own = payments.start_payment(invoice, store_card=False, base_url=purchases.BASE, by="alice")
    running.pass_time(timedelta(days=3, minutes=1))
    assert bank.checkouts[own.checkout or ""].status == CheckoutStatus.CLOSED
    assert len(charges(bank)) == 2


def test_a_card_being_confirmed_is_waited_for(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="0341")
    running.to_renewal(group)
    invoice = running.owed(group)
    own = payments.start_payment(invoice, store_card=False, base_url=purchases.BASE, by="alice")
    outcomes.CHECKOUTS.settle(own, bank.tell(own.checkout or "", CheckoutStatus.PROCESSING))
    running.pass_time(timedelta(days=3, minutes=1))
    assert len(charges(bank)) == 1
    outcomes.CHECKOUTS.settle(own, bank.tell(own.checkout or "", CheckoutStatus.SUCCEEDED))
    running.pass_time(timedelta(days=20))
    assert len(charges(bank)) == 1
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    assert bank.balance() == 2 * invoice.total_cents


def test_a_new_card_is_charged_at_the_next_attempt(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="0341")
    running.to_renewal(group)
    running.charge_to(group, billing.card(alice))
    running.pass_time(timedelta(days=3, minutes=1))
    assert charges(bank) == ["declined", "succeeded"]
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE


def test_an_unavailable_bank_is_not_a_failed_attempt(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    bank.silent = True
    running.to_renewal(group)
    running.pass_time(timedelta(days=2))
    assert letters_of("payment_failed") == 0
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    bank.silent = False
    running.pass_time(timedelta(hours=2))
    assert receivables.unpaid_invoices(group.id) == []
    assert Payment.select().where(Payment.invoice.is_null(False)).count() == 1


def test_an_answer_that_was_lost_charges_once(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    before = bank.balance()
    bank.losing = 2
    running.to_renewal(group)
    running.pass_time(timedelta(hours=1))
    assert bank.balance() - before == Renewal.get().invoice.total_cents
    assert list(ledger_proof.find_faults()) == []


def test_each_stage_is_reached_once_however_often_its_job_runs(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="0341")
    running.to_renewal(group)
    invoice = running.owed(group)
    for _ in range(3):
        dunning.collect_invoice(invoice.id, 0)
    assert (len(charges(bank)), letters_of("payment_failed")) == (1, 1)
    assert Reminder.select().count() == 1


def test_an_outage_of_the_shop_shortens_no_delay(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    renews_on = running.subscription_of(group).period_end
    running.pass_time(midnight(renews_on) - clock.now() + timedelta(days=10))
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    running.pass_time(timedelta(days=13))
    running.pass_time(timedelta(days=1, minutes=2))
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    running.pass_time(timedelta(days=14))
    running.pass_time(timedelta(days=14))
    assert running.subscription_of(group).status == SubscriptionStatus.SUSPENDED


def test_months_that_begin_during_a_suspension_are_not_charged(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    paid_until = running.subscription_of(group).period_end
    running.pass_time(midnight(paid_until) - clock.now() + timedelta(days=9))
    assert Renewal.select().count() == 1
    payments.record_manual_payment(running.owed(group), by="operator")
    rest = Renewal.select().order_by(Renewal.id.desc()).get()
    current = periods.period_of(clock.today(), running.subscription_of(group).anchor)
    assert (rest.period_start, rest.period_end) == (clock.today(), current.end)
    assert (rest.days, rest.period_days) == (current.days - 9, current.days)
    assert running.subscription_of(group).renews_on == current.end
    assert list(ledger_proof.find_faults()) == []


def test_after_60_days_and_15_more_it_ends(alice: Account, bank: Bank, provider: Provider) -> None:
    group = running.suspended(alice, bank)
    running.pass_time(timedelta(days=60, minutes=1))
    assert letters_of("termination_notice") == 1
    noticed = clock.now()
    ends_on = Termination.get().ends_on
    assert midnight(ends_on) - noticed >= timedelta(days=15)
    assert not terminations.can_be_undone(Termination.get())
    running.pass_time(midnight(ends_on) - clock.now() - A_MINUTE)
    assert fresh(group).status == GroupStatus.SUSPENDED
    running.pass_time(2 * A_MINUTE)
    assert fresh(group).status == GroupStatus.TERMINATED
    assert group.domain not in provider.tenants
    assert letters_of("service_terminated") == 1


def test_paying_after_the_notice_lets_it_go_on(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    running.pass_time(timedelta(days=60, minutes=1))
    payments.record_manual_payment(running.owed(group), by="operator")
    running.pass_time(timedelta(days=20))
    assert fresh(group).status == GroupStatus.INSTALLED
    assert Termination.get().status == "undone"


def test_an_invoice_written_off_does_not_resume_a_service(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    invoice = running.owed(group)
    credit_notes.credit(invoice, positions_of(invoice), "Goodwill.", by="operator")
    queue.drain()
    assert fresh(group).status == GroupStatus.SUSPENDED
    assert running.subscription_of(group).status == SubscriptionStatus.SUSPENDED
    assert list(ledger_proof.find_faults()) == []
    running.pass_time(dunning.NOTICE_AFTER)
    assert Termination.select().count() == 0


def test_an_invoice_written_off_before_the_suspension_leaves_the_service_running(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    running.to_renewal(group)
    invoice = running.owed(group)
    credit_notes.credit(invoice, positions_of(invoice), "Goodwill.", by="operator")
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    running.pass_time(timedelta(days=14, minutes=1))
    assert fresh(group).status == GroupStatus.INSTALLED


def test_unpaid_services_are_those_of_the_customer(
    alice: Account, bob: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    assert [row.group for row in receivables.unpaid_subscriptions(alice)] == [group]
    assert receivables.unpaid_subscriptions(bob) == []


def test_the_invoice_of_an_order_suspends_nothing(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    running.delivered(alice, bank)
    invoice = Invoice.get()
    assert receivables.subscription_of(invoice) is None
    dunning.resume_settled(invoice)
    assert LicenceGroup.get().status == GroupStatus.INSTALLED


def test_no_email_says_that_an_ended_service_will_be_suspended(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    running.pass_time(timedelta(days=17))
    end = periods.period_of(clock.today(), running.subscription_of(group).anchor).end
    running.pass_time(midnight(end) - clock.now() - timedelta(days=2))
    payments.record_manual_payment(running.owed(group), "operator")
    terminations.request_termination(group, by="alice")
    for _ in range(6):
        running.pass_time(timedelta(days=1))
    assert running.subscription_of(group).status == SubscriptionStatus.TERMINATED
    last = Letter.select().where(Letter.kind == "payment_failed").order_by(Letter.id.desc()).get()
    assert "Ce service est terminé" in last.text
    assert "suspendu" not in last.text
