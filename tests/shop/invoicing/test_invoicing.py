"""Invoices: issued once, numbered without gaps, immutable, paid once, corrected by credit notes."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from facturx import get_facturx_xml_from_pdf
from peewee import DatabaseError, IntegrityError
from pypdf import PdfReader
from time_machine import Traveller

from models import (
    Account,
    Card,
    Invoice,
    InvoiceFile,
    InvoiceLine,
    InvoiceSeries,
    InvoiceStatus,
    LedgerEntry,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    database,
)
from shop import clock, documents
from shop.errors import Refusal
from shop.invoicing import credit_notes, invoices, order_invoices
from shop.jobs import queue
from shop.orders import orders
from shop.payments import outcomes, payables, payments, refunds
from shop.payments.gateway import CheckoutStatus
from shop.pricing import periods
from shop.pricing.lines import Position, positions_of
from tests.support import billing, groups, purchases, racing
from tests.support.parties import Bank, Provider
from tests.support.schematron import broken_rules

pytestmark = pytest.mark.usefixtures("provider")


def at(moment: str) -> datetime:
    """A moment of UTC."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def numbers() -> list[str]:
    return [row.number for row in Invoice.select().order_by(Invoice.id)]


# --- The invoice of an order -----------------------------------------------------------------


def test_a_delivered_order_has_one_invoice_that_says_the_same(alice: Account, bank: Bank) -> None:
    order = billing.delivered(alice, bank, business=7, pro_plus=2)
    invoice = billing.invoice_of(order)
    amounts = ("net_cents", "vat_cents", "total_cents", "vat_rate", "vat_code", "customer")
    assert [getattr(invoice, name) for name in amounts] == [
        getattr(order, name) for name in amounts
    ]
    assert invoice.number == f"FA{clock.today().year}-000001"
    assert (invoice.status, invoice.method) == (InvoiceStatus.PAID, "card")
    assert invoice.balance_cents == 0
    billing.assert_balanced()


def test_its_lines_are_for_the_month_from_the_delivery(alice: Account, bank: Bank) -> None:
    order = billing.delivered(alice, bank, business=7, pro_plus=2)
    installed = {row.name: row.installed_at for row in LicenceGroup.select()}
    positions = positions_of(billing.invoice_of(order))
    assert {position.service for position in positions} == set(installed)
    for position in positions:
        assert position.period == periods.first_period(installed[position.service])


def test_an_addition_is_invoiced_by_its_days_up_to_the_renewal(
    alice: Account, bank: Bank, clock: Traveller
) -> None:
    clock.move_to(at("2026-11-05 10:00"))
    group = groups.installed(alice, bank)
    clock.move_to(at("2026-11-23 10:00"))
    order = groups.add(group, 2)
    purchases.pay(order, bank)
    queue.drain()
    (position,) = positions_of(billing.invoice_of(order))
    assert (position.line.days, position.line.period_days) == (12, 30)
    assert (position.period.start.isoformat(), position.period.end.isoformat()) == (
        "2026-11-23",
        "2026-12-05",
    )
    assert position.line.net_cents == 704, "2 × 8.80 × 12 / 30"


def test_the_invoice_is_issued_once_however_often_its_job_runs(alice: Account, bank: Bank) -> None:
    order = billing.delivered(alice, bank)
    for _ in range(3):
        order_invoices.invoice_order(order.id)
    results = racing.race(lambda: order_invoices.invoice_order(order.id), 5)
    assert results == [None] * 5
    assert len(numbers()) == 1
    assert Letter.select().where(Letter.kind == "invoice_issued").count() == 1


def test_an_order_the_operator_marked_paid_is_invoiced_too(alice: Account) -> None:
    order = purchases.place(alice)
    payments.record_manual_payment(order, by="operator")
    queue.drain()
    assert billing.invoice_of(order).method == "manual"
    billing.assert_balanced()


