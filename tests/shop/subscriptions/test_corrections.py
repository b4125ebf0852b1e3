"""Wrong invoices: credited, and issued again for the same days; what was paid stays paid."""

from __future__ import annotations

import pytest
from flask import Flask

from models import (
    Account,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    Letter,
    Payment,
    Refund,
    Renewal,
    SubscriptionStatus,
    VatStatus,
    database,
)
from shop import vat
from shop.documents import factur_x, from_invoices
from shop.errors import Refusal
from shop.invoicing import account_credits, credit_notes, ledger_proof, receivables
from shop.jobs import queue
from shop.operations import unpaid
from shop.payments import disputes, outcomes, payments
from shop.payments.gateway import DisputeState
from shop.payments.payables import PaymentUnderWay
from shop.pricing.lines import positions_of
from shop.subscriptions import corrections, period_billing
from tests.support import billing, purchases, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider
from tests.support.schematron import broken_rules
from tests.support.visitor import Visitor

REASON = "Adresse erronée."
BERLIN = {
    "company": "Müller GmbH", "vat_number": "DE136695976", "street": "Unter den Linden 1",
    "postcode": "10117", "city": "Berlin", "country": "DE", "siren": "",
}  # fmt: skip


def paid(account: Account, bank: Bank) -> Invoice:
    """Return a paid invoice of 105.60 EUR."""
    invoice = billing.due(account)
    billing.pay(invoice, bank)
    return billing.fresh(invoice)


def correct(invoice: Invoice, **details: str) -> corrections.Correction:
    done = corrections.correct(invoice, details, REASON, by="operator")
    queue.drain()
    billing.assert_balanced()
    return done


def confirm_number(account: Account) -> None:
    """Let the account's VAT number be one that the registry confirmed."""
    Account.update(vat_number="DE136695976", vat_status=VatStatus.CONFIRMED).where(
        Account.id == account.id
    ).execute()


def assert_valid(*invoices: Invoice) -> None:
    """Assert that both official sets of rules accept the data of invoices and credit notes."""
    for invoice in invoices:
        xml = factur_x.xml_of(from_invoices.document_of(billing.fresh(invoice)))
        assert broken_rules(xml, "en16931") == set()
        # The French rules know French rates of VAT only.
        allowed = {"BR-FR-16"} if invoice.vat_rate not in {0, 850, 2000} else set()
        assert broken_rules(xml, "french") <= allowed


@pytest.mark.one_database
def test_a_wrong_address_is_corrected_without_moving_money(alice: Account, bank: Bank) -> None:
    wrong = paid(alice, bank)
    done = correct(wrong, street="1 place du Marché", city="Roubaix", postcode="59100")
    new, note = done.invoice, fresh(done.credit_note)
    assert (new.status, new.balance_cents, new.total_cents) == ("paid", 0, wrong.total_cents)
    assert (new.customer["city"], new.paid_at, new.method) == ("Roubaix", wrong.paid_at, "card")
    assert positions_of(new) == positions_of(wrong)
    assert (note.status, note.refund_cents, note.corrects_id) == ("refunded", 0, wrong.id)
    assert billing.fresh(wrong).status == InvoiceStatus.REFUNDED
    assert Refund.select().count() == 0
    assert bank.balance() == wrong.total_cents
    assert_valid(new, note)
    assert (done.refunded_cents, done.due_cents) == (0, 0)


@pytest.mark.one_database
def test_vat_charged_by_mistake_is_given_back(alice: Account, bank: Bank) -> None:
    wrong = paid(alice, bank)
    confirm_number(alice)
    done = correct(wrong, **BERLIN)
    new, note = done.invoice, fresh(done.credit_note)
    assert (new.total_cents, new.vat_cents, new.vat_code) == (8800, 0, "reverse_charge:DE")
    assert new.status == InvoiceStatus.PAID
    assert note.status == InvoiceStatus.REFUNDED
    assert [row.cents for row in Refund.select()] == [1760]
    assert bank.balance() == 8800
    assert_valid(new, note)


