"""« Mes factures »: found by period, in pages, paid at the bank, downloaded as files."""

from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from datetime import UTC, datetime

import pytest
from flask import Flask
from time_machine import Traveller

from models import Account, Invoice, InvoiceFile, InvoiceStatus, Letter, Payment, PaymentStatus
from shop import clock as shop_clock
from shop import documents
from shop.jobs import queue
from shop.overviews import bills
from shop.overviews.bills import Selection
from shop.payments import outcomes
from shop.payments.gateway import CheckoutStatus
from tests.support import billing, cast
from tests.support.client import CheckingClient, browser
from tests.support.parties import Bank
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("provider")

BILLS = "/manager/account/bills"
BANK = "https://bank.example/pay/"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def at(day: str) -> datetime:
    """Return 10:00 UTC of a day."""
    return datetime.fromisoformat(f"{day} 10:00").replace(tzinfo=UTC)


@pytest.fixture
def emma(app: Flask) -> Account:
    """A customer whose language is English."""
    return cast.register(cast.ALICE, language="en", email="emma@atelier.example")


# --- The list --------------------------------------------------------------------------------


def test_the_first_bill_comes_with_the_first_delivery(
    visitor: Visitor, alice: Account, bank: Bank
) -> None:
    visitor.log_in(alice)
    visitor.follow("Mes factures")
    assert visitor.sees("Pas encore de facture")
    order = billing.delivered(alice, bank, business=7, pro_plus=2)
    visitor.open(BILLS)
    invoice = billing.invoice_of(order)
    for said in (invoice.number, order.number, "87,40 €", "104,88 €", "0,00 €", "Payée"):
        assert visitor.sees(said), said
    visitor.follow(invoice.number)
    assert visitor.sees(f"Facture {invoice.number}")
    assert visitor.sees("Il ne reste rien à payer") or visitor.sees("Rien ne reste dû")


def test_each_status_has_its_word_in_both_languages(
    app: Flask, alice: Account, emma: Account, bank: Bank
) -> None:
    words = {
        alice: ("À régler", "Impayée", "Payée", "Annulée par un avoir", "À rembourser"),
        emma: ("Due", "Unpaid", "Paid", "Cancelled by a credit note", "To be refunded"),
    }
    after = {alice: ("Remboursée", "Remboursé"), emma: ("Refunded", "Refunded to you")}
    for account, (due, unpaid, paid, credited, to_refund) in words.items():
        first, second, third, fourth = (billing.due(account) for _ in range(4))
        Invoice.update(status=InvoiceStatus.UNPAID).where(Invoice.id == second.id).execute()
        billing.pay(third, bank)
        billing.pay(fourth, bank)
        note = billing.credit(billing.fresh(fourth))
        visitor = Visitor(browser(app))
        visitor.log_in(account)
        visitor.open(BILLS)
        expected = {first: due, second: unpaid, third: paid, fourth: credited, note: to_refund}
        queue.drain()
        for said in (expected, {fourth: after[account][0], note: after[account][1]}):
            rows = [" ".join(row.itertext()) for row in visitor._page().iter("tr")]
            for invoice, word in said.items():
                (row,) = [each for each in rows if invoice.number in each]
                assert word in row
            visitor.open(BILLS)


def test_many_bills_come_in_pages_at_a_bounded_cost(client: CheckingClient, alice: Account) -> None:
    numbers = [billing.due(alice).number for _ in range(45)]
    visitor = Visitor(client)
    visitor.log_in(alice)
    visitor.open(BILLS)
    few = len(client.statements)
    seen: list[str] = []
    for page in (1, 2, 3, 4, 5):
        text = client.get(f"{BILLS}?page={page}", headers=PARTIAL).text
        assert "<html" not in text
        seen += [number for number in reversed(numbers) if number in text and number not in seen]
        assert len(client.statements) <= few
    assert seen == numbers[::-1], "newest first, each once"


def test_a_period_shows_its_bills_and_no_others(
    visitor: Visitor, alice: Account, clock: Traveller
) -> None:
    issued = {}
    for day in ("2026-03-31", "2026-04-01", "2026-04-30", "2026-05-01"):
        clock.move_to(at(day))
        issued[day] = billing.due(alice).number
    visitor.log_in(alice)
    visitor.open(BILLS)
    visitor.press("Filtrer", **{"from": "2026-04-01", "to": "2026-04-30"})
    assert visitor.sees(issued["2026-04-01"])
    assert visitor.sees(issued["2026-04-30"])
    assert not visitor.sees(issued["2026-03-31"])
    assert not visitor.sees(issued["2026-05-01"])
    visitor.press("Filtrer", **{"from": "2027-01-01", "to": ""})
    assert visitor.sees("Aucune facture sur cette période")


