"""Any 30 months of a group, with billing runs missed, repeated and killed, as in a naive model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from peewee import fn

from models import (
    AccountCredit,
    Card,
    GroupStatus,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    LicenceGroup,
    Payment,
    Renewal,
    Seat,
    Subscription,
    SubscriptionStatus,
    database,
)
from records.base import lock
from shop import clock, documents, money_acts
from shop.delivery import installation
from shop.errors import Refusal
from shop.invoicing import account_credits, ledger_proof, receivables
from shop.jobs import queue
from shop.mail import account_letters, licence_letters, order_letters, service_letters
from shop.orders import orders, withdrawals
from shop.overviews import services
from shop.overviews.services import ServiceOverview
from shop.payments import cards, mandates, notifications, payments, refunds, taken_back
from shop.payments.gateway import (
    CheckoutStatus,
    Dispute,
    DisputeState,
    Notification,
    RefundState,
)
from shop.payments.refundables import RefundablePayment
from shop.sandbox_link import test_points
from shop.subscriptions import (
    coming,
    corrections,
    give_backs,
    period_billing,
    previews,
    price_changes,
    renewals,
    resumption,
    subscriptions,
    terminations,
)
from shop.subscriptions.renewal_price import Preview
from tests.support import billing_model, cast, groups, purchases
from tests.support.billing_model import Naive
from tests.support.databases import Snapshot
from tests.support.parties import Bank, Provider

MONTHS = timedelta(days=913)

STARTS = st.one_of(
    st.sampled_from(
        [date(2027, 1, 31), date(2027, 3, 27), date(2027, 10, 30), date(2028, 1, 29)]
        + [date(2027, 8, 31), date(2027, 12, 31), date(2028, 1, 30), date(2028, 2, 29)]
    ),
    st.dates(date(2027, 1, 1), date(2028, 3, 1)),
)

ACTS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 3)),
    st.tuples(st.just("give"), st.integers(1, 3)),
    st.tuples(st.just("card"), st.sampled_from(["good", "bad", "none"])),
    st.tuples(st.just("price"), st.tuples(st.integers(700, 1500), st.integers(1, 90))),
    st.tuples(st.just("ahead"), st.booleans()),
    st.tuples(
        st.just("late"), st.lists(st.sampled_from(["pending", "failed", "back"]), max_size=3)
    ),
    st.tuples(st.just("stuck"), st.tuples(st.integers(1, 3), st.integers(0, 4), st.booleans())),
    st.tuples(st.just("withdraw"), st.tuples(st.integers(1, 3), st.integers(0, 13))),
    st.tuples(st.just("goodwill"), st.integers(1, 100)),
    st.tuples(st.just("dispute"), st.sampled_from(["won", "lost", "open", "part", "part_won"])),
    st.tuples(
        st.sampled_from(
            ["keep", "terminate", "go_on", "go_on", "pay", "pay", "nothing", "correct"]
        ),
        st.none(),
    ),
)
STEPS = st.lists(
    st.tuples(st.integers(4, 62), st.sampled_from(["run", "twice", "killed"]), ACTS),
    min_size=8,
    max_size=24,
)


FATES = {
    "pending": [RefundState.PENDING, RefundState.FAILED],
    "failed": [RefundState.FAILED],
    "back": [RefundState.SUCCEEDED, RefundState.FAILED],
    "done": [RefundState.PENDING, RefundState.SUCCEEDED],
}
"""The states of a refund, one after another."""


class Killed(BaseException):
    """Simulates the death of the worker at a test point."""


class History:
    """The history of one group of alice's, in the shop and in the model."""

    def __init__(
        self, start: date, bank: Bank, provider: Provider, traveller: time_machine.Traveller
    ) -> None:
        self.traveller, self.bank, self.provider = traveller, bank, provider
        self.account = cast.register(cast.ALICE)
        self.travel(datetime(start.year, start.month, start.day, 9, tzinfo=clock.PARIS))
        self.group = groups.installed(self.account, bank, 3)
        self.card("good")
        self.naive = Naive(clock.now(), 3, [(billing_model.midnight(date(2017, 1, 1)), 880)])
        # The price in force at the order needs no announcement.
        self.naive.told.add(self.naive.prices[0][0])

    def travel(self, to: datetime) -> None:
        self.traveller.move_to(to.astimezone(UTC))

    @property
    def subscription(self) -> Subscription:
        found = subscriptions.for_group(self.group)
        assert found is not None
        return found

    # --- Time passes -------------------------------------------------------------------------

    def pass_days(self, days: int, how: str) -> None:
        """Let days pass without a billing run, then make one, repeat it, or kill and restart it."""
        day = clock.today() + timedelta(days=days)
        foreseen = list(renewals.due_by(day))
        expected = self.foreseen(foreseen)
        self.naive.pot = account_credits.available_of(self.account)
        known = len(self.naive.documents)
        issued = {invoice.id for invoice in Invoice.select(Invoice.id)}
        self.travel(datetime(day.year, day.month, day.day, 0, 5, tzinfo=clock.PARIS))
        if how == "killed":
            self.kill_a_run()
        for _ in range(2 if how == "twice" else 1):
            renewals.run_renewals()
            queue.drain()
            price_changes.announce_all()
        self.naive.tick(clock.now())
        if expected is not None:
            assert expected == [document.net for document in self.naive.documents[known:]]
        for due in foreseen:
            self.check_issued(due, issued)

    def foreseen(self, due: list[Preview]) -> list[int] | None:
        """Return the net amounts previewed for a time in which only renewals will happen."""
        is_invoiced = self.naive.ahead is not None and not self.naive.ahead.is_paid
        quiet = self.naive.card == "good" and not self.naive.owed and not is_invoiced
        return [each.totals.net_cents for each in due] if quiet else None

    def check_issued(self, due: Preview, before: set[int]) -> None:
        """Assert that a renewal was invoiced as previewed, to the cent."""
        made = Renewal.get(group=self.group, period_start=due.period.start)
        invoices = [invoice for invoice in (made.invoice, made.supplement) if invoice is not None]
        if due.ahead:
            invoices = [invoice for invoice in invoices if invoice.id not in before]
        assert made.period_end == due.period.end
        assert made.price == due.price
        for name in ("net_cents", "vat_cents", "total_cents"):
            assert sum(getattr(invoice, name) for invoice in invoices) == getattr(due.totals, name)
        lines = InvoiceLine.select().where(InvoiceLine.invoice.in_(invoices))
        assert sum(line.quantity for line in lines) == due.quantity
        assert {line.unit_price_cents for line in lines} == {due.line.unit_price_cents}

    def kill_a_run(self) -> None:
        def die() -> None:
            raise Killed

        for point in ("renewals.renewed", "dunning.attempt"):
            test_points.hook(point, die)
            try:
                renewals.run_renewals()
                queue.drain()
            except Killed:
                pass
            finally:
                test_points.hook(point, None)
        # Another worker takes the dead worker's jobs when their lease is over.
        queue.Job.update(status="queued", lease_until=None).where(
            queue.Job.status == "running"
        ).execute()

    # --- Acts of the customer and the operator -----------------------------------------------

    def act(self, name: str, value: Any) -> None:
        self.naive.pot = account_credits.available_of(self.account)
        getattr(self, name)(value) if hasattr(self, name) else None
        queue.drain()
        self.naive.work(clock.now())

    def refused(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except Refusal:
            return True
        return False

    def add(self, number: int) -> None:
        def order() -> None:
            payments.record_manual_payment(groups.add(self.group, number), by="operator")

        assert self.refused(order) != self.naive.add(clock.now(), number)

    def give(self, number: int) -> None:
        alive = [row.number for row in give_backs.for_group(self.group)]
        seats = Seat.select(Seat.number).where(
            Seat.group == self.group, Seat.number.not_in(alive or [0])
        )
        numbers = [seat.number for seat in seats.order_by(Seat.number).limit(number)]
        done = len(numbers) == number and not self.refused(
            lambda: give_backs.give_back_seats(self.group, numbers, by="alice")
        )
        assert done == self.naive.give_back(clock.now(), number)

    def keep(self, _: None) -> None:
        rows = [row for row in give_backs.for_group(self.group) if give_backs.can_be_undone(row)]
        assert len(rows) == self.naive.keep(clock.now())
        if rows:
            give_backs.undo(self.group, [row.number for row in rows], by="alice")

    def terminate(self, _: None) -> None:
        refused = self.refused(lambda: terminations.request_termination(self.group, by="alice"))
        assert refused != self.naive.terminate(clock.now())

    def go_on(self, _: None) -> None:
        refused = self.refused(lambda: resumption.undo_termination(self.group, by="alice"))
        assert refused != self.naive.go_on(clock.now())

    def pay(self, _: None) -> None:
        unpaid = receivables.unpaid_invoices(self.group.id)
        if unpaid:
            payments.record_manual_payment(unpaid[0], by="operator")
        assert bool(unpaid) == self.naive.pay(clock.now())

    def ahead(self, is_paid: bool) -> None:
        def charge() -> None:
            invoice = period_billing.bill_ahead(self.subscription)
            if is_paid:
                payments.record_manual_payment(invoice, by="operator")

        refused = self.refused(charge)
        assert refused != self.naive.pay_ahead(clock.now(), now_paid=is_paid)

    def card(self, kind: str) -> None:
        for removed in list(cards.usable_cards(self.account)):
            cards.remove_card(removed, by="alice")
        if kind != "none":
            number = {"good": "4242", "bad": "0341"}[kind]
            card = Card.create(
                account=self.account, mandate=f"mandate-{Card.select().count()}-{number}",
                brand="visa", last4=number, expiry_month=12, expiry_year=2099,
                consented_at=clock.now(),
            )  # fmt: skip
            subscriptions.choose_card(self.subscription, card, by="alice")
        if hasattr(self, "naive"):
            self.naive.card = kind

    def price(self, wanted: tuple[int, int]) -> None:
        cents, days = wanted
        at = billing_model.midnight(clock.today() + timedelta(days=days))
        if not self.refused(lambda: price_changes.change_price("business", cents, at)):
            self.naive.prices.append((at, cents))

    def late(self, fates: list[str]) -> None:
        """Pay an order that is cancelled: its refunds have these fates, and then succeed."""
        try:
            order = groups.add(self.group, 1)
        except Refusal:
            return
        payment = purchases.start_paying(order)
        orders.cancel_order(order, by="alice")
        paid = self.bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
        for fate in [*fates, "done"]:
            self.bank.refunding = FATES[fate][0]
            if payment.status == "refund_due":
                refunds.ask_again(RefundablePayment(payment), by="operator")
            notifications.apply_notification(Notification("e", paid))
            queue.drain()
            made = list(self.bank.refunds.values())[-1]
            for state in FATES[fate][1:]:
                told = Notification("e", self.bank.tell_refund(made, state))
                notifications.apply_notification(told)
            payment = groups.fresh(payment)
            assert payment.status == ("refunded" if fate == "done" else "refund_due")
            faults = list(ledger_proof.find_faults())
            assert [fault for fault in faults if "failed" not in fault] == []
            assert bool(faults) == (fate != "done")

    def stuck(self, how: tuple[int, int, bool]) -> None:
        """Add licences that the provider refuses for some days: refunded, or delivered late."""
        number, days, is_retried = how
        try:
            order = groups.add(self.group, number)
        except Refusal:
            return
        purchases.pay(order, self.bank)
        self.provider.failing = "No."
        queue.drain()
        self.provider.failing = ""
        if days:
            self.pass_days(days, "run")
        order = groups.fresh(order)
        if is_retried and not self.refused(
            lambda: installation.retry_delivery(order, by="operator")
        ):
            queue.drain()
            self.naive.deliver(clock.now(), number, order.lines.get().unit_price_cents)
            assert groups.fresh(order).status == "delivered"
        elif order.status == "delivery_failed" and not self.refused(
            lambda: orders.refund_order(order, by="operator")
        ):
            queue.drain()
        waits = Payment.select().where(Payment.order == order, Payment.status == "refund_due")
        assert groups.fresh(order).status in {"delivered", "refunded"} or waits.exists()

    def withdraw(self, how: tuple[int, int]) -> None:
        """Add licences, and withdraw from their order some days later."""
        number, days = how
        try:
            order = groups.add(self.group, number)
        except Refusal:
            return
        payments.record_manual_payment(order, by="operator")
        queue.drain()
        assert self.naive.add(clock.now(), number)
        document = self.naive.documents[-1]
        if days:
            self.pass_days(days, "run")
        refused = self.refused(lambda: withdrawals.withdraw(groups.fresh(order), by="alice"))
        queue.drain()
        assert refused != self.naive.withdraw(clock.now(), number, document)

    def dispute(self, outcome: str) -> None:
        """Contest the newest charge of a card, which is then charged no more."""
        payment = (
            Payment.select()
            .where(Payment.card.is_null(False), Payment.status == "succeeded")
            .order_by(Payment.id.desc())
            .first()
        )
        if payment is None or taken_back.left_of(payment) != payment.amount_cents:
            return  # A bank that takes back more than is left of a charge is a fault of its own.
        cents, checkout = payment.amount_cents, payment.checkout
        told = [self.bank.dispute(checkout, cents, withdrawn_cents=cents)]
        if outcome.startswith("part"):
            told += self.in_part(told[0], outcome)
        elif outcome != "open":
            left = 0 if outcome == "won" else cents
            told.append(replace(told[0], state=DisputeState(outcome), withdrawn_cents=left))
        for each in told:
            notifications.apply_notification(Notification("e", each))
            assert list(ledger_proof.find_faults()) == []
        self.bank.disputes[told[-1].reference] = told[-1]
        if outcome == "lost":
            ids = [invoice.id for invoice in Invoice.select(Invoice.id).order_by(Invoice.id)]
            self.naive.lose(clock.now(), ids.index(payment.invoice_id))
        if mandates.card_of(self.subscription) is None:
            self.naive.card = "none"

    def in_part(self, told: Dispute, outcome: str) -> list[Dispute]:
        """Return the news of a payment lost in part, and perhaps given back after all."""
        part = told.amount_cents // 3
        lost = replace(told, state=DisputeState.LOST, withdrawn_cents=part)
        if outcome == "part":
            return [lost]
        return [lost, replace(told, state=DisputeState.WON, withdrawn_cents=0)]

    def correct(self, _: None) -> None:
        """Correct the address on the newest invoice that was not credited."""
        right = Invoice.kind == InvoiceKind.INVOICE, Invoice.status != "refunded"
        wrong = Invoice.select().where(*right).order_by(Invoice.id.desc()).first()
        ids = [invoice.id for invoice in Invoice.select(Invoice.id).order_by(Invoice.id)]
        refused = self.refused(
            lambda: corrections.correct(
                wrong, {"street": f"{len(ids)} rue Haute"}, "Error.", by="operator"
            )
        )
        assert refused != self.naive.correct(clock.now(), ids.index(wrong.id))

    def goodwill(self, cents: int) -> None:
        """Give goodwill, which the next invoice of a period uses."""
        if not account_credits.available_of(self.account):
            money_acts.perform(
                money_acts.goodwill(self.account, cents), "Sorry.", by="staff:camille",
                key=f"goodwill-{AccountCredit.select().count()}",
            )  # fmt: skip

    # --- Comparison --------------------------------------------------------------------------

    def check(self) -> None:
        assert documents_of(self.group) == [document.said for document in self.naive.documents]
        assert self.status() == self.naive.status
        assert list(ledger_proof.find_faults()) == []
        self.check_page()

    def check_page(self) -> None:
        """Assert that the page of services shows the preview of the next renewal."""
        page = services.find_service(self.account, self.group.name)
        assert page is not None
        alone = previews.preview(self.subscription)
        assert (page.preview is None) == (alone is None)
        if alone is not None and page.preview is not None:
            assert replace(page.preview, subscription=alone.subscription) == alone
            self.check_settlement(page)
            if self.naive.status == "active" and not self.naive.ahead:
                number = self.naive.subscribed(alone.period.start)
                cents = self.naive.price_on(alone.period.start)
                assert alone.totals.net_cents == number * cents

    def check_settlement(self, page: ServiceOverview) -> None:
        """Assert that a renewal made now would be paid as the page says; it is not made."""
        shown = page.settlement
        assert shown == coming.settlement_of(self.account, page.preview)
        last = Invoice.select(fn.MAX(Invoice.id)).scalar()
        ahead = page.preview.invoiced_cents
        with database.atomic() as transaction:
            period_billing.open_next(lock(self.subscription))
            issued = list(Invoice.select().where(Invoice.id > last))
            transaction.rollback()
        assert sum(each.offset_cents for each in issued) == shown.from_balance_cents
        assert sum(each.balance_cents for each in issued) + ahead == shown.left_cents

    def status(self) -> str:
        row = self.subscription
        assert {
            SubscriptionStatus.SUSPENDED: GroupStatus.SUSPENDED,
            SubscriptionStatus.TERMINATED: GroupStatus.TERMINATED,
        }.get(SubscriptionStatus(row.status), GroupStatus.INSTALLED) == groups.fresh(
            self.group
        ).status
        return {"terminated": "ended"}.get(row.status, row.status)

    def settle(self) -> None:
        """Pay what is left, and let the provider complete its operations."""
        while receivables.unpaid_invoices(self.group.id):
            self.act("pay", None)
        self.act("card", "good")
        self.travel(clock.now() + timedelta(hours=2))
        queue.drain()
        self.naive.work(clock.now())
        self.check()

    def check_the_end(self, provider: Provider) -> None:
        numbers = [invoice.number for invoice in Invoice.select().order_by(Invoice.id)]
        for series in {number.rpartition("-")[0] for number in numbers}:
            of_it = [number for number in numbers if number.startswith(series)]
            assert of_it == [f"{series}-{n:06d}" for n in range(1, len(of_it) + 1)]
        spans = sorted((row.period_start, row.period_end) for row in Renewal.select())
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        if not self.naive.suspensions:
            first = billing_model.paris_day(self.naive.begun)
            ends = [billing_model.next_anniversary(first, self.naive.anchor)]
            ends += [end for _, end in spans]
            assert [start for start, _ in spans] == ends[:-1]
        if self.naive.status == "active":
            left = self.naive.subscribed(clock.today())
            assert groups.fresh(self.group).seats_total == left
            assert provider.tenants[self.group.domain] == left
            groups.check_counts(self.group)


def documents_of(group: LicenceGroup) -> list[tuple[object, ...]]:
    rows = (
        InvoiceLine.select(InvoiceLine, Invoice).join(Invoice).order_by(Invoice.id, InvoiceLine.id)
    )
    assert {row.service for row in rows} == {group.name}
    for row in rows:
        assert row.invoice.net_cents == row.net_cents
        # VAT is rounded on the sum of an invoice's credit notes: one of a part may be a cent off.
        off = abs(row.invoice.vat_cents - (row.net_cents * 2 + 5) // 10)
        assert off <= (1 if row.invoice.kind == InvoiceKind.CREDIT_NOTE else 0)
    return [
        (
            str(InvoiceKind(row.invoice.kind)), row.invoice.issued_on, row.net_cents, row.quantity,
            row.period_start, row.period_end,
        )
        for row in rows
    ]  # fmt: skip


@pytest.fixture
def world(
    app: Flask, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[date], History]]:
    """Return a function that begins a history on a day, in a new shop that writes no e-mails."""
    for module in (account_letters, order_letters, licence_letters, service_letters):
        monkeypatch.setattr(module, "store_letter", lambda *_, **__: None)
    monkeypatch.setattr(documents, "make_document", lambda *_: b"")
    new = Snapshot()
    with time_machine.travel(datetime(2027, 1, 1, tzinfo=UTC), tick=False) as traveller:

        def begin(day: date) -> History:
            new.restore()
            bank.__init__()
            provider.__init__()
            return History(day, bank, provider, traveller)

        yield begin


@pytest.mark.begun_first
@pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_any_30_months_are_as_a_naive_model_has_them(
    world: Callable[[date], History],
    provider: Provider,
    examples: int,
    request: pytest.FixtureRequest,
) -> None:
    # What the money is does not depend on the database; a history runs each statement many times.
    if request.config.getoption("postgresql"):
        examples = max(1, examples // 2)

    @settings(
        max_examples=examples,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        phases=[Phase.generate],
    )
    @given(start=STARTS, steps=STEPS)
    def live(start: date, steps: list[tuple[int, str, tuple[str, Any]]]) -> None:
        history = world(start)
        until = clock.now() + MONTHS
        while clock.now() < until:
            for days, how, (act, value) in steps:
                history.pass_days(days, how)
                history.act(act, value)
                history.check()
        history.settle()
        history.check_the_end(provider)

    live()