@pytest.mark.one_database
def test_vat_that_was_missing_is_still_to_be_paid(alice: Account, bank: Bank) -> None:
    confirm_number(alice)
    wrong = correct(paid(alice, bank), **BERLIN).invoice
    done = correct(wrong, company="", vat_number="", country="FR", postcode="59800", city="Lille")
    new = done.invoice
    assert (new.status, new.total_cents, new.offset_cents) == ("due", 10560, 8800)
    assert (new.balance_cents, done.due_cents) == (1760, 1760)
    assert_valid(new, done.credit_note)
    with pytest.raises(Refusal):
        corrections.correct(new, {"city": "Roubaix"}, REASON, by="operator")
    billing.pay(new, bank)
    assert billing.fresh(new).status == InvoiceStatus.PAID
    assert bank.balance() == 10560
    billing.assert_balanced()


def with_vat(app: Flask, wrong: Invoice) -> str:
    """Let the operator correct an invoice without VAT to one with VAT; return what is said."""
    command = ["billing", "correct", wrong.number, REASON, "--company", "", "--vat-number", ""]
    address = ["--country", "FR", "--postcode", "59800", "--city", "Lille"]
    done = app.test_cli_runner().invoke(args=[*command, *address])
    assert done.exit_code == 0, done.output
    queue.drain()
    return str(done.output)