@pytest.mark.parametrize(
    ("first", "last", "fields"),
    [
        ("hier", "", ["from"]),
        ("2026-04-31", "", ["from"]),
        ("2026-05-02", "2026-05-01", ["to"]),
        ("hier", "demain", ["from", "to"]),
    ],
)
def test_invalid_days_are_refused_at_their_fields(
    visitor: Visitor, alice: Account, first: str, last: str, fields: list[str]
) -> None:
    billing.due(alice)
    visitor.log_in(alice)
    visitor.open(BILLS)
    visitor.press("Filtrer", **{"from": first, "to": last})
    assert visitor.response.status_code == 422
    for name in ("from", "to"):
        found = visitor.find("input", id=name, **{"aria-invalid": "true"})
        assert (found is not None) == (name in fields)
    assert visitor.client.get(f"{BILLS}.csv?from={first}&to={last}").status_code == 404


def test_a_strangers_bill_does_not_exist(
    client: CheckingClient, alice: Account, charlie: Account
) -> None:
    invoice = billing.due(alice)
    Visitor(client).log_in(charlie)
    for address in ("", "/status", "/document.pdf"):
        assert client.get(f"{BILLS}/{invoice.number}{address}").status_code == 404
    token = {"csrf_token": client.csrf_token()}
    assert client.post(f"{BILLS}/{invoice.number}/payments", data=token).status_code == 404
    assert not Payment.select().exists()
    assert invoice.number not in client.get(f"{BILLS}.csv").text
    assert invoice.number.encode() not in client.get(f"{BILLS}.zip").data


# --- Paying ----------------------------------------------------------------------------------


def go_to_bank(visitor: Visitor, invoice: Invoice, **values: object) -> str:
    visitor.open(f"{BILLS}/{invoice.number}")
    pressed = visitor.press("Payer par carte", **values)
    assert pressed.location.startswith(BANK), pressed.status
    return pressed.location.removeprefix(BANK)


