"""Payouts of the bank: fetched once, part by part, each line matched, and booked in the FEC."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
import time_machine

from models import (
    Account,
    Event,
    Invoice,
    Job,
    LedgerEntry,
    Payment,
    PaymentStatus,
    Payout,
    PayoutLine,
    Refund,
)
from shop import clock, settings
from shop.accounting import fec
from shop.errors import Conflict, PartyRejected
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.payments import disputes, gateway, notifications, payout_matching, payouts
from shop.payments.gateway import Notification, PayoutLineKind, PayoutState
from shop.subscriptions import renewals
from tests.support import billing, fec_rules, racing
from tests.support.parties import Bank

pytestmark = pytest.mark.usefixtures("provider")


def paid(account: Account, bank: Bank, net_cents: int = 8_800) -> Payment:
    """Return a payment of an invoice by card."""
    return billing.pay(billing.due(account, 1, net_cents), bank)


def fetch() -> None:
    """Do what the worker does every hour."""
    payouts.fetch_payouts()
    queue.drain()


def the_payout() -> Payout:
    (row,) = Payout.select()
    return row


def is_matched(payout: Payout) -> bool:
    return payout.is_read and payout.is_automatic and not payout.open_lines


def lines() -> list[tuple[str, int, str]]:
    """Return kind, gross amount and problem of every line."""
    return [(row.kind, row.gross_cents, row.problem) for row in PayoutLine.select()]


def strange(cents: int = 5_000, kind: PayoutLineKind = PayoutLineKind.CHARGE) -> gateway.PayoutLine:
    """Return a line of which the shop knows nothing."""
    return gateway.PayoutLine("line-of-nothing", kind, cents, 0, "checkout-of-others", clock.now())


# --- Fetching --------------------------------------------------------------------------------


def test_the_worker_fetches_payouts_every_hour(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    paid(alice, bank)
    bank.pay_out()
    renewals.queue_runs()
    queue.drain()
    assert is_matched(the_payout())
    bank.tell_payout("payout-1", PayoutState.PAID)
    clock.shift(timedelta(hours=1))
    renewals.queue_runs()
    queue.drain()
    assert the_payout().status == "paid"


def test_lines_are_matched_with_payments_refunds_and_disputes(alice: Account, bank: Bank) -> None:
    payment, disputed = paid(alice, bank), paid(alice, bank, 5_000)
    assert payment.checkout
    assert disputed.checkout
    made = bank.refund_of_itself(payment.checkout, 560)
    notifications.apply_notification(Notification("e", made))
    told = bank.dispute(disputed.checkout, 900, withdrawn_cents=900)
    disputes.settle(disputed, told)
    bank.pay_out()
    fetch()
    found = {row.gross_cents: row for row in PayoutLine.select()}
    assert {row.problem for row in found.values()} == {""}
    assert found[10_560].payment == found[-560].payment == payment
    assert found[-560].refund == Refund.get(Refund.payment == payment)
    assert (found[-900].payment, found[-900].dispute.cents) == (disputed, 900)
    payout = the_payout()
    assert is_matched(payout)
    assert (payout.line_count, payout.open_lines) == (4, 0)
    assert payout.fee_cents == 10_560 * 14 // 1000 + 25 + 6_000 * 14 // 1000 + 25 + 1_500
    assert payout.cents == sum(row.net_cents for row in found.values())


def test_fetching_again_changes_nothing(alice: Account, bank: Bank) -> None:
    for _ in range(7):
        paid(alice, bank)
    bank.pay_out(state=PayoutState.PAID)
    for _ in range(3):
        paid(alice, bank)
        bank.pay_out(state=PayoutState.PAID)
    fetch()
    before = list(Payout.select().tuples()), list(PayoutLine.select().tuples())
    assert [len(rows) for rows in before] == [4, 10]
    events = Event.select().count()
    Job.delete().execute()
    fetch()
    Job.delete().execute()
    for row in Payout.select():
        payouts.read_payout(row.id)
    assert (list(Payout.select().tuples()), list(PayoutLine.select().tuples())) == before
    assert Event.select().count() == events
    billing.assert_balanced()


def test_lines_are_read_on_from_where_a_killed_worker_was(
    alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        paid(alice, bank)
    bank.pay_out()
    monkeypatch.setattr(payouts, "PARTS_AT_ONCE", 1)
    payouts.record_payout(bank.payouts[0])
    with pytest.raises(Exception, match="0:00:00"):
        payouts.read_payout(the_payout().id)
    payout = the_payout()
    assert (payout.line_count, payout.is_read) == (2, False)
    # The part that was kept and whose place was not, is read once more.
    Payout.update(reached="").execute()
    queue.drain()
    assert (the_payout().line_count, is_matched(the_payout())) == (5, True)
    billing.assert_balanced()


def test_a_silent_bank_is_asked_again_and_a_refusal_raises_the_alarm(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    paid(alice, bank)
    bank.pay_out()
    bank.failing = 1
    payouts.fetch_payouts.later()
    queue.drain()
    assert not Payout.select().exists()
    bank.refusing = PartyRejected("no permission", "forbidden")
    clock.shift(timedelta(minutes=1))
    queue.drain()
    assert Event.select().where(Event.name == "bank_refused").count() == 1
    bank.refusing = None
    fetch()
    assert is_matched(the_payout())


def test_two_workers_at_once_keep_each_line_once(alice: Account, bank: Bank) -> None:
    for _ in range(5):
        paid(alice, bank)
    bank.pay_out()
    payouts.record_payout(bank.payouts[0])
    number = the_payout().id

    def read() -> None:
        payouts.read_payout(number)

    assert racing.race(read, 3) == [None, None, None]
    assert (the_payout().line_count, PayoutLine.select().count()) == (5, 5)
    billing.assert_balanced()


def test_the_first_run_reaches_back_to_the_first_payment_and_later_ones_a_month(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    paid(alice, bank)
    bank.pay_out(state=PayoutState.PAID)
    clock.shift(timedelta(days=100))
    paid(alice, bank)
    bank.pay_out(state=PayoutState.PAID)
    fetch()
    assert Payout.select().count() == 2
    bank.tell_payout("payout-1", PayoutState.FAILED)
    bank.tell_payout("payout-2", PayoutState.FAILED)
    fetch()
    statuses = [row.status for row in Payout.select().order_by(Payout.announced_at)]
    assert statuses == ["paid", "failed"]


# --- What does not match ---------------------------------------------------------------------


def test_what_matches_nothing_says_why(alice: Account, bank: Bank) -> None:
    payment, other = paid(alice, bank), paid(alice, bank, 1_000)
    assert payment.checkout
    at, charge = clock.now(), PayoutLineKind.CHARGE
    Payment.update(status=PaymentStatus.OPEN).where(Payment.id == other.id).execute()
    bank.pay_out(
        strange(),
        gateway.PayoutLine("another amount", PayoutLineKind.REFUND, -3, 0, "refund-9", at),
        gateway.PayoutLine("twice", charge, 10_560, 0, payment.checkout, at),
        gateway.PayoutLine("reserve", PayoutLineKind.OTHER, -100, 0, "", at),
        gateway.PayoutLine("fee", PayoutLineKind.FEE, 0, 210, "", at),
    )
    Refund.create(
        payment=payment, key="9", reference="refund-9", cents=4, status="pending", created_at=at
    )
    fetch()
    assert sorted(lines()) == sorted([
        ("charge", 10_560, ""), ("charge", 1_200, "unsettled"), ("charge", 5_000, "unknown"),
        ("refund", -3, "amount"), ("charge", 10_560, "twice"), ("other", -100, "other"),
        ("fee", 0, ""),
    ])  # fmt: skip
    assert (the_payout().open_lines, is_matched(the_payout())) == (5, False)
    assert payouts.to_examine().count() == 1


def test_a_line_is_matched_once_the_shop_knows_what_it_is_for(alice: Account, bank: Bank) -> None:
    payment = paid(alice, bank)
    assert payment.checkout
    made = bank.refund_of_itself(payment.checkout, 560)
    bank.pay_out()
    fetch()
    assert ("refund", -560, "unknown") in lines()
    assert not is_matched(the_payout())
    notifications.apply_notification(Notification("e", made))
    fetch()
    assert ("refund", -560, "") in lines()
    assert is_matched(the_payout())


def test_a_line_that_was_explained_is_open_no_more(alice: Account, bank: Bank) -> None:
    paid(alice, bank)
    bank.pay_out(strange())
    fetch()
    line = PayoutLine.get(PayoutLine.problem == "unknown")
    payout_matching.explain(line, "Our other shop")
    assert is_matched(the_payout())
    fetch()
    assert PayoutLine.get_by_id(line.id).explanation == "Our other shop"
    with pytest.raises(Conflict):
        payout_matching.explain(line, "Again")
    assert not payouts.to_examine().exists()
    billing.assert_balanced()


def test_a_payout_that_failed_is_to_be_examined_until_its_money_comes(
    alice: Account, bank: Bank
) -> None:
    paid(alice, bank)
    bank.pay_out(state=PayoutState.PAID)
    fetch()
    assert not payouts.to_examine().exists()
    bank.fail_payout("payout-1")
    fetch()
    assert [row.reference for row in payouts.to_examine()] == ["payout-1"]
    assert the_payout().reason == "account_closed"
    bank.pay_out(state=PayoutState.PAID)
    fetch()
    assert not payouts.to_examine().exists()
    assert PayoutLine.get(PayoutLine.kind == "payout").returned.reference == "payout-1"
    billing.assert_balanced()


def test_a_payout_made_by_hand_lists_no_lines_and_one_in_progress_lists_them_later(
    bank: Bank,
) -> None:
    made = bank.pay_out(strange())
    payouts.record_payout(replace(made, reference="by-hand", is_automatic=False, lists_lines=False))
    payouts.record_payout(replace(made, lists_lines=False))
    queue.drain()
    by_hand, automatic = Payout.select().order_by(Payout.id)
    assert (by_hand.is_read, is_matched(by_hand), automatic.is_read) == (True, False, False)
    payouts.record_payout(made)
    queue.drain()
    assert Payout.get_by_id(automatic.id).line_count == 1
    assert list(ledger_proof.find_faults()) == []


def test_a_payout_whose_lines_do_not_add_up_raises_an_alarm(alice: Account, bank: Bank) -> None:
    paid(alice, bank)
    bank.pay_out()
    fetch()
    assert list(ledger_proof.find_faults()) == []
    PayoutLine.update(gross_cents=PayoutLine.gross_cents - 1).execute()
    assert list(ledger_proof.find_faults()) == [
        "the lines of payout payout-1 do not add up to its amount"
    ]
    PayoutLine.update(fee_cents=PayoutLine.fee_cents - 1).execute()
    assert list(ledger_proof.find_faults()) == ["payout payout-1 sums its lines up wrongly"]


# --- Books -----------------------------------------------------------------------------------


def books() -> list[tuple[str, str, int]]:
    """Return piece, account and cents of the entries of payouts, by a FEC that keeps the rules."""
    first, last = date(2026, 1, 1), date(2027, 12, 31)
    rows = fec_rules.read_file(fec.filename(last), b"".join(fec.lines(first, last)), first, last)
    found = [row for row in rows if row["PieceRef"].startswith("payout-")]
    assert {row["JournalCode"] for row in found} <= {"BQ"}
    return [(row["PieceRef"], row["CompteNum"], fec_rules.cents(row)) for row in found]


def on_the_way() -> int:
    """Return the balance of the account of the bank that takes cards."""
    last = date(2027, 12, 31)
    rows = fec_rules.read_file(
        fec.filename(last), b"".join(fec.lines(date(2026, 1, 1), last)), date(2026, 1, 1), last
    )
    return sum(fec_rules.cents(row) for row in rows if row["CompteNum"] == "511500")


def test_a_payout_moves_the_net_to_the_bank_and_the_fee_to_its_account(
    alice: Account, bank: Bank
) -> None:
    paid(alice, bank)
    bank.pay_out()
    fetch()
    assert books() == []
    assert on_the_way() == 10_560
    bank.tell_payout("payout-1", PayoutState.PAID)
    fetch()
    fee = 10_560 * 14 // 1000 + 25
    assert books() == [
        ("payout-1", "512000", 10_560 - fee), ("payout-1", "627800", fee),
        ("payout-1", "511500", -10_560),
    ]  # fmt: skip
    assert on_the_way() == 0
    billing.assert_balanced()


def test_refunds_and_disputes_are_taken_off_and_nothing_stays_on_the_way(
    alice: Account, bank: Bank
) -> None:
    payment, disputed = paid(alice, bank), paid(alice, bank, 5_000)
    assert payment.checkout
    assert disputed.checkout
    notifications.apply_notification(
        Notification("e", bank.refund_of_itself(payment.checkout, 560))
    )
    told = bank.dispute(disputed.checkout, 6_000, withdrawn_cents=6_000)
    disputes.settle(disputed, told)
    bank.pay_out(state=PayoutState.PAID)
    fetch()
    assert on_the_way() == 0
    assert sum(cents for _, _, cents in books()) == 0


@pytest.mark.parametrize("is_late", [True, False])
def test_a_payout_sent_back_is_booked_back_and_its_fees_stay(
    alice: Account, bank: Bank, is_late: bool
) -> None:
    paid(alice, bank)
    bank.pay_out(state=PayoutState.PAID if is_late else PayoutState.PENDING)
    fetch()
    bank.fail_payout("payout-1")
    fetch()
    fee = 10_560 * 14 // 1000 + 25
    assert sum(cents for _, account, cents in books() if account == "512000") == 0
    assert sum(cents for _, account, cents in books() if account == "627800") == fee
    assert on_the_way() == 10_560 - fee
    bank.pay_out(state=PayoutState.PAID)
    fetch()
    assert on_the_way() == 0
    assert sum(cents for _, account, cents in books() if account == "512000") == 10_560 - fee
    billing.assert_balanced()


def test_no_closed_period_changes(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    clock.move_to("2026-12-31T10:00:00+00:00")
    paid(alice, bank)
    bank.pay_out(state=PayoutState.PAID)
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    closed = b"".join(fec.lines(first, last))
    clock.move_to("2027-02-01T10:00:00+00:00")
    fetch()
    assert b"".join(fec.lines(first, last)) == closed
    assert len(books()) == 3
    assert the_payout().arrives_on == date(2027, 1, 1)


def test_payouts_before_the_day_of_the_setting_are_not_booked(
    alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins = (clock.today() + timedelta(days=2)).isoformat()
    changed = replace(settings.current(), accounting_payouts_from=begins)
    monkeypatch.setattr(settings, "current", lambda: changed)
    paid(alice, bank)
    bank.pay_out(state=PayoutState.PAID)
    fetch()
    assert books() == []
    assert is_matched(the_payout())
    assert Invoice.select().count() == 1
    assert LedgerEntry.select().count() == 2