def test_what_was_never_delivered_is_never_invoiced(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "The domain is taken."
    order = purchases.place(alice)
    purchases.pay(order, bank)
    queue.drain()
    billing.assert_balanced()
    orders.refund_order(Order.get_by_id(order.id), by="operator")
    queue.drain()
    assert Order.get_by_id(order.id).status == OrderStatus.REFUNDED
    assert numbers() == []
    assert sum(row.cents for row in LedgerEntry.select()) == 0
    billing.assert_balanced()


# --- Numbers ---------------------------------------------------------------------------------


def test_an_issue_that_is_rolled_back_leaves_no_gap(alice: Account) -> None:
    billing.due(alice)
    with suppress(ZeroDivisionError), database.atomic():
        billing.due(alice)
        raise ZeroDivisionError
    billing.due(alice)
    assert [number[-6:] for number in numbers()] == ["000001", "000002"]


def test_eight_at_once_get_eight_numbers_in_a_row(alice: Account) -> None:
    results = racing.race(lambda: billing.due(alice), 8)
    assert all(isinstance(outcome, Invoice) for outcome in results), results
    assert [int(number[-6:]) for number in numbers()] == list(range(1, 9))
    billing.assert_balanced()


def test_control_a_number_read_without_a_lock_is_used_twice(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(series: str) -> tuple[str, datetime]:
        InvoiceSeries.insert(name=series, last=0).on_conflict_ignore().execute()
        number = InvoiceSeries.get_by_id(series).last + 1
        return f"{series}-{number:06d}", clock.now()

    monkeypatch.setattr(invoices, "_next_number", careless)
    results = racing.race(lambda: billing.due(alice), 4)
    assert any(isinstance(outcome, IntegrityError) for outcome in results)


def test_each_year_and_each_kind_counts_for_itself(alice: Account, clock: Traveller) -> None:
    clock.move_to(at("2026-12-31 22:30"))  # half past eleven in Paris
    first = billing.due(alice)
    clock.move_to(at("2026-12-31 23:30"))  # next year in Paris
    second = billing.due(alice)
    note = billing.credit(first)
    assert [row.number for row in (first, second, note)] == [
        "FA2026-000001",
        "FA2027-000001",
        "AV2027-000001",
    ]
    billing.assert_balanced()


# --- What is issued stays --------------------------------------------------------------------


@pytest.mark.every_case
@pytest.mark.parametrize(
    "change", [{"total_cents": 1}, {"number": "FA2026-9"}, {"customer": {}}, {"issued_on": None}]
)
def test_what_an_invoice_says_cannot_be_changed(alice: Account, change: dict[str, object]) -> None:
    invoice = billing.due(alice)
    with pytest.raises(DatabaseError, match="never changes"), database.atomic():
        Invoice.update(**change).where(Invoice.id == invoice.id).execute()


def test_neither_its_lines_nor_its_pdf_can_be_changed(alice: Account) -> None:
    invoice = billing.due(alice)
    documents.invoice_of(invoice)
    for change in (
        InvoiceLine.update(service="o365-2").where(InvoiceLine.invoice == invoice),
        InvoiceFile.update(content=b"%PDF-2").where(InvoiceFile.invoice == invoice),
    ):
        with pytest.raises(DatabaseError, match="never changes"), database.atomic():
            change.execute()


@pytest.mark.reads_papers
@pytest.mark.one_database
def test_its_pdf_is_made_once_and_follows_the_rules(alice: Account, bank: Bank) -> None:
    invoice = billing.invoice_of(billing.delivered(alice, bank))
    content = documents.invoice_of(invoice)
    InvoiceFile.get(InvoiceFile.invoice == invoice)
    assert documents.invoice_of(invoice) == content
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert invoice.number in text
    assert "31,68" in text, "3 × 8.80 and 20 %"
    _, xml = get_facturx_xml_from_pdf(content, check_xsd=True)
    assert broken_rules(xml, "en16931") == set()
    assert broken_rules(xml, "french") == set()


@pytest.mark.reads_papers
def test_a_pdf_made_after_the_payment_says_what_was_true_at_issue(
    alice: Account, bank: Bank, clock: Traveller
) -> None:
    clock.move_to(at("2026-11-05 10:00"))
    invoice = billing.due(alice)
    clock.move_to(at("2026-11-06 10:00"))
    billing.pay(invoice, bank)
    content = documents.invoice_of(billing.fresh(invoice))
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert "Rien ne reste dû" not in text
    assert "6 novembre" not in text


def test_two_who_make_the_pdf_at_once_keep_one(alice: Account) -> None:
    invoice = billing.due(alice)
    contents = racing.race(lambda: documents.invoice_of(invoice), 3)
    assert len(set(contents)) == 1


def test_the_email_attaches_the_stored_pdf(alice: Account, bank: Bank) -> None:
    invoice = billing.invoice_of(billing.delivered(alice, bank))
    letter = Letter.get(Letter.kind == "invoice_issued")
    (attachment,) = letter.attachments
    assert attachment.filename == f"facture-{invoice.number}.pdf"
    assert bytes(attachment.content) == documents.invoice_of(invoice)


# --- Paid ------------------------------------------------------------------------------------


def test_an_invoice_is_paid_at_the_bank_once(alice: Account, bank: Bank) -> None:
    invoice = billing.due(alice)
    payment = payments.start_payment(invoice, store_card=True, base_url=purchases.BASE, by="alice")
    again = payments.start_payment(invoice, store_card=True, base_url=purchases.BASE, by="alice")
    assert again.id == payment.id
    checkout = bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    with racing.all_meet_at("payment.settle", 4):
        racing.race(lambda: outcomes.CHECKOUTS.settle(payment, checkout), 4)
    assert billing.fresh(invoice).status == InvoiceStatus.PAID
    assert Letter.select().where(Letter.kind == "invoice_paid").count() == 1
    assert Card.get(Card.account == alice).last4 == "4242"
    with pytest.raises(Refusal, match="no longer be paid"):
        payments.start_payment(
            billing.fresh(invoice), store_card=False, base_url=purchases.BASE, by="alice"
        )
    billing.assert_balanced()


def test_a_declined_card_leaves_the_invoice_due(alice: Account, bank: Bank) -> None:
    invoice = billing.due(alice)
    payment = payments.start_payment(invoice, store_card=False, base_url=purchases.BASE, by="alice")
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.DECLINED))
    assert billing.fresh(invoice).is_payable
    billing.assert_balanced()
    billing.pay(invoice, bank)
    billing.assert_balanced()


