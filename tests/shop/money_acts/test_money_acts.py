"""Acts of the staff on money: recorded once, confirmed by a second member, and in balance."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask

from models import (
    Account,
    AccountCredit,
    Event,
    InvoiceStatus,
    Letter,
    MoneyAct,
    Payment,
    database,
)
from shop import clock, money_acts, transitions
from shop.errors import Conflict, Refusal
from shop.invoicing import account_credits, credit_notes
from shop.jobs import queue
from shop.mail import order_letters
from shop.payments import disputes, gateway, notifications, payments
from shop.payments.refundables import RefundableNote
from shop.settings import current
from tests.support import billing, cast, histories, purchases, racing
from tests.support.billing import fresh
from tests.support.money_books import ACTS, CAMILLE, REASON, Books, balance_of, paid, perform
from tests.support.parties import Bank, Provider

pytestmark = pytest.mark.usefixtures("provider")

SACHA = "staff:sacha"


# --- Money received ----------------------------------------------------------------------------


def test_a_transfer_is_recorded_with_its_day_and_reference(alice: Account) -> None:
    invoice, day = billing.due(alice), clock.today() - timedelta(days=2)
    act = perform(money_acts.mark_paid(invoice, day=day, reference=" VIR  77 "))
    payment = Payment.get(Payment.invoice == invoice)
    assert (payment.reference, clock.day_of(payment.settled_at)) == ("VIR 77", day)
    assert fresh(invoice).status == InvoiceStatus.PAID
    assert (act.status, act.reason, act.asked_by) == ("done", REASON, CAMILLE)
    assert [event.by for event in transitions.history(payment)] == [CAMILLE]
    assert [event.note for event in transitions.history(act)] == [REASON]
    billing.assert_balanced()


def test_a_part_leaves_the_rest_due_and_the_rest_is_paid_by_card(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)  # of 105.60 EUR
    open_page = payments.start_payment(
        invoice, store_card=False, base_url=purchases.BASE, by="alice"
    )
    perform(paid(invoice, 4_000))
    assert Payment.get_by_id(open_page.id).status == "closed", "it would have taken all of it"
    assert fresh(invoice).balance_cents == 6_560
    billing.assert_balanced()
    assert billing.pay(fresh(invoice), bank).amount_cents == 6_560
    assert fresh(invoice).status == InvoiceStatus.PAID
    assert balance_of(alice) == 0
    assert Letter.select().where(Letter.kind == "part_payment_received").count() == 1
    billing.assert_balanced()


@pytest.mark.parametrize("cents", [0, 10_559, 10_561, -5])
def test_no_part_is_recorded_that_leaves_nothing_or_too_little(alice: Account, cents: int) -> None:
    invoice = billing.due(alice)
    with pytest.raises(Refusal):
        perform(paid(invoice, cents))
    assert not MoneyAct.select().exists()


def test_a_day_ahead_or_long_ago_and_a_missing_reference_are_refused(alice: Account) -> None:
    invoice = billing.due(alice)
    ahead, long_ago = clock.today() + timedelta(days=1), clock.today().replace(year=26)
    for day, said in ((ahead, "lies ahead"), (long_ago, "ten years"), (date.min, "ten years")):
        with pytest.raises(Refusal, match=said):
            money_acts.mark_paid(invoice, day=day, reference="x")
        with pytest.raises(Refusal, match=said):
            payments.record_manual_payment(invoice, by="operator", day=day)
    with pytest.raises(Refusal, match="reference"):
        money_acts.mark_paid(invoice, day=clock.today(), reference=" ")


def test_an_order_is_not_paid_in_part(alice: Account) -> None:
    order = purchases.place(alice)
    with pytest.raises(Refusal, match="another amount"):
        perform(paid(order, 100))


# --- Credit notes of an amount -----------------------------------------------------------------


def test_an_amount_a_share_and_the_rest_credit_an_invoice_to_the_cent(alice: Account) -> None:
    invoice = billing.due(alice, quantity=3, cents=883)
    for wanted in ({"net_cents": 501}, {"percent": 33}, {"net_cents": 100}):
        perform(money_acts.credit(fresh(invoice), **wanted))
        billing.assert_balanced()
    (left,) = credit_notes.remaining_of(fresh(invoice))
    assert left.line.net_cents == 2649 - 501 - 709 - 100
    assert fresh(invoice).credited_cents < invoice.total_cents
    with pytest.raises(Refusal, match="what is left"):
        money_acts.credit(fresh(invoice), net_cents=left.line.net_cents + 1)
    perform(money_acts.credit(fresh(invoice)))
    assert fresh(invoice).status == InvoiceStatus.REFUNDED
    assert balance_of(alice) == 0
    billing.assert_balanced()


def test_a_withdrawal_gives_back_what_an_amount_has_left(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    invoice = billing.invoice_of(billing.delivered(alice, bank))
    perform(money_acts.credit(invoice, net_cents=500))
    for position in credit_notes.remaining_of(fresh(invoice)):
        part = credit_notes.licences_of(fresh(invoice), position, 1)
        assert part is not None
        assert part.line.net_cents == 880
        assert credit_notes.licences_of(fresh(invoice), position, 3).line.net_cents == 2140
        assert credit_notes.licences_of(fresh(invoice), position, 4) is None


# --- Goodwill ----------------------------------------------------------------------------------


def test_goodwill_is_used_by_the_next_invoice_and_the_one_after(alice: Account) -> None:
    perform(money_acts.goodwill(alice, 15_000))
    assert balance_of(alice) == -15_000
    first, second = billing.due(alice), billing.due(alice)
    assert (fresh(first).status, fresh(first).method) == (InvoiceStatus.PAID, "manual")
    assert fresh(second).balance_cents == 2 * 10_560 - 15_000
    assert account_credits.available_of(alice) == 0
    letter = Letter.get(Letter.kind == "goodwill_granted")
    assert "150" in letter.subject
    billing.assert_balanced()


def test_goodwill_leaves_no_rest_that_no_card_pays(alice: Account) -> None:
    perform(money_acts.goodwill(alice, 10_550))
    assert fresh(billing.due(alice)).balance_cents == 50
    assert account_credits.available_of(alice) == 40
    billing.assert_balanced()


def test_a_credit_note_gives_goodwill_back_to_the_balance_and_money_to_the_card(
    alice: Account, bank: Bank
) -> None:
    perform(money_acts.goodwill(alice, 3_000))
    invoice = billing.due(alice)
    billing.pay(invoice, bank)
    note = billing.credit(fresh(invoice))
    queue.drain()
    assert note.refund_cents == 7_560
    assert [made.cents for made in RefundableNote(note).refunds] == [7_560]
    assert account_credits.available_of(alice) == 3_000
    billing.assert_balanced()


def test_an_unpaid_invoice_credited_in_part_gives_back_what_it_needs_no_more(
    alice: Account,
) -> None:
    perform(money_acts.goodwill(alice, 3_000))
    invoice = billing.due(alice)
    perform(money_acts.credit(fresh(invoice), net_cents=7_000))
    assert fresh(invoice).status == InvoiceStatus.PAID
    assert account_credits.available_of(alice) == 3_000 - (10_560 - 8_400)
    billing.assert_balanced()
    perform(money_acts.credit(fresh(invoice)))
    assert account_credits.available_of(alice) == 3_000
    assert not Payment.select().exists()
    billing.assert_balanced()


def test_a_lost_payment_leaves_what_the_balance_paid(alice: Account, bank: Bank) -> None:
    perform(money_acts.goodwill(alice, 3_000))
    invoice = billing.due(alice)
    payment = billing.pay(invoice, bank)
    state = gateway.DisputeState.LOST
    told = bank.dispute(payment.checkout, 7_560, state=state, withdrawn_cents=7_560)
    disputes.settle(payment, told)
    assert fresh(invoice).balance_cents == 7_560
    billing.assert_balanced()


def test_only_what_is_left_of_a_transfer_is_paid_out(alice: Account) -> None:
    invoice = billing.due(alice)
    perform(paid(invoice, 4_000))
    perform(money_acts.credit(fresh(invoice)))
    (held,) = account_credits.credits_of(alice)
    assert held.left_cents == 4_000
    perform(money_acts.pay_out(held, day=clock.today(), reference="VIR-78"))
    assert (account_credits.available_of(alice), balance_of(alice)) == (0, 0)
    billing.assert_balanced()
    with pytest.raises(Refusal):
        perform(money_acts.pay_out(held, day=clock.today(), reference="VIR-79"))
    perform(money_acts.goodwill(alice, 500))
    with pytest.raises(Refusal, match="Goodwill"):
        perform(
            money_acts.pay_out(
                account_credits.credits_of(alice).first(), day=clock.today(), reference="VIR-79"
            )
        )


# --- Refunds -----------------------------------------------------------------------------------


def test_a_failed_refund_is_asked_for_again_and_then_made_by_transfer(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    billing.pay(invoice, bank)
    bank.refunding = gateway.RefundState.FAILED
    note = billing.credit(fresh(invoice))
    queue.drain()
    perform(money_acts.retry_refund(note))
    queue.drain()
    assert RefundableNote(note).refunds.count() == 2
    perform(money_acts.mark_refunded(note, day=clock.today(), reference="VIR-80"))
    assert fresh(note).status == InvoiceStatus.REFUNDED
    billing.assert_balanced()


def test_acts_on_a_refund_are_of_what_the_bank_has_left_of_a_payment_lost_in_part(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)  # of 105.60 EUR
    payment = billing.pay(invoice, bank)
    lost = bank.dispute(
        payment.checkout, 3_000, state=gateway.DisputeState.LOST, withdrawn_cents=3_000
    )
    notifications.apply_notification(gateway.Notification("e", lost))
    bank.refunding = gateway.RefundState.FAILED
    note = billing.credit(fresh(invoice))
    queue.drain()
    with current.using(replace(current(), desk_approval_cents=7_560)):
        again = perform(money_acts.retry_refund(note))
        queue.drain()
        by_hand = perform(money_acts.mark_refunded(note, day=clock.today(), reference="VIR-81"))
    assert [(act.cents, act.status) for act in (again, by_hand)] == [(7_560, "done")] * 2
    assert [row.cents for row in RefundableNote(note).refunds] == [7_560] * 3
    billing.assert_balanced()


# --- Once, with a reason, and by two -------------------------------------------------------------


def test_without_a_reason_nothing_is_done(alice: Account) -> None:
    with pytest.raises(Refusal, match="reason"):
        perform(money_acts.goodwill(alice, 500), reason="  ")
    assert not AccountCredit.select().exists()


def test_two_clicks_are_one_act(alice: Account) -> None:
    wanted = money_acts.goodwill(alice, 500)
    acts = racing.race(lambda: perform(wanted, key="one-form"), 4)
    assert {act.id for act in acts} == {MoneyAct.get().id}
    assert AccountCredit.select().count() == 1
    billing.assert_balanced()


def test_a_large_act_waits_for_another_member_who_confirms_it_once(alice: Account) -> None:
    limit = current().desk_approval_cents
    act = perform(money_acts.goodwill(alice, limit + 1))
    assert act.is_waiting
    assert not AccountCredit.select().exists()
    with pytest.raises(Refusal, match="Another member"):
        money_acts.confirm(act, by=CAMILLE)
    outcomes = racing.race(lambda: money_acts.confirm(MoneyAct.get_by_id(act.id), by=SACHA), 4)
    assert sum(isinstance(each, Conflict) for each in outcomes) == 3
    assert AccountCredit.select().count() == 1
    done = MoneyAct.get_by_id(act.id)
    assert (done.status, done.asked_by, done.decided_by) == ("done", CAMILLE, SACHA)
    names = Event.select().where(Event.subject == "money_act").order_by(Event.id)
    assert [(event.name, event.by) for event in names] == [
        ("money_goodwill", CAMILLE), ("money_act_done", SACHA),
    ]  # fmt: skip
    with pytest.raises(Conflict):
        money_acts.refuse(done, by=SACHA)


def test_a_refused_act_does_nothing_and_its_author_may_take_it_back(alice: Account) -> None:
    limit = current().desk_approval_cents
    for by in (SACHA, CAMILLE):
        act = perform(money_acts.goodwill(alice, limit + 1))
        money_acts.refuse(act, by=by)
        with pytest.raises(Conflict):
            money_acts.confirm(act, by=SACHA)
    assert not AccountCredit.select().exists()
    assert not list(money_acts.waiting())


def test_what_became_impossible_stays_waiting(alice: Account, bank: Bank) -> None:
    invoice = billing.due(alice, quantity=200)
    act = perform(paid(invoice))
    assert act.is_waiting
    billing.pay(invoice, bank)
    with pytest.raises(Refusal):
        money_acts.confirm(MoneyAct.get_by_id(act.id), by=SACHA)
    assert MoneyAct.get_by_id(act.id).is_waiting
    billing.assert_balanced()


# --- Any acts, in any order --------------------------------------------------------------------


@pytest.mark.parametrize("examples", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_any_acts_on_money_balance(
    app: Flask, bank: Bank, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each history of acts is counted beside the shop, and balances after every act."""
    monkeypatch.setattr(order_letters, "store_letter", lambda *_, **__: None)

    def live(acts: list[tuple[str, int, int]]) -> None:
        bank.__init__()
        books = Books(cast.register(cast.ALICE), bank)
        for name, number, cents in acts:
            try:
                books.act(name, number, cents)
            except Refusal:
                assert not database.in_transaction()
            books.check()

    histories.live_each(live, examples, acts=ACTS)
