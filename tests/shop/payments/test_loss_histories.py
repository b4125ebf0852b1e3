"""Any losses of payments, in any order: nobody is asked for too much, nor given too much."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from hypothesis import strategies as st

from models import (
    CreditUse,
    Dispute,
    Invoice,
    LedgerEntry,
    Payment,
    Refund,
)
from shop import vat
from shop.accounting import fec, vat_on_receipts
from shop.errors import Refusal
from shop.invoicing import account_credits, ledger_proof
from shop.jobs import queue
from shop.mail import order_letters
from shop.payments import gateway, refund_lists
from shop.payments.refundables import RefundableNote, RefundablePayment
from tests.support import cast, fec_rules, histories
from tests.support.money_books import LOSSES, WITHOUT_VAT, Books
from tests.support.parties import Bank

FIRST, LAST = date(2026, 1, 1), date(2028, 12, 31)

TREATMENTS = [
    vat.treatment_of(vat.PlaceOfSupply("FR", "59000")),
    vat.treatment_of(vat.PlaceOfSupply("FR", "97400")),
    WITHOUT_VAT,
]


BEGINNING = [("bill", 1, 5_000), ("card", 0, 0), ("twice", 0, 3_000)]


def latest_ones() -> list[Invoice]:
    """Return the invoices that no other one replaces."""
    replaced = Invoice.select(Invoice.replaces).where(Invoice.replaces.is_null(False))
    return list(Invoice.select().where(Invoice.kind == "invoice", Invoice.id.not_in(replaced)))


class Chain:
    """An invoice with those that it replaces, their credit notes, payments and refunds."""

    def __init__(self, invoice: Invoice) -> None:
        self.invoice = invoice
        self.ids = account_credits.with_replaced(invoice)
        self.notes = list(Invoice.select().where(Invoice.corrects.in_(self.ids)))
        of_it = Payment.invoice.in_(self.ids)
        if invoice.order_id is not None:
            of_it |= Payment.order == invoice.order_id
        self.payments = list(Payment.select().where(of_it))

    def position(self) -> int:
        """Return what the customer owes by the ledger, positive, or has too much, negative."""
        documents = [*self.ids, *(note.id for note in self.notes)]
        kinds = ["charged", "credited"]
        rows = list(
            LedgerEntry.select().where(
                LedgerEntry.invoice.in_(documents), LedgerEntry.kind.in_(kinds)
            )
        )
        rows += list(LedgerEntry.select().where(LedgerEntry.payment.in_(self.payments)))
        uses = CreditUse.select().where(CreditUse.invoice.in_(self.ids))
        used = sum(use.cents - use.returned_cents for use in uses)
        return sum(row.cents for row in rows) - used

    def taken(self) -> int:
        """Return what banks hold or took of payments that count, and nobody was asked to pay."""
        kept = [row for row in self.payments if row.status != "lost"]
        cents = 0
        for row in Dispute.select().where(Dispute.payment.in_(kept)):
            cents += row.withdrawn_cents - row.absorbed_cents
        for made in Refund.select().where(
            Refund.payment.in_(kept), Refund.origin == "bank", Refund.credit_note.is_null(),
            Refund.status == "succeeded",
        ):  # fmt: skip
            cents += made.cents
        return cents

    def due(self) -> int:
        """Return what is to be given back."""
        notes = [RefundableNote(note) for note in self.notes if note.is_refund_due]
        cents = sum(each.left_to_give for each in notes)
        for row in self.payments:
            if row.status == "succeeded":
                own = RefundablePayment(row).refunds.where(Refund.status == "succeeded")
                cents += row.uncharged_cents - sum(made.cents for made in own)
            elif row.status == "refund_due":
                made = Refund.select().where(
                    Refund.payment == row, Refund.status == "succeeded", Refund.origin == "shop"
                )
                cents += row.amount_cents - sum(each.cents for each in made)
        return cents

    def check(self) -> None:
        """Assert that what is asked for, less what is to be given back, is what is owed."""
        assert self.invoice.balance_cents - self.due() + self.taken() == self.position()
        assert self.invoice.offset_cents >= account_credits.used_on(self.invoice)
        for payment in self.payments:
            moved = sum(row.cents for row in payment.ledger)
            assert moved <= 0, "no more went back than came"


def received() -> dict[tuple[str, int], int]:
    """Return the money received by treatment, as it is declared for all time."""
    figures = vat_on_receipts.received(FIRST, LAST)
    return {(each.code, each.rate): each.total_cents for each in figures if each.total_cents}


def paid_for() -> dict[tuple[str, int], int]:
    """Return the money that is there by treatment, of invoices as they are now."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for invoice in latest_ones():
        chain = Chain(invoice)
        money = -sum(row.cents for payment in chain.payments for row in payment.ledger)
        for note in chain.notes:
            if note.is_refund_due:
                left = RefundableNote(note).left_to_give
                sums[note.vat_code, note.vat_rate] += left
                money -= left
        sums[invoice.vat_code, invoice.vat_rate] += money
    return {key: cents for key, cents in sums.items() if cents}


def settle(books: Books, traveller: time_machine.Traveller) -> None:
    """Decide what is contested, pay what is owed, and give back what is due."""
    for row in list(Dispute.select().where(Dispute.status == "open")):
        books.decide(row, gateway.DisputeState.LOST, row.withdrawn_cents)
    for _ in range(4):
        books.ask_again()
        traveller.shift(timedelta(days=1))
        queue.drain()
    for invoice in latest_ones():
        books.card(invoice, 0)
    queue.drain()


@pytest.mark.parametrize("examples", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_what_is_asked_for_and_given_back_is_what_is_owed_over_any_losses(
    app: Flask, bank: Bank, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_letters, "store_letter", lambda *_, **__: None)

    def live(acts: list[tuple[str, int, int]], taxed: list[vat.VatTreatment]) -> None:
        bank.__init__()
        with time_machine.travel("2026-12-20T10:00:00+00:00", tick=False) as traveller:
            books = Books(cast.register(cast.ALICE), bank)
            for number, act in enumerate([*BEGINNING, *acts]):
                books.treatment = taxed[number % len(taxed)]
                with suppress(Refusal):
                    books.act(*act)
                traveller.shift(timedelta(hours=5))
                queue.drain()
                check(books)
            settle(books, traveller)
            check(books)
            if not Refund.select().where(Refund.origin == "bank").exists():
                assert list(ledger_proof.find_faults()) == []

    histories.live_each(
        live,
        examples,
        acts=LOSSES,
        taxed=st.lists(st.sampled_from(TREATMENTS), min_size=1, max_size=4),
    )


def check(books: Books) -> None:
    """Compare the proof, each invoice, the CA3 and the FEC with the ledger."""
    failed = {f"refund {row.id} failed" for row in refund_lists.failed()}
    faults = [fault for fault in ledger_proof.find_faults() if fault.split(",")[0] not in failed]
    assert faults == []
    for invoice in latest_ones():
        Chain(invoice).check()
    assert received() == paid_for()
    content = b"".join(fec.lines(FIRST, date(2026, 12, 31)))
    if Invoice.select().exists():
        fec_rules.read_file(fec.filename(date(2026, 12, 31)), content, FIRST, date(2026, 12, 31))