def test_money_for_an_invoice_that_is_settled_is_refunded(alice: Account, bank: Bank) -> None:
    invoice = billing.due(alice)
    payment = payments.start_payment(invoice, store_card=False, base_url=purchases.BASE, by="alice")
    billing.credit(invoice)
    settled = outcomes.CHECKOUTS.settle(
        payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    )
    assert settled.status == PaymentStatus.REFUND_DUE
    billing.assert_balanced()
    queue.drain()
    assert Payment.get_by_id(payment.id).status == PaymentStatus.REFUNDED
    assert len(bank.refunds) == 1
    assert Letter.select().where(Letter.kind == "invoice_payment_refunded").count() == 1
    billing.assert_balanced()


def test_a_stored_card_is_charged_while_the_customer_is_away(alice: Account, bank: Bank) -> None:
    invoice, card = billing.due(alice), billing.card(alice)
    payment = payments.charge(invoice, card, by="shop")
    assert payments.charge(invoice, card, by="shop").id == payment.id
    bank.losing = 1
    queue.drain()
    for _ in range(3):
        payments.charge_card(payment.id)
    assert billing.fresh(invoice).status == InvoiceStatus.PAID
    assert len(bank.checkouts) == 1
    billing.assert_balanced()


def test_a_stored_card_may_be_declined(alice: Account, bank: Bank) -> None:
    invoice = billing.due(alice)
    payment = payments.charge(invoice, billing.card(alice, billing.DECLINED_CARD), by="shop")
    queue.drain()
    assert Payment.get_by_id(payment.id).status == PaymentStatus.DECLINED
    assert Payment.get_by_id(payment.id).reason == "card_declined"
    assert billing.fresh(invoice).is_payable
    billing.assert_balanced()