def test_the_operator_is_told_how_a_rest_of_vat_is_collected_and_finds_it_as_unpaid(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    running.to_renewal(group)
    confirm_number(alice)
    wrong = correct(Renewal.get().invoice, **BERLIN).invoice
    before = Payment.select().count()
    said = with_vat(app, wrong)
    new = Invoice.get(Invoice.replaces == wrong)
    assert "A rest of 5.28 EUR is owed. No card is charged for it" in said
    assert f"flask billing mark-paid {new.number}" in said
    assert Payment.select().count() == before, "no card is charged"
    run = app.test_cli_runner().invoke
    line, total = run(args=["billing", "unpaid"]).output.splitlines()
    assert line.split() == [
        new.number, str(new.due_on), alice.nic_handle, "5.28", "EUR", "due", "no", "card",
        group.name,
    ]  # fmt: skip
    assert total == "1 unpaid, 5.28 EUR"
    assert (unpaid.by_stage().numbers["due"], unpaid.by_stage().cents["due"]) == (1, 528)
    assert run(args=["billing", "mark-paid", new.number]).exit_code == 0
    assert list(unpaid.listed()) == []
    billing.assert_balanced()


def test_a_rest_of_vat_on_a_renewal_paid_ahead_is_collected_on_its_day(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    ahead = period_billing.bill_ahead(running.subscription_of(group))
    billing.pay(ahead, bank)
    confirm_number(alice)
    wrong = correct(billing.fresh(ahead), **BERLIN).invoice
    said = with_vat(app, wrong)
    assert "A rest of 5.28 EUR is owed: it is collected when the month that it" in said
    new = Invoice.get(Invoice.replaces == wrong)
    assert billing.fresh(new).is_payable
    running.to_renewal(group)
    assert billing.fresh(new).status == InvoiceStatus.PAID
    assert Payment.get(Payment.invoice == new).amount_cents == 528
    billing.assert_balanced()


def test_of_an_invoice_paid_in_part_what_is_owed_is_credited_first(
    alice: Account, bank: Bank
) -> None:
    confirm_number(alice)
    wrong = correct(paid(alice, bank), **BERLIN).invoice
    new = correct(
        wrong, company="", vat_number="", country="FR", postcode="59800", city="Lille"
    ).invoice
    (row,) = credit_notes.remaining_of(new)
    with database.atomic():
        credit_notes.credit(new, (credit_notes.part_of(row, 1),), REASON, by="operator")
    queue.drain()
    assert (billing.fresh(new).balance_cents, bank.balance()) == (704, 8_800)
    with database.atomic():
        left = credit_notes.remaining_of(new)
        credit_notes.credit(billing.fresh(new), left, REASON, by="operator")
    queue.drain()
    assert billing.fresh(new).status == InvoiceStatus.REFUNDED
    assert bank.balance() == 0
    billing.assert_balanced()


@pytest.mark.one_database
def test_an_unpaid_invoice_is_owed_with_the_right_details(alice: Account, bank: Bank) -> None:
    wrong = billing.due(alice)
    done = correct(wrong, last_name="Lefebvre")
    assert done.invoice.is_payable
    assert done.credit_note.refund_cents == 0
    billing.pay(done.invoice, bank)
    assert_valid(done.invoice, done.credit_note)
    billing.assert_balanced()


def test_a_corrected_invoice_can_be_credited_and_refunded(alice: Account, bank: Bank) -> None:
    new = correct(correct(paid(alice, bank), city="Roubaix").invoice, city="Lens").invoice
    billing.credit(new)
    queue.drain()
    assert bank.balance() == 0
    billing.assert_balanced()


def test_what_was_credited_before_is_not_charged_again(alice: Account, bank: Bank) -> None:
    wrong = paid(alice, bank)
    (row,) = credit_notes.remaining_of(wrong)
    credit_notes.credit(wrong, (credit_notes.part_of(row, 4),), "Trop.", by="operator")
    queue.drain()
    done = correct(billing.fresh(wrong), city="Roubaix")
    assert done.invoice.total_cents == 6336
    assert bank.balance() == 6336


def test_a_credit_gives_back_the_balance_that_paid_the_invoice_replaced(alice: Account) -> None:
    account_credits.grant_goodwill(alice, 20_000, "An error.", by="staff:camille")
    german = vat.treatment_of(vat.PlaceOfSupply("DE", "10117"))
    wrong = billing.due(alice, treatment=german)  # 104.72, all of it from the balance
    made = correct(wrong, city="Roubaix")  # 105.60
    assert (made.invoice.offset_cents, made.invoice.balance_cents) == (10_472, 88)
    note = credit_notes.amounts_of(credit_notes.remaining_of(made.invoice), 1_000)
    with database.atomic():
        credit_notes.credit(made.invoice, note, REASON, by="operator", by_amount=True)
    # 12.00 less: the 0.88 that was owed, and 11.12 that go back on the balance.
    new = billing.fresh(made.invoice)
    assert (new.offset_cents, new.balance_cents) == (10_472 - 1_112, 0)
    assert account_credits.available_of(alice) == 20_000 - 10_472 + 1_112
    billing.assert_balanced()


def test_the_invoice_of_an_order_is_corrected(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = billing.delivered(alice, bank)
    wrong = billing.invoice_of(order)
    done = correct(wrong, company="Atelier", siren="732829320")
    assert billing.invoice_of(order) == done.invoice
    assert done.invoice.order_id == order.id
    billing.credit(done.invoice)
    queue.drain()
    assert bank.balance() == 0


@pytest.mark.parametrize("card", ["4242", ""])
def test_the_invoice_of_a_renewal_is_corrected(
    alice: Account, bank: Bank, provider: Provider, card: str
) -> None:
    group = running.delivered(alice, bank, card=card)
    running.to_renewal(group)
    wrong = Renewal.get().invoice
    done = correct(wrong, city="Roubaix")
    assert Renewal.get().invoice == done.invoice
    unpaid = [] if card else [done.invoice]
    assert receivables.unpaid_invoices(group.id) == unpaid
    status = SubscriptionStatus.ACTIVE if card else SubscriptionStatus.PAST_DUE
    assert running.subscription_of(group).status == status
    if unpaid:
        payments.record_manual_payment(done.invoice, by="operator")
        assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    billing.assert_balanced()


def test_a_renewal_invoiced_ahead_stays_that_renewal(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    wrong = period_billing.bill_ahead(running.subscription_of(group))
    done = correct(wrong, city="Roubaix")
    assert period_billing.bill_ahead(running.subscription_of(group)) == done.invoice
    running.to_renewal(group)
    assert billing.fresh(done.invoice).status == InvoiceStatus.PAID
    assert Invoice.select().where(Invoice.kind == InvoiceKind.INVOICE).count() == 3
    billing.assert_balanced()


def test_the_correction_of_an_unpaid_renewal_does_not_resume_its_service(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    done = correct(running.owed(group), city="Roubaix")
    assert running.subscription_of(group).is_suspended
    payments.record_manual_payment(done.invoice, by="operator")
    assert not running.subscription_of(group).is_suspended


def test_the_lost_payment_of_a_corrected_invoice_makes_the_new_one_owed(
    alice: Account, bank: Bank
) -> None:
    wrong = paid(alice, bank)
    new = correct(wrong, city="Roubaix").invoice
    payment = Payment.get(Payment.invoice == wrong)
    lost = bank.dispute(
        payment.checkout or "", 10560, state=DisputeState.LOST, withdrawn_cents=10560
    )
    disputes.apply_notified(lost)
    assert billing.fresh(new).is_unpaid
    assert billing.fresh(new).balance_cents == 10560
    billing.assert_balanced()


def test_details_that_are_wrong_or_change_nothing_are_refused(alice: Account, bank: Bank) -> None:
    wrong = paid(alice, bank)
    note = billing.credit(paid(alice, bank))
    for details in (
        {}, {"city": ""}, {"postcode": "1"}, {"country": "XK"}, {"country": "ZZ"},
        {"vat_number": "FR1"}, {"siren": "123456789"},
    ):  # fmt: skip
        with pytest.raises(Refusal):
            corrections.correct(wrong, details, REASON, by="operator")
    for refused, reason in ((wrong, " "), (note, REASON), (note.corrects, REASON)):
        with pytest.raises(Refusal):
            corrections.correct(refused, {"city": "Roubaix"}, reason, by="operator")
    assert billing.fresh(wrong).status == InvoiceStatus.PAID


def test_an_invoice_whose_payment_is_being_confirmed_is_not_corrected(
    alice: Account, bank: Bank
) -> None:
    wrong = billing.due(alice)
    payment = payments.start_payment(wrong, store_card=False, base_url=purchases.BASE, by="alice")
    Payment.update(status="processing").where(Payment.id == payment.id).execute()
    bank.tell(payment.checkout or "", outcomes.PaymentStatus.PROCESSING)
    with pytest.raises(PaymentUnderWay):
        corrections.correct(wrong, {"city": "Roubaix"}, REASON, by="operator")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_customer_sees_and_gets_the_corrected_invoice(
    app: Flask, alice: Account, bank: Bank, visitor: Visitor, language: str
) -> None:
    Account.update(language=language).where(Account.id == alice.id).execute()
    wrong = paid(fresh(alice), bank)
    command = ["billing", "correct", wrong.number, REASON, "--city", "Roubaix"]
    said = app.test_cli_runner().invoke(args=command)
    assert said.exit_code == 0, said.output
    new = Invoice.get(Invoice.replaces == wrong)
    assert f"Invoice {new.number} of 105.60 EUR is in its place." in said.output
    assert "given back" not in said.output
    letter = " ".join(Letter.get(Letter.key == f"invoice_issued:{new.id}").text.split())
    assert wrong.number in letter
    assert REASON in letter
    visitor.log_in(fresh(alice))
    visitor.open(f"/manager/account/bills/{wrong.number}")
    assert visitor.sees("Remplacée" if language == "fr" else "Replaced")
    visitor.follow(f"Facture {new.number}" if language == "fr" else f"Invoice {new.number}")
    assert visitor.sees("Roubaix")
    assert visitor.sees(wrong.number)
    assert visitor.sees("Payée" if language == "fr" else "Paid")
    visitor.open("/manager/account/bills")
    assert visitor.sees("Remplacée" if language == "fr" else "Replaced")


def test_the_details_of_the_account_are_taken_together(
    app: Flask, alice: Account, bank: Bank
) -> None:
    wrong = paid(alice, bank)
    Account.update(city="Roubaix", street="2 rue Haute").where(Account.id == alice.id).execute()
    run = app.test_cli_runner().invoke
    assert run(args=["billing", "correct", wrong.number, REASON, "--profile"]).exit_code == 0
    new = Invoice.get(Invoice.replaces == wrong)
    assert (new.customer["city"], new.customer["street"]) == ("Roubaix", "2 rue Haute")
    again = run(args=["billing", "correct", new.number, REASON, "--profile"])
    assert "change nothing" in again.output
    assert list(ledger_proof.find_faults()) == []
