"""Corner cases of billing: a charge during a credit, a late billing run, a second browser tab."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from flask import Flask
from time_machine import Traveller

from models import (
    Account,
    Card,
    GroupStatus,
    Invoice,
    InvoiceStatus,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Renewal,
    SubscriptionStatus,
    Termination,
    database,
)
from shop import clock as shop_clock
from shop.clock import midnight
from shop.delivery import installation
from shop.errors import PartyRejected, Refusal
from shop.invoicing import credit_notes
from shop.jobs import queue
from shop.orders import withdrawals
from shop.overviews import services
from shop.payments import cards, outcomes, payments
from shop.payments.gateway import ChargeRequest, Checkout, CheckoutStatus, Mandate
from shop.pricing import money
from shop.sandbox_link import test_points
from shop.subscriptions import (
    give_backs,
    period_billing,
    price_changes,
    renewals,
    subscriptions,
    terminations,
)
from tests.support import billing, groups, purchases, racing, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

SERVICES = "/manager/services"


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """Return a group of three licences, paid by a stored card."""
    return running.delivered(alice, bank)


@pytest.fixture
def without_card(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """Return a group of three licences without a card for its renewals."""
    return running.delivered(alice, bank, card="")


def just_after_midnight(group: LicenceGroup) -> None:
    """Move the clock to five minutes into the day of the renewal, before any billing run."""
    renewal = midnight(running.subscription_of(group).renews_on)
    running.move_on(renewal - shop_clock.now() + timedelta(minutes=5))


def in_the_last_hours(group: LicenceGroup) -> None:
    renewal = midnight(running.subscription_of(group).renews_on)
    running.pass_time(renewal - shop_clock.now() - timedelta(hours=5))


def credit_one(invoice: Invoice) -> Invoice:
    """Credit one licence of an invoice."""
    with database.atomic():
        position = credit_notes.remaining_of(fresh(invoice))[0]
        part = (credit_notes.part_of(position, 1),)
        return credit_notes.credit(invoice, part, "One too many", by="operator")


def pay_ahead(group: LicenceGroup, bank: Bank) -> Invoice:
    invoice = period_billing.bill_ahead(running.subscription_of(group))
    billing.pay(invoice, bank)
    queue.drain()
    return fresh(invoice)


# --- An amount that changes while it is paid -----------------------------------------------------


def test_what_is_left_is_collected_when_a_part_was_credited_in_the_middle(
    group: LicenceGroup, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.move_on(
        midnight(running.subscription_of(group).renews_on) - shop_clock.now() + timedelta(minutes=1)
    )
    renewals.run_renewals()
    invoice = Renewal.get().invoice
    charge = bank.charge

    def charged_while_a_part_is_credited(request: ChargeRequest) -> Checkout:
        answer = charge(request)
        if not fresh(invoice).credited_cents:
            credit_one(invoice)
        return answer

    monkeypatch.setattr(bank, "charge", charged_while_a_part_is_credited)
    for _ in range(10):
        running.pass_time(timedelta(hours=12))
    first, second = Payment.select().where(Payment.invoice == invoice).order_by(Payment.id)
    assert first.status == PaymentStatus.REFUNDED
    assert second.amount_cents == invoice.total_cents - fresh(invoice).credited_cents
    assert fresh(invoice).status == InvoiceStatus.PAID
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    billing.assert_balanced()


def test_a_bank_page_with_the_old_amount_is_not_reused(
    without_card: LicenceGroup, bank: Bank
) -> None:
    running.to_renewal(without_card)
    invoice = running.owed(without_card)
    before = payments.start_payment(invoice, store_card=False, base_url=purchases.BASE, by="alice")
    credit_one(invoice)
    payment = payments.start_payment(
        fresh(invoice), store_card=False, base_url=purchases.BASE, by="alice"
    )
    assert fresh(before).status == PaymentStatus.CLOSED
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED))
    assert fresh(invoice).status == InvoiceStatus.PAID


def test_a_second_tab_does_not_pay_the_next_month(
    visitor: Visitor, alice: Account, without_card: LicenceGroup, bank: Bank
) -> None:
    running.to_renewal(without_card)
    visitor.log_in(alice)
    visitor.open(f"{SERVICES}/{without_card.name}")
    billing.pay(running.owed(without_card), bank)
    queue.drain()
    before = Invoice.select().count()
    visitor.press("Payer 31,68 € par carte")
    assert visitor.sees("déjà réglée")
    assert Invoice.select().count() == before


def test_the_invoice_of_a_stranger_cannot_be_paid(
    visitor: Visitor, alice: Account, bob: Account, without_card: LicenceGroup
) -> None:
    running.to_renewal(without_card)
    theirs = billing.due(bob)
    visitor.log_in(alice)
    url = f"{SERVICES}/{without_card.name}/payments"
    form = {"csrf_token": visitor.client.csrf_token(), "invoice": theirs.number}
    assert visitor.client.post(url, data=form).status_code == 404
    assert not Payment.select().where(Payment.invoice == theirs).exists()


def test_an_invoice_posted_at_another_services_address_is_not_called_settled(
    visitor: Visitor, alice: Account, bank: Bank, without_card: LicenceGroup
) -> None:
    other = running.delivered(alice, bank, card="")
    running.to_renewal(without_card)
    due = running.owed(without_card)
    visitor.log_in(alice)
    form = {"csrf_token": visitor.client.csrf_token(), "invoice": due.number}
    wrong, right = (f"{SERVICES}/{each.name}/payments" for each in (other, without_card))
    assert visitor.client.post(wrong, data=form).status_code == 404
    assert not Payment.select().where(Payment.invoice == due).exists()
    assert visitor.client.post(right, data=form).status_code == 303
    assert Payment.select().where(Payment.invoice == due).exists()
    billing.pay(due, bank)
    visitor.client.post(right, data=form)
    visitor.open(f"{SERVICES}/{without_card.name}")
    assert visitor.sees("déjà réglée")


def test_the_invoice_issued_ahead_is_paid_when_its_number_is_posted(
    visitor: Visitor, alice: Account, group: LicenceGroup
) -> None:
    ahead = period_billing.bill_ahead(running.subscription_of(group))
    visitor.log_in(alice)
    form = {"csrf_token": visitor.client.csrf_token(), "invoice": ahead.number}
    url = f"{SERVICES}/{group.name}/payments"
    assert visitor.client.post(url, data=form).status_code == 303
    assert Payment.select().where(Payment.invoice == ahead).exists()


@pytest.mark.parametrize("page", ["termination", "licences/review?licences=1"])
@pytest.mark.parametrize(
    ("language", "paid", "owed"),
    [("fr", "c’est payé", "à condition que les sommes dues soient réglées"),
     ("en", "it is paid", "provided that what is due is paid")],
)  # fmt: skip
def test_what_is_not_paid_is_not_called_paid(
    visitor: Visitor, alice: Account, without_card: LicenceGroup, page: str, language: str,
    paid: str, owed: str,
) -> None:  # fmt: skip
    alice.language = language
    alice.save()
    address = f"{SERVICES}/{without_card.name}/{page}"
    visitor.log_in(alice)
    visitor.open(address)
    assert visitor.sees(paid)
    running.to_renewal(without_card)
    visitor.log_in(alice)
    visitor.open(address)
    assert (visitor.sees(paid), visitor.sees(owed)) == (False, True)


@pytest.mark.parametrize(
    ("language", "paid", "suspended"),
    [("fr", "c’est payé", "Le service est suspendu : d’ici là"),
     ("en", "it is paid", "The service is suspended: until then")],
)  # fmt: skip
def test_a_suspended_service_is_not_called_paid(
    visitor: Visitor, alice: Account, bank: Bank, provider: Provider, language: str, paid: str,
    suspended: str,
) -> None:  # fmt: skip
    alice.language = language
    alice.save()
    group = running.suspended(alice, bank)
    visitor.log_in(alice)
    visitor.open(f"{SERVICES}/{group.name}/termination")
    assert (visitor.sees(paid), visitor.sees(suspended)) == (False, True)


def test_nothing_is_said_to_have_failed_before_it_was_tried(
    visitor: Visitor, alice: Account, group: LicenceGroup
) -> None:
    just_after_midnight(group)
    renewals.run_renewals()
    visitor.log_in(alice)
    visitor.open(f"{SERVICES}/{group.name}")
    assert visitor.sees("en cours de prélèvement")
    assert not visitor.sees("n’a pas pu être")


# --- Deliveries that fail in part ----------------------------------------------------------------


@pytest.fixture
def half_delivered(
    alice: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> Order:
    """Return an order of two groups of which the provider refused one; it would accept it now."""
    create = provider.create_tenant

    def refusing(key: str, domain: str, offer: str, seats: int) -> object:
        if offer == "pro_plus":
            raise PartyRejected("No.")
        return create(key, domain, offer, seats)

    order = purchases.place(alice, purchases.basket(2, 2))
    with monkeypatch.context() as patched:
        patched.setattr(provider, "create_tenant", refusing)
        purchases.pay(order, bank)
        queue.drain()
    assert fresh(order).status == OrderStatus.DELIVERY_FAILED
    return fresh(order)


def test_no_withdrawal_while_an_order_is_half_delivered(half_delivered: Order, bank: Bank) -> None:
    group = LicenceGroup.get(LicenceGroup.status == GroupStatus.INSTALLED)
    with pytest.raises(Refusal, match="still being delivered"):
        withdrawals.withdraw_from_service(group, by="alice")
    installation.retry_delivery(half_delivered, by="operator")
    queue.drain()
    withdrawals.withdraw_from_service(group, by="alice")
    queue.drain()
    assert bank.balance() == 2 * 1290 * 120 // 100


def test_an_order_is_invoiced_though_one_of_its_groups_has_ended(half_delivered: Order) -> None:
    group = LicenceGroup.get(LicenceGroup.status == GroupStatus.INSTALLED)
    terminations.request_termination(group, by="alice")
    running.to_renewal(group)
    assert fresh(group).status == GroupStatus.TERMINATED
    assert fresh(half_delivered).status == OrderStatus.DELIVERED
    assert Invoice.select().where(Invoice.order == half_delivered).count() == 1


# --- Ends, and taking them back -------------------------------------------------------------------


def test_a_termination_just_after_midnight_waits_for_the_next_renewal(group: LicenceGroup) -> None:
    just_after_midnight(group)
    terminations.request_termination(group, by="alice")
    queue.drain()
    assert fresh(group).status == GroupStatus.INSTALLED
    assert (
        Termination.get().ends_on == running.subscription_of(group).renews_on > shop_clock.today()
    )
    assert Renewal.select().count() == 1
    assert renewals.run_renewals().renewed == 0


def test_licences_given_back_just_after_midnight_stay_for_the_month(group: LicenceGroup) -> None:
    just_after_midnight(group)
    rows = give_backs.give_back_seats(group, [3], by="alice")
    assert rows[0].ends_on == running.subscription_of(group).renews_on > shop_clock.today()
    assert give_backs.can_be_undone(rows[0])
    assert Renewal.get().quantity == 3


def test_an_end_for_want_of_payment_is_not_undone(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    running.pass_time(timedelta(days=59))
    terminations.request_termination(group, by="alice")
    running.pass_time(timedelta(days=2))
    assert Letter.select().where(Letter.kind == "termination_notice").exists()
    with pytest.raises(Refusal):
        terminations.undo(group, by="alice")
    for _ in range(10):
        running.pass_time(timedelta(days=10))
    assert running.subscription_of(group).status == SubscriptionStatus.TERMINATED


@pytest.mark.parametrize("of_all", [True, False], ids=["all", "one licence"])
def test_in_the_last_hours_no_page_or_email_promises_to_undo(
    visitor: Visitor, alice: Account, group: LicenceGroup, of_all: bool
) -> None:
    in_the_last_hours(group)
    visitor.log_in(alice)
    rest = "termination" if of_all else "licences/review?licences=1"
    visitor.open(f"{SERVICES}/{group.name}/{rest}")
    assert visitor.sees("Vous ne pourrez plus revenir en arrière")
    if of_all:
        terminations.request_termination(group, by="alice")
    else:
        give_backs.give_back_seats(group, [1], by="alice")
    letter = Letter.select().order_by(Letter.id.desc()).get()
    assert "Il n’est plus possible de revenir en arrière" in letter.text
    assert "Annulable" not in letter.text


def test_a_service_that_ends_may_still_be_withdrawn_from(
    visitor: Visitor, alice: Account, without_card: LicenceGroup
) -> None:
    terminations.request_termination(without_card, by="alice")
    visitor.log_in(alice)
    visitor.open(f"{SERVICES}/{without_card.name}")
    assert visitor.sees("Se rétracter")
    assert not visitor.sees("Résilier ce service")
    assert not visitor.sees("ne pourra pas être débité")


# --- Paid ahead ----------------------------------------------------------------------------------


def test_what_was_paid_ahead_is_not_previewed_again(
    app: Flask, group: LicenceGroup, bank: Bank
) -> None:
    pay_ahead(group, bank)
    day = running.subscription_of(group).renews_on
    said = app.test_cli_runner().invoke(args=["billing", "preview", day.isoformat()]).output
    assert said.startswith("0 renewals")


def test_licences_added_after_paying_ahead_are_shown_as_they_are_charged(
    visitor: Visitor, alice: Account, group: LicenceGroup, bank: Bank
) -> None:
    pay_ahead(group, bank)
    purchases.pay(groups.add(group, 2), bank)
    queue.drain()
    shown = services.find_service(alice, group.name).preview
    assert (shown.is_paid, shown.ahead, shown.quantity) == (False, 3, 2)
    visitor.log_in(alice)
    visitor.open(f"{SERVICES}/{group.name}")
    assert visitor.sees("3 licences sont payées d’avance")
    running.to_renewal(group)
    assert Renewal.get().supplement.total_cents == shown.totals.total_cents


def test_a_renewal_invoiced_ahead_is_shown_as_its_two_invoices_charge_it(
    visitor: Visitor, alice: Account, group: LicenceGroup, bank: Bank
) -> None:
    price_changes.change_price("business", 703, shop_clock.now() + timedelta(days=1))
    running.pass_time(timedelta(days=2))
    price_changes.announce_all()
    running.to_renewal(group)
    period_billing.bill_ahead(running.subscription_of(group))
    purchases.pay(groups.add(group, 1), bank)
    queue.drain()
    shown = services.find_service(alice, group.name).preview
    assert (shown.is_paid, shown.ahead, shown.quantity) == (False, 0, 4)
    # « Pay now » takes the invoice that exists: the page says so.
    first = subscriptions.billed_ahead(running.subscription_of(group)).invoice
    assert shown.invoiced_cents == first.total_cents < shown.totals.total_cents
    visitor.log_in(alice)
    visitor.open(f"{SERVICES}/{group.name}")
    assert visitor.sees("25,31 € en sont déjà facturés")
    running.to_renewal(group)
    renewal = Renewal.select().order_by(Renewal.period_start.desc()).first()
    charged = [renewal.invoice.vat_cents, renewal.supplement.vat_cents]
    assert sum(charged) == shown.totals.vat_cents == 422 + 141
    # A single invoice of four licences would have been rounded differently.
    assert money.vat_on(shown.totals.net_cents, 2000) == 562


def test_giving_back_after_paying_ahead_shows_the_renewal_after(
    visitor: Visitor, alice: Account, group: LicenceGroup, bank: Bank
) -> None:
    pay_ahead(group, bank)
    shown = services.find_service(alice, group.name)
    then = services.preview_with_give_back(shown, 1)
    assert then.period.start == shown.preview.period.end
    assert (then.quantity, then.is_paid) == (2, False)
    visitor.log_in(alice)
    visitor.open(f"{SERVICES}/{group.name}/licences/review?licences=1")
    assert visitor.sees("21,12 €")


def test_what_was_paid_ahead_and_credited_is_charged_again(
    alice: Account, group: LicenceGroup, bank: Bank
) -> None:
    billing.credit(pay_ahead(group, bank))
    queue.drain()
    assert not services.find_service(alice, group.name).preview.is_paid
    running.to_renewal(group)
    running.pass_time(timedelta(days=1))
    assert Renewal.get().invoice.status == InvoiceStatus.PAID
    assert bank.balance() == 2 * 3168
    billing.assert_balanced()


# --- Cards and prices ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mandate", "status"),
    [("m-1111", SubscriptionStatus.ACTIVE), ("m-0341", SubscriptionStatus.PAST_DUE)],
)
def test_a_card_whose_date_has_passed_is_charged_as_the_bank_decides(
    alice: Account, group: LicenceGroup, bank: Bank, mandate: str, status: str
) -> None:
    today = shop_clock.today()
    cards.keep_card(alice, Mandate(mandate, "visa", "1111", today.month, today.year))
    expiring = Card.get(Card.mandate == mandate)
    subscriptions.choose_card(running.subscription_of(group), expiring, by="alice")
    running.to_renewal(group)
    assert Payment.select().order_by(Payment.id.desc()).get().card == expiring
    assert services.find_service(alice, group.name).card == expiring
    assert running.subscription_of(group).status == status


def test_a_price_that_stays_the_same_is_not_announced(group: LicenceGroup) -> None:
    price_changes.change_price("business", 880, shop_clock.now() + timedelta(days=1))
    running.pass_time(timedelta(days=2))
    assert price_changes.announce_all() == 0
    assert not Letter.select().where(Letter.kind == "price_change").exists()


# --- Numbers and locks ---------------------------------------------------------------------------


def test_an_invoice_that_waited_past_midnight_is_of_the_day_after(
    alice: Account, clock: Traveller
) -> None:
    clock.move_to(datetime(2026, 12, 31, 23, 59, 59, tzinfo=shop_clock.PARIS))
    nights = itertools.chain([timedelta(seconds=2)], itertools.repeat(timedelta(0)))
    test_points.hook("invoices.number", lambda: clock.shift(next(nights)))
    invoice = billing.due(alice)
    assert (invoice.number, str(invoice.issued_on)) == ("FA2027-000001", "2027-01-01")


def test_crediting_and_giving_back_at_once_do_not_wait_for_each_other(
    group: LicenceGroup, bank: Bank
) -> None:
    running.to_renewal(group)
    first = Renewal.get().invoice
    period_billing.bill_ahead(running.subscription_of(group))
    turns = iter(range(2))

    def act() -> object:
        test_points.follow_clock()
        if next(turns) == 0:
            with database.atomic():
                left = credit_notes.remaining_of(first)
                return credit_notes.credit(fresh(first), left, "Wrong", by="operator")
        return give_backs.give_back_seats(fresh(group), [1], by="alice")

    waits = iter([racing.wait_until_another_is_blocked])
    test_points.hook("invoices.number", lambda: next(waits, lambda: None)())
    results = racing.race(act, 2)
    assert not [outcome for outcome in results if isinstance(outcome, Exception)]
    billing.assert_balanced()
