"""Credit notes: parts of an invoice add up to it, to the cent, and never exceed it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import Account, Invoice, InvoiceStatus, LedgerEntry, PaymentStatus, database
from shop import clock as shop_clock
from shop import vat
from shop.documents import factur_x
from shop.documents.from_invoices import document_of
from shop.errors import Refusal
from shop.invoicing import credit_notes, invoices, ledger_proof
from shop.invoicing.invoices import Draft
from shop.payments import manual_refunds, payments
from shop.payments.refundables import RefundableNote
from shop.pricing.lines import Position
from shop.pricing.money import Line, Share
from shop.pricing.periods import Period
from shop.vat import PlaceOfSupply
from tests.support import racing
from tests.support.parties import Bank
from tests.support.schematron import broken_rules

MONTH = Period(date(2026, 11, 5), date(2026, 12, 5))
REST = Period(date(2026, 11, 23), date(2026, 12, 5))

LILLE, REUNION = PlaceOfSupply("FR", "59800"), PlaceOfSupply("FR", "97400")


def position(quantity: int, cents: int, service: str = "o365-1", days: int = 0) -> Position:
    share = Share(days, 30) if days else None
    line = Line("business", "Office 365 Business", quantity, cents, share)
    return Position(line, REST if days else MONTH, service)


def issue(account: Account, *positions: Position, place: PlaceOfSupply = LILLE) -> Invoice:
    names = ("nic_handle", "first_name", "last_name", "street", "city", "email")
    buyer = {name: getattr(account, name) for name in names}
    draft = Draft(
        account=account,
        language="fr",
        customer=buyer | {"country": place.country, "postcode": place.postcode},
        treatment=vat.treatment_of(place, date(2026, 11, 5)),
        positions=positions,
        due_on=date(2026, 11, 5),
    )
    with database.atomic():
        return invoices.issue(draft)


def credit(invoice: Invoice, *positions: Position) -> Invoice:
    with database.atomic():
        return credit_notes.credit(invoice, positions, "Une erreur.", by="operator")


def fresh(invoice: Invoice) -> Invoice:
    return Invoice.get_by_id(invoice.id)


def test_the_parts_of_an_invoice_come_to_the_invoice(alice: Account) -> None:
    """8.5 % of 8.80 is 0.75 and of 12.90 is 1.10; of 21.70 it is 1.84, a cent less than both."""
    both = position(1, 880, "o365-1"), position(1, 1290, "o365-2")
    invoice = issue(alice, *both, place=REUNION)
    assert invoice.vat_cents == 184
    notes = [credit(invoice, each) for each in both]
    assert [note.vat_cents for note in notes] == [75, 109]
    assert fresh(invoice).status == InvoiceStatus.REFUNDED
    assert list(ledger_proof.find_faults()) == []
    for note in notes:
        assert broken_rules(factur_x.xml_of(document_of(note)), "en16931") == set()
        assert broken_rules(factur_x.xml_of(document_of(note)), "french") == set()


PLACES = [LILLE, REUNION, PlaceOfSupply("FI", "00100"), PlaceOfSupply("US", "10001")]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_however_an_invoice_is_credited_it_adds_up(alice: Account, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(PLACES))
    numbers = st.lists(st.integers(1, 9), min_size=1, max_size=3)
    rows = [
        position(number, data.draw(st.integers(1, 1999)), f"o365-{index}",
                 data.draw(st.sampled_from([0, 0, 12])))
        for index, number in enumerate(data.draw(numbers))
    ]  # fmt: skip
    invoice = issue(alice, *rows, place=place)
    left = {index: row.line.quantity for index, row in enumerate(rows)}
    notes = []
    while any(left.values()):
        index = data.draw(st.sampled_from([each for each, number in left.items() if number]))
        most = left[index]
        number = most if rows[index].line.share else data.draw(st.integers(1, most))
        part = credit_notes.part_of(rows[index], number)
        if not part.line.net_cents:
            return
        notes.append(credit(invoice, part))
        left[index] -= number
        document_of(notes[-1])
    assert sum(note.total_cents for note in notes) == invoice.total_cents
    assert sum(note.vat_cents for note in notes) == invoice.vat_cents
    assert fresh(invoice).status == InvoiceStatus.REFUNDED
    assert list(ledger_proof.find_faults()) == []


def test_no_more_is_credited_than_the_invoice_charges(alice: Account) -> None:
    charged = position(3, 880)
    invoice = issue(alice, charged, position(1, 1290, "o365-2"))
    credit(invoice, credit_notes.part_of(charged, 2))
    for wrong in (
        credit_notes.part_of(charged, 2),  # one is left
        position(1, 881),  # never charged
        position(1, 880, "o365-2"),  # not for this service
        position(1, 880, days=12),  # not for these days
    ):
        with pytest.raises(Refusal, match="what is left"):
            credit(invoice, wrong)
    with pytest.raises(Refusal, match="what is left"):
        credit(invoice)
    note = credit(invoice, credit_notes.part_of(charged, 1))
    with pytest.raises(Refusal, match="what is left"):
        credit(note, credit_notes.part_of(charged, 1))
    assert fresh(invoice).credited_cents == 3 * 1056
    assert list(ledger_proof.find_faults()) == []


def test_licences_charged_by_the_day_are_credited_together(alice: Account) -> None:
    charged = position(3, 1290, days=12)
    invoice = issue(alice, charged)
    with pytest.raises(Refusal, match="by the day"):
        credit(invoice, credit_notes.part_of(charged, 1))
    assert credit(invoice, charged).total_cents == invoice.total_cents


def test_five_credits_of_the_same_licences_at_once_succeed_once(alice: Account) -> None:
    charged = position(3, 880)
    invoice = issue(alice, charged)
    outcomes = racing.race(lambda: credit(invoice, credit_notes.part_of(charged, 2)), 5)
    assert sum(isinstance(outcome, Invoice) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Refusal) for outcome in outcomes) == 4
    assert list(ledger_proof.find_faults()) == []


def test_control_without_the_check_of_what_is_left_it_is_credited_twice(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    charged = position(2, 880)
    invoice = issue(alice, charged, position(5, 880, "o365-2"))
    credit(invoice, charged)
    monkeypatch.setattr(credit_notes, "_check_remaining", lambda *_: None)
    assert credit(invoice, charged).total_cents == 2112, "though nothing of it was left"


def test_each_credited_part_is_refunded_once(
    alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    charged = position(3, 880)
    invoice = issue(alice, charged)
    payment = payments.record_manual_payment(invoice, by="operator")
    first = credit(fresh(invoice), credit_notes.part_of(charged, 1))
    second = credit(fresh(invoice), credit_notes.part_of(charged, 2))
    drain()
    for note in (first, second):
        manual_refunds.record_transfer(
            RefundableNote(note), by="operator", day=shop_clock.today(), reference="VIR-7"
        )
    back = LedgerEntry.select().where(LedgerEntry.kind == "refunded").order_by(LedgerEntry.id)
    assert [(row.invoice_id, row.cents) for row in back] == [(first.id, 1056), (second.id, 2112)]
    assert fresh(invoice).status == InvoiceStatus.REFUNDED
    assert type(payment).get_by_id(payment.id).status == PaymentStatus.SUCCEEDED
    assert list(ledger_proof.find_faults()) == []


def test_the_operator_credits_a_part_and_then_the_rest(app: Flask, alice: Account) -> None:
    number = issue(alice, position(3, 880), position(1, 1290, "o365-2")).number

    def run(*words: str) -> str:
        return app.test_cli_runner().invoke(args=["billing", "credit", number, *words]).output

    assert "takes 21.12 EUR" in run("Trop.", "--line", "1", "--quantity", "2")
    assert "what is left" in run("Trop.", "--line", "1", "--quantity", "2")
    assert "There are 2 line(s) left" in run("Trop.", "--line", "3")
    assert "Say which --line" in run("Trop.", "--quantity", "1")
    assert "takes 26.04 EUR" in run("Annulation.")
    assert "what is left" in run("Annulation.")
    assert Invoice.get(Invoice.number == number).status == InvoiceStatus.REFUNDED
    assert list(ledger_proof.find_faults()) == []