def test_a_bill_is_paid_at_the_bank_and_told_of_twice(
    app: Flask, visitor: Visitor, alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    visitor.log_in(alice)
    checkout = go_to_bank(visitor, invoice)
    assert go_to_bank(visitor, invoice) == checkout, "the open page is taken up again"
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    for _ in range(2):
        told = browser(app).post(
            "/notifications/bank", data=checkout.encode(), headers={"X-Signed": "yes"}
        )
        assert told.status_code == 204
    visitor.open(bank.requests[checkout].return_url.removeprefix("http://localhost"))
    assert visitor.address == f"{BILLS}/{invoice.number}"
    assert visitor.sees("Payée")
    assert not visitor.offers("Payer par carte")
    assert Letter.select().where(Letter.kind == "invoice_paid").count() == 1
    billing.assert_balanced()


def test_the_way_back_needs_no_cookie_and_shows_nobody(
    app: Flask, visitor: Visitor, alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    visitor.log_in(alice)
    checkout = go_to_bank(visitor, invoice)
    bank.tell(checkout, CheckoutStatus.SUCCEEDED)
    elsewhere = Visitor(browser(app))
    elsewhere.open(bank.requests[checkout].return_url.removeprefix("http://localhost"))
    assert elsewhere.response.status_code == 200
    for known in (alice.email, alice.last_name, alice.street, alice.nic_handle):
        assert known not in elsewhere.response.text
    assert billing.fresh(invoice).status == InvoiceStatus.PAID


def test_a_declined_card_says_why_and_another_one_pays(
    visitor: Visitor, alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    visitor.log_in(alice)
    first = go_to_bank(visitor, invoice)
    payment = Payment.get(Payment.checkout == first)
    outcomes.CHECKOUTS.settle(payment, bank.tell(first, CheckoutStatus.DECLINED, "card_declined"))
    visitor.open(f"{BILLS}/{invoice.number}")
    assert visitor.find(role="alert") is not None
    second = go_to_bank(visitor, invoice)
    assert second != first
    bank.tell(second, CheckoutStatus.SUCCEEDED)
    visitor.open(bank.requests[second].return_url.removeprefix("http://localhost"))
    assert visitor.sees("Payée")
    billing.assert_balanced()


def test_while_the_bank_confirms_nothing_is_charged_twice(
    visitor: Visitor, alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice)
    visitor.log_in(alice)
    checkout = go_to_bank(visitor, invoice)
    token = {"csrf_token": visitor.client.csrf_token()}
    bank.tell(checkout, CheckoutStatus.PROCESSING)
    pressed = visitor.client.post(f"{BILLS}/{invoice.number}/payments", data=token)
    assert pressed.status_code == 409
    assert len(bank.checkouts) == 1
    visitor.open(f"{BILLS}/{invoice.number}")
    assert visitor.sees("La banque confirme votre paiement")
    assert not visitor.offers("Payer par carte")


def test_a_silent_bank_is_said_to_be_silent(visitor: Visitor, alice: Account, bank: Bank) -> None:
    invoice = billing.due(alice)
    visitor.log_in(alice)
    visitor.open(f"{BILLS}/{invoice.number}")
    bank.silent = True
    visitor.press("Payer par carte")
    assert visitor.response.status_code == 422
    assert visitor.find(role="alert") is not None
    assert Payment.get().status == PaymentStatus.OPEN
    bank.silent = False
    go_to_bank(visitor, invoice)
    assert Payment.select().count() == 1


# --- Downloads -------------------------------------------------------------------------------


def test_the_paper_is_the_same_however_often_it_is_asked_for(
    client: CheckingClient, alice: Account
) -> None:
    invoice = billing.due(alice)
    Visitor(client).log_in(alice)
    first, second = (client.get(f"{BILLS}/{invoice.number}/document.pdf") for _ in range(2))
    assert first.mimetype == "application/pdf"
    assert f"facture-{invoice.number}.pdf" in first.headers["Content-Disposition"]
    assert first.data == second.data == documents.invoice_of(invoice)


def test_the_table_says_what_the_page_says(
    client: CheckingClient, alice: Account, bank: Bank, clock: Traveller
) -> None:
    clock.move_to(at("2026-03-31"))
    billing.due(alice)
    clock.move_to(at("2026-04-01"))
    order = billing.delivered(alice, bank)
    paid = billing.invoice_of(order)
    note = billing.credit(paid)
    due = billing.due(alice)
    Visitor(client).log_in(alice)
    answer = client.get(f"{BILLS}.csv?from=2026-04-01&to=2026-04-30")
    heading, *rows = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";")
    assert heading == [
        "Numéro", "Bon de commande", "Date", "Montant HT", "TVA", "Montant TTC", "Solde", "Statut",
    ]  # fmt: skip
    day = "2026-04-01"
    assert rows == [
        [paid.number, order.number, day, "26,40", "5,28", "31,68", "0,00",
         "Annulée par un avoir"],
        [note.number, order.number, day, "-26,40", "-5,28", "-31,68", "0,00", "À rembourser"],
        [due.number, "", day, "88,00", "17,60", "105,60", "105,60", "À régler"],
    ]  # fmt: skip


def test_the_archive_holds_the_papers_of_the_period(
    client: CheckingClient, alice: Account, clock: Traveller
) -> None:
    clock.move_to(at("2026-03-31"))
    billing.due(alice)
    clock.move_to(at("2026-04-01"))
    chosen = [billing.due(alice), billing.due(alice)]
    chosen.append(billing.credit(chosen[0]))
    Visitor(client).log_in(alice)
    answer = client.get(f"{BILLS}.zip?from=2026-04-01")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [documents.invoice_filename(each) for each in chosen]
        for each in chosen:
            assert archive.read(documents.invoice_filename(each)) == documents.invoice_of(each)


LARGE = 200_000
"""Bytes of a PDF in the next test: several times the size of real ones."""


def test_an_archive_of_many_papers_needs_no_more_memory(alice: Account) -> None:
    def fill(number: int) -> None:
        for _ in range(number):
            InvoiceFile.create(
                invoice=billing.due(alice), content=b"%" * LARGE, digest="x",
                made_at=shop_clock.now(),
            )  # fmt: skip

    def peak() -> tuple[int, int]:
        tracemalloc.start()
        length = sum(len(piece) for piece in bills.zip_of(alice, Selection()))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return length, most

    fill(10)
    peak()
    short, little = peak()
    fill(110)
    long, much = peak()
    assert short > 10 * LARGE
    assert long > 120 * LARGE
    assert much < little + 10 * LARGE, "twelve times the PDFs, the same memory"
