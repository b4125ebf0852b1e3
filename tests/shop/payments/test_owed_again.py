"""Payments lost in whole: what they paid is owed again, and comes back once when they are won.

The invoice of 105.60 EUR here was paid by two payments: 88.00 EUR before a correction that added
VAT, and 17.60 EUR after it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import (
    Account,
    Dispute,
    Invoice,
    InvoiceStatus,
    Letter,
    Payment,
    PaymentStatus,
    Refund,
    SubscriptionStatus,
    database,
)
from shop import clock, mail, money_acts
from shop.invoicing import credit_notes, ledger_proof
from shop.jobs import queue
from shop.payments import disputes, notifications, payments, refunds
from shop.payments.gateway import Dispute as Told
from shop.payments.gateway import DisputeState, Notification, RefundState
from shop.subscriptions import corrections
from shop.text import formats
from tests.support import billing, racing, running
from tests.support.groups import fresh
from tests.support.letters import plain
from tests.support.money_books import WITHOUT_VAT, balance_of, paid, perform
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

LOST, WON = DisputeState.LOST, DisputeState.WON

IN_GERMANY = {
    "country": "DE", "postcode": "10117", "city": "Berlin", "company": "Gros GmbH",
    "siren": "", "vat_number": "DE136695976",
}  # fmt: skip
IN_FRANCE = {
    "country": "FR", "postcode": "59000", "city": "Lille", "company": "", "vat_number": "",
}  # fmt: skip


def take(bank: Bank, payment: Payment, cents: int | None = None, number: int = 1) -> Told:
    """Let the bank take a payment back for good, or a part of it; the news comes three times."""
    cents = payment.amount_cents if cents is None else cents
    return tell(bank, payment, LOST, cents, number)


def give_back(bank: Bank, payment: Payment, number: int = 1) -> Told:
    """Let the bank decide for the shop after all."""
    return tell(bank, payment, WON, 0, number)


def tell(bank: Bank, payment: Payment, state: DisputeState, withdrawn: int, number: int) -> Told:
    checkout = payment.checkout or ""
    told = Told(f"dp-{number}-{checkout}", checkout, 8_800, state, withdrawn_cents=withdrawn)
    bank.disputes[told.reference] = told
    for _ in range(3):
        notifications.apply_notification(Notification("e", told))
    return told


def money_in(cents: int, language: str = "fr") -> str:
    return plain(formats.money(cents, language))


@pytest.fixture
def invoice(alice: Account, bank: Bank) -> Invoice:
    """Return the invoice that a card paid in two parts."""
    wrong = billing.due(alice, treatment=WITHOUT_VAT)
    billing.pay(wrong, bank)
    made = corrections.correct(wrong, {"street": "1 rue Haute"}, "Error.", by="operator")
    billing.pay(made.invoice, bank)
    return fresh(made.invoice)


@pytest.fixture
def both(invoice: Invoice) -> tuple[Payment, Payment]:
    """Return its payments of 88.00 EUR and of 17.60 EUR."""
    first, second = Payment.select().order_by(Payment.id)
    return first, second


# --- One of two payments -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1])
def test_only_what_the_lost_one_of_two_payments_paid_is_owed_again_and_paid(
    invoice: Invoice, both: tuple[Payment, Payment], bank: Bank, number: int
) -> None:
    lost = both[number]
    take(bank, lost)
    again = fresh(invoice)
    assert (again.status, again.balance_cents) == ("unpaid", lost.amount_cents)
    assert balance_of(invoice.account) == lost.amount_cents
    billing.assert_no_fault()
    paid_again = billing.pay(again, bank)
    assert paid_again.amount_cents == lost.amount_cents
    assert fresh(invoice).status == InvoiceStatus.PAID
    assert balance_of(invoice.account) == 0
    billing.assert_no_fault()


def test_both_lost_are_owed_and_each_pays_its_part_when_it_comes_back(
    invoice: Invoice, both: tuple[Payment, Payment], bank: Bank
) -> None:
    for payment in both:
        take(bank, payment)
    assert fresh(invoice).balance_cents == 10_560
    billing.assert_no_fault()
    for payment, left in zip(both, (1_760, 0), strict=True):
        give_back(bank, payment)
        assert fresh(payment).status == PaymentStatus.SUCCEEDED
        assert fresh(invoice).balance_cents == left
        billing.assert_no_fault()
    assert fresh(invoice).status == InvoiceStatus.PAID
    assert Refund.select().count() == 0


def test_a_part_that_was_paid_again_is_given_back_when_the_bank_gives_the_first_back(
    invoice: Invoice, both: tuple[Payment, Payment], bank: Bank
) -> None:
    take(bank, both[1])
    billing.pay(fresh(invoice), bank)
    give_back(bank, both[1])
    queue.drain()
    assert [(row.cents, row.status) for row in Refund.select()] == [(1_760, "succeeded")]
    assert fresh(both[1]).status == PaymentStatus.REFUNDED
    assert bank.balance() == 10_560
    billing.assert_no_fault()


def test_the_payments_left_give_back_what_they_paid_when_all_is_credited(
    invoice: Invoice, both: tuple[Payment, Payment], bank: Bank
) -> None:
    take(bank, both[0])
    with database.atomic():
        left = credit_notes.remaining_of(fresh(invoice))
        note = credit_notes.credit(fresh(invoice), left, "An error.", by="operator")
    queue.drain()
    assert (fresh(note).status, fresh(note).refund_cents) == ("refunded", 1_760)
    assert bank.balance() == 0
    assert balance_of(invoice.account) == 0
    billing.assert_no_fault()


def test_a_credit_note_that_waits_takes_what_the_bank_took_first(
    invoice: Invoice, both: tuple[Payment, Payment], bank: Bank
) -> None:
    with database.atomic():
        positions = credit_notes.amounts_of(credit_notes.remaining_of(invoice), 2_500)
        note = credit_notes.credit(invoice, positions, "Why.", by="operator", by_amount=True)
    take(bank, both[0])
    assert fresh(note).absorbed_cents == note.total_cents == 3_000
    assert fresh(invoice).balance_cents == 5_800
    queue.drain()
    assert Refund.select().count() == 0
    billing.assert_no_fault()


def test_a_transfer_goes_on_paying_its_part_when_the_card_is_lost(
    alice: Account, bank: Bank
) -> None:
    due = billing.due(alice)
    perform(paid(due, 4_000))
    payment = billing.pay(fresh(due), bank)
    take(bank, payment)
    assert fresh(due).balance_cents == 6_560
    billing.assert_no_fault()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_customer_and_staff_see_what_is_owed_of_it(
    alice: Account, both: tuple[Payment, Payment], bank: Bank, visitor: Visitor, language: str
) -> None:
    Account.update(language=language).execute()
    take(bank, both[0])
    number = Invoice.get(Invoice.replaces.is_null(False)).number
    letter = Letter.get(Letter.kind == "dispute_lost")
    for text in map(plain, (mail.text_of(letter), letter.html)):
        assert number in text, "the invoice that is owed, and not the one that it replaces"
        assert money_in(8_800, language) in text
        owed = {"fr": "Ce qu’il réglait de cette facture", "en": "What it paid of this invoice"}
        assert owed[language] in text
    visitor.log_in(alice)
    visitor.open(f"/manager/account/bills/{number}")
    shown = plain(visitor.response.text)
    said = {"fr": f"Déjà payé : {money_in(1_760)}", "en": f"Paid already: {money_in(1_760, 'en')}"}
    assert said[language] in shown
    assert money_in(8_800, language) in shown
    taken = {"fr": "Votre banque a repris", "en": "Your bank took"}
    assert taken[language] in shown, "why it is owed again"


def test_a_renewal_of_which_a_part_is_lost_is_reminded_of_and_runs_again_once_that_is_paid(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    Account.update(vat_number="DE136695976", vat_status="confirmed").execute()
    group = running.delivered(alice, bank)
    running.to_renewal(group)
    charged = Payment.get(Payment.card.is_null(False))
    made = corrections.correct(charged.invoice, IN_GERMANY, "Error.", by="operator")
    queue.drain()
    made = corrections.correct(made.invoice, IN_FRANCE, "Error.", by="operator")
    rest = billing.pay(fresh(made.invoice), bank)
    take(bank, rest)
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    assert running.owed(group).balance_cents == rest.amount_cents < made.invoice.total_cents
    billing.assert_no_fault()
    running.pass_time(timedelta(days=3, minutes=1))
    charged = Payment.select().order_by(Payment.id.desc()).get()
    assert charged.card is not None
    assert charged.amount_cents == rest.amount_cents, "the card is charged with the part alone"
    assert fresh(made.invoice).status == InvoiceStatus.PAID
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    billing.assert_no_fault()


# --- Won, when all was settled otherwise ---------------------------------------------------------


def test_of_a_payment_refunded_in_part_and_lost_only_what_came_back_is_given_back(
    alice: Account, bank: Bank
) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    perform(money_acts.credit(fresh(due), net_cents=2_500))
    queue.drain()
    take(bank, payment, 7_560)
    assert fresh(due).balance_cents == 7_560
    assert billing.pay(fresh(due), bank).amount_cents == 7_560
    give_back(bank, payment)
    queue.drain()
    assert [row.cents for row in Refund.select().order_by(Refund.id)] == [3_000, 7_560]
    assert fresh(payment).status == PaymentStatus.REFUNDED
    assert bank.balance() == 7_560
    assert balance_of(alice) == 0
    billing.assert_no_fault()
    letter = plain(mail.text_of(Letter.get(Letter.kind == "invoice_payment_refunded")))
    assert money_in(7_560) in letter
    assert money_in(10_560) not in letter


def test_what_was_paid_by_transfer_meanwhile_is_given_back_to_the_card(
    alice: Account, bank: Bank
) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    take(bank, payment)
    perform(paid(fresh(due), 4_000))
    give_back(bank, payment)
    queue.drain()
    assert (fresh(due).status, fresh(payment).status) == ("paid", "succeeded")
    assert [(row.cents, row.status) for row in Refund.select()] == [(4_000, "succeeded")]
    assert balance_of(alice) == 0
    assert Letter.select().where(Letter.kind == "invoice_payment_refunded").count() == 1
    billing.assert_no_fault()


def test_what_was_credited_while_it_was_owed_is_given_back(alice: Account, bank: Bank) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    take(bank, payment)
    perform(money_acts.credit(fresh(due), net_cents=2_500))
    assert fresh(due).balance_cents == 7_560
    give_back(bank, payment)
    queue.drain()
    assert fresh(due).status == InvoiceStatus.PAID
    assert [(row.cents, row.status) for row in Refund.select()] == [(3_000, "succeeded")]
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_what_was_credited_of_an_order_while_it_was_owed_is_given_back_and_said_so(
    alice: Account, bank: Bank, provider: Provider, visitor: Visitor
) -> None:
    order = billing.delivered(alice, bank)
    payment = Payment.get()
    take(bank, payment)
    perform(money_acts.credit(billing.invoice_of(order), net_cents=1_000))
    give_back(bank, payment)
    queue.drain()
    assert billing.invoice_of(order).status == InvoiceStatus.PAID
    assert [(row.cents, row.status) for row in Refund.select()] == [(1_200, "succeeded")]
    assert balance_of(alice) == 0
    billing.assert_no_fault()
    assert Letter.select().where(Letter.kind == "rest_refunded").count() == 0
    letter = plain(mail.text_of(Letter.get(Letter.kind == "invoice_payment_refunded")))
    assert money_in(1_200) in letter
    visitor.log_in(alice)
    visitor.open(f"/manager/account/orders/{order.number}")
    assert visitor.sees("Ce que vous avez payé en plus de ce qui était dû vous est remboursé")


@pytest.mark.parametrize("has_vat", [True, False])
def test_a_payment_that_comes_back_pays_the_invoice_issued_in_place_of_its_own(
    alice: Account, bank: Bank, has_vat: bool
) -> None:
    if has_vat:
        Account.update(vat_number="DE136695976", vat_status="confirmed").execute()
    wrong = billing.due(Account.get(), treatment=None if has_vat else WITHOUT_VAT)
    payment = billing.pay(wrong, bank)
    take(bank, payment)
    details = IN_GERMANY if has_vat else {"street": "1 rue Haute"}
    made = corrections.correct(fresh(wrong), details, "Error.", by="operator")
    give_back(bank, payment)
    queue.drain()
    left = 0 if has_vat else 1_760
    assert fresh(made.invoice).balance_cents == left
    assert sum(row.cents for row in Refund.select()) == (1_760 if has_vat else 0)
    assert balance_of(alice) == left
    billing.assert_no_fault()


def test_lost_and_won_again_and_again_ends_as_the_last_decision_says(
    alice: Account, bank: Bank
) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    for _ in range(3):
        take(bank, payment)
        assert (fresh(due).balance_cents, fresh(payment).status) == (10_560, "lost")
        give_back(bank, payment)
        assert (fresh(due).status, fresh(payment).status) == ("paid", "succeeded")
        billing.assert_no_fault()
    assert Refund.select().count() == 0


def test_two_disputes_of_a_payment_lose_it_and_one_that_is_won_pays_again(
    alice: Account, bank: Bank
) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    take(bank, payment, 3_000, number=1)
    take(bank, payment, 7_560, number=2)
    assert fresh(due).balance_cents == 10_560
    billing.assert_no_fault()
    billing.pay(fresh(due), bank)
    for number in (1, 2):
        give_back(bank, payment, number)
        queue.drain()
        billing.assert_no_fault()
    assert [row.cents for row in Refund.select().order_by(Refund.id)] == [3_000, 7_560]
    assert fresh(payment).status == PaymentStatus.REFUNDED
    assert balance_of(alice) == 0


def test_a_refund_that_comes_back_after_the_loss_is_made_again(alice: Account, bank: Bank) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    note = perform(money_acts.credit(fresh(due), net_cents=2_500)).result
    queue.drain()
    (made,) = bank.refunds.values()
    take(bank, payment, 7_560)
    told = bank.tell_refund(made, RefundState.FAILED, "closed_account")
    notifications.apply_notification(Notification("e", told))
    credit_note = Invoice.get(Invoice.number == note)
    assert credit_note.is_refund_due
    take(bank, payment, 7_560)
    assert fresh(due).balance_cents == 7_560, "the news of the loss comes again"
    perform(money_acts.retry_refund(credit_note))
    queue.drain()
    assert [row.cents for row in Refund.select().order_by(Refund.id)] == [3_000, 3_000]
    assert fresh(credit_note).status == InvoiceStatus.REFUNDED
    assert fresh(due).balance_cents == balance_of(alice) == 7_560
    billing.assert_no_fault()


@pytest.mark.parametrize("is_sent", [True, False])
def test_what_comes_back_while_a_refund_is_awaited_is_refunded_with_it_or_after_it(
    alice: Account, bank: Bank, is_sent: bool
) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    take(bank, payment, 3_000)
    bank.refunding = RefundState.PENDING
    perform(money_acts.credit(fresh(due), net_cents=5_000))
    if is_sent:
        queue.drain()
    else:
        refunds.refund_credit_note(Invoice.get(Invoice.kind == "credit_note").id)
    give_back(bank, payment)
    queue.drain()
    for _ in range(2):
        for made in list(bank.refunds.values()):
            told = bank.tell_refund(made, RefundState.SUCCEEDED)
            notifications.apply_notification(Notification("e", told))
        queue.drain()
    expected = [3_000, 3_000] if is_sent else [6_000]
    assert [row.cents for row in Refund.select().order_by(Refund.id)] == expected
    assert bank.balance() == 4_560
    assert balance_of(alice) == 0
    billing.assert_no_fault()


def test_a_refund_that_came_back_is_made_once_when_the_dispute_is_won(
    alice: Account, bank: Bank
) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    perform(money_acts.credit(fresh(due), net_cents=2_500))
    queue.drain()
    (made,) = bank.refunds.values()
    take(bank, payment, 7_560)
    told = bank.tell_refund(made, RefundState.FAILED, "closed_account")
    notifications.apply_notification(Notification("e", told))
    give_back(bank, payment)
    queue.drain()
    assert [(row.cents, row.status) for row in Refund.select().order_by(Refund.id)] == [
        (3_000, "failed"), (3_000, "succeeded"),
    ]  # fmt: skip
    assert fresh(due).status == InvoiceStatus.PAID
    assert balance_of(alice) == 0
    billing.assert_no_fault()


# --- Races -------------------------------------------------------------------------------------


def test_the_same_news_in_four_threads_lets_a_part_be_owed_once(
    invoice: Invoice, both: tuple[Payment, Payment], bank: Bank
) -> None:
    checkout = both[0].checkout or ""
    told = Told("dp-1", checkout, 8_800, LOST, withdrawn_cents=8_800)
    racing.race(lambda: disputes.apply_notified(told), 4)
    assert Dispute.select().count() == 1
    assert fresh(invoice).balance_cents == 8_800
    assert Letter.select().where(Letter.kind == "dispute_lost").count() == 1
    billing.assert_no_fault()


def test_two_payments_of_the_part_at_once_pay_it_once(
    invoice: Invoice, both: tuple[Payment, Payment], bank: Bank
) -> None:
    take(bank, both[0])
    racing.race(lambda: payments.record_manual_payment(fresh(invoice), by="operator"), 4)
    kept = Payment.select().where(Payment.invoice == invoice, Payment.status == "succeeded")
    assert sorted(row.amount_cents for row in kept) == [1_760, 8_800]
    assert balance_of(invoice.account) == 0
    billing.assert_no_fault()


@pytest.mark.parametrize("is_lost_first", [True, False])
def test_a_refund_whose_answer_was_lost_and_a_loss_decided_meanwhile_double_nothing(
    alice: Account, bank: Bank, is_lost_first: bool
) -> None:
    """The bank made the refund; the shop hears of it after it heard of the dispute, or before."""
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    perform(money_acts.credit(fresh(due), net_cents=2_500))
    bank.losing = 1
    queue.drain()
    assert [row.status for row in Refund.select()] == ["asked"], "its answer was lost"
    assert len(bank.refunds) == 1
    if not is_lost_first:
        later()
    take(bank, payment, 7_560)
    later()
    assert len(bank.refunds) == 1, "asked again with the same key"
    assert bank.balance() == 0
    assert [(row.cents, row.status) for row in Refund.select()] == [(3_000, "succeeded")]
    assert fresh(payment).status == PaymentStatus.LOST
    assert fresh(due).balance_cents == balance_of(alice) == 7_560
    billing.assert_no_fault()


def test_a_refund_that_may_have_been_made_is_not_asked_for_with_another_amount(
    alice: Account, bank: Bank
) -> None:
    """Its answer was lost; then the bank took a part of the payment back."""
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    perform(money_acts.credit(fresh(due), net_cents=5_000))
    bank.losing = 1
    queue.drain()
    take(bank, payment, 3_000)
    later()
    assert [(row.cents, row.status) for row in Refund.select()] == [(6_000, "succeeded")]
    assert bank.balance() == 10_560 - 6_000 - 3_000
    billing.assert_no_fault()


def test_a_refund_that_was_given_up_and_was_made_is_heard_of(alice: Account, bank: Bank) -> None:
    due = billing.due(alice)
    payment = billing.pay(due, bank)
    perform(money_acts.credit(fresh(due), net_cents=2_500))
    bank.losing = 1
    queue.drain()
    take(bank, payment)  # a bank that takes back what it has refunded
    assert Refund.get().status == "failed"
    (made,) = bank.refunds.values()
    for _ in range(3):
        notifications.apply_notification(Notification("e", made))
    assert [row.status for row in Refund.select().order_by(Refund.id)] == ["failed", "succeeded"]
    said = f"more of payment {payment.id} was refunded than received"
    assert said in list(ledger_proof.find_faults())


def later() -> None:
    """Let the bank answer, and the jobs be run that wait for it."""
    queue.Job.update(run_at=clock.now()).where(queue.Job.status == "queued").execute()
    queue.drain()