def test_an_invoice_being_charged_to_the_card_cannot_be_paid_at_the_bank(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    payments.charge(invoice, billing.card(alice), by="shop")
    with pytest.raises(payables.PaymentUnderWay, match="this invoice is being confirmed"):
        payments.start_payment(invoice, store_card=False, base_url=purchases.BASE, by="alice")


# --- Credit notes ----------------------------------------------------------------------------


def test_a_credit_note_refunds_what_was_paid_once(alice: Account, bank: Bank) -> None:
    invoice = billing.invoice_of(billing.delivered(alice, bank))
    note = billing.credit(invoice, "Rétractation sous 14 jours.")
    assert (note.number[:2], note.status) == ("AV", InvoiceStatus.DUE)
    assert billing.fresh(invoice).status == InvoiceStatus.REFUNDED
    billing.assert_balanced()
    queue.drain()
    for _ in range(3):
        refunds.refund_credit_note(note.id)
    assert billing.fresh(note).status == InvoiceStatus.REFUNDED
    assert [given.amount_cents for given in bank.refunds.values()] == [invoice.total_cents]
    assert sum(row.cents for row in LedgerEntry.select()) == 0
    billing.assert_balanced()


def test_a_credit_note_of_an_unpaid_invoice_moves_no_money(alice: Account, bank: Bank) -> None:
    invoice = billing.due(alice)
    note = billing.credit(invoice)
    queue.drain()
    assert (note.status, bank.refunds) == (InvoiceStatus.REFUNDED, {})
    assert not billing.fresh(invoice).is_payable
    billing.assert_balanced()


def test_a_part_may_be_credited_and_never_more_than_is_left(alice: Account, bank: Bank) -> None:
    invoice = billing.due(alice, quantity=10)
    (position,) = positions_of(invoice)
    three = (Position(_of(position.line, 3), position.period, position.service),)
    with database.atomic():
        note = credit_notes.credit(invoice, three, "Three too many.", by="operator")
    assert billing.fresh(invoice).balance_cents == invoice.total_cents - note.total_cents
    with pytest.raises(Refusal, match="what is left"):
        billing.credit(billing.fresh(invoice))
    with pytest.raises(Refusal, match="what is left"):
        billing.credit(note)
    paid = billing.pay(billing.fresh(invoice), bank)
    assert paid.amount_cents == invoice.total_cents - note.total_cents
    billing.assert_balanced()


def _of(line, quantity):
    return type(line)(line.offer, line.name, quantity, line.unit_price_cents, line.share)


def test_credits_at_once_never_exceed_the_invoice(alice: Account) -> None:
    invoice = billing.due(alice)
    results = racing.race(lambda: billing.credit(invoice), 5)
    assert sum(isinstance(outcome, Invoice) for outcome in results) == 1
    assert sum(isinstance(outcome, Refusal) for outcome in results) == 4
    billing.assert_balanced()


@pytest.mark.reads_papers
@pytest.mark.one_database
def test_the_pdf_of_a_credit_note_names_what_it_corrects(alice: Account, bank: Bank) -> None:
    invoice = billing.invoice_of(billing.delivered(alice, bank))
    note = billing.credit(invoice, "Rétractation sous 14 jours.")
    content = documents.invoice_of(note)
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert invoice.number in text
    assert "Rétractation sous 14 jours." in text
    _, xml = get_facturx_xml_from_pdf(content, check_xsd=True)
    assert broken_rules(xml, "en16931") == set()


def test_the_operator_checks_credits_and_marks_paid(app, alice: Account, bank: Bank) -> None:
    run = app.test_cli_runner().invoke
    due, other = billing.due(alice), billing.due(alice)
    assert "is paid" in run(args=["billing", "mark-paid", due.number]).output
    assert run(args=["billing", "mark-paid", due.number]).exit_code == 1
    assert "AV" in run(args=["billing", "credit", other.number, "An error."]).output
    assert "There is no invoice" in run(args=["billing", "credit", "FA1", "x"]).output
    assert "balances" in run(args=["billing", "check"]).output
    database.execute_sql("DELETE FROM ledger_entry WHERE kind = 'paid'")
    wrong = run(args=["billing", "check"])
    assert (wrong.exit_code, "do not balance" in wrong.output) == (1, True)
