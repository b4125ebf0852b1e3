"""Corrections that change the VAT: what the CA3 declares of the money, with goodwill and losses."""

from __future__ import annotations

from datetime import date

import pytest

from models import Account, Invoice, Payment
from shop import clock, vat
from shop.accounting import vat_returns
from shop.jobs import queue
from shop.money_acts import goodwill
from shop.payments import disputes
from shop.payments.gateway import DisputeState
from shop.subscriptions import corrections
from shop.subscriptions.corrections import Correction
from tests.support import billing
from tests.support.money_books import perform
from tests.support.parties import Bank

pytestmark = pytest.mark.usefixtures("provider")

GERMANY = vat.PlaceOfSupply("DE", "10117", "DE136695976", vat_confirmed=True)


def french() -> tuple[int, int]:
    """Return base and VAT of the CA3 at the normal French rate, for all time."""
    figures = vat_returns.ca3(date(2020, 1, 1), date(2040, 1, 1))
    rows = [each for each in figures if each.code.startswith("domestic")]
    for each in rows:
        documents = vat_returns.documents_of_rate(
            each.code, each.rate, date(2020, 1, 1), date(2040, 1, 1)
        )
        found = [document.base_cents + document.vat_cents for document in documents]
        assert sum(found) == each.total_cents
        assert all(found), "a movement of nothing is none"
    return sum(each.base_cents for each in rows), sum(each.vat_cents for each in rows)


def to_france(invoice: Invoice) -> Correction:
    """Correct an invoice without VAT to the customer's address in France."""
    return corrections.correct(invoice, {"street": "1 rue Haute"}, "Error.", by="operator")


def to_germany(invoice: Invoice) -> Correction:
    """Correct a French invoice to a business in Germany."""
    return corrections.correct(
        invoice,
        {"country": "DE", "postcode": "10117", "city": "Berlin", "company": "Gros GmbH",
         "siren": "", "vat_number": "DE136695976"},
        "VAT number.", by="operator",
    )  # fmt: skip


@pytest.fixture
def german(alice: Account) -> Account:
    Account.update(vat_number="DE136695976", vat_status="confirmed").where(
        Account.id == alice.id
    ).execute()
    return Account.get_by_id(alice.id)


@pytest.mark.parametrize("gift", [0, 2_000, 5_000, 10_560, 20_000])
def test_a_correction_without_vat_leaves_nothing_in_french_bases(
    german: Account, bank: Bank, gift: int
) -> None:
    if gift:
        perform(goodwill(german, gift))
    invoice = billing.due(german)
    if invoice.is_payable:
        billing.pay(invoice, bank)
    cash = invoice.total_cents - invoice.offset_cents
    assert sum(french()) == cash, "goodwill is not received"
    made = to_germany(invoice)
    queue.drain()
    assert made.invoice.total_cents == 8_800
    assert french() == (0, 0)
    billing.credit(made.invoice)
    queue.drain()
    assert french() == (0, 0), "a refund is taxed as what it gives back"
    billing.assert_balanced()


@pytest.mark.parametrize("gift", [0, 2_000, 8_800])
def test_a_correction_that_adds_vat_declares_the_money_alone(
    alice: Account, bank: Bank, gift: int
) -> None:
    if gift:
        perform(goodwill(alice, gift))
    invoice = billing.due(alice, treatment=vat.treatment_of(GERMANY))
    if invoice.is_payable:
        billing.pay(invoice, bank)
    assert french() == (0, 0)
    made = to_france(invoice)
    assert sum(french()) == 8_800 - gift
    rest = made.invoice
    assert rest.balance_cents == 1_760
    billing.pay(rest, bank)
    assert sum(french()) == 10_560 - gift
    billing.assert_balanced()


def test_what_a_bank_takes_back_after_a_correction_is_taken_from_the_new_base(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice, treatment=vat.treatment_of(GERMANY))
    payment = billing.pay(invoice, bank)
    to_france(invoice)
    assert sum(french()) == 8_800
    told = bank.dispute(
        payment.checkout or "", 8_800, state=DisputeState.LOST, withdrawn_cents=8_800
    )
    disputes.settle(payment, told)
    assert french() == (0, 0)


@pytest.mark.parametrize("lost", [1_000, 3_000])
@pytest.mark.parametrize("is_won", [False, True])
def test_a_correction_without_vat_after_a_partial_loss_moves_only_the_money_that_is_left(
    german: Account, bank: Bank, lost: int, is_won: bool
) -> None:
    invoice = billing.due(german)
    payment = billing.pay(invoice, bank)
    take(bank, payment, lost)
    assert sum(french()) == 10_560 - lost
    made = to_germany(invoice)
    queue.drain()
    assert french() == (0, 0)
    if is_won:
        take(bank, payment, 0)
        queue.drain()
        assert french() == (0, 0), "what credit notes had absorbed is refunded, the rest is German"
    billing.credit(made.invoice)
    queue.drain()
    assert french() == (0, 0)
    billing.assert_balanced()


@pytest.mark.parametrize("lost", [1_000, 3_000])
def test_a_correction_that_adds_vat_after_a_partial_loss_declares_the_money_that_is_left(
    alice: Account, bank: Bank, lost: int
) -> None:
    invoice = billing.due(alice, treatment=vat.treatment_of(GERMANY))
    payment = billing.pay(invoice, bank)
    take(bank, payment, lost)
    rest = to_france(invoice).invoice
    assert sum(french()) == 8_800 - lost
    billing.pay(rest, bank)
    assert sum(french()) == 10_560 - lost
    take(bank, payment, 0)
    assert sum(french()) == 10_560
    billing.assert_balanced()


def test_what_a_bank_holds_during_a_correction_is_declared_as_it_decides(
    german: Account, bank: Bank
) -> None:
    invoice = billing.due(german)
    payment = billing.pay(invoice, bank)
    disputes.settle(payment, bank.dispute(payment.checkout or "", 10_560, withdrawn_cents=10_560))
    to_germany(invoice)
    queue.drain()
    take(bank, payment, 0)
    queue.Job.update(run_at=clock.now()).where(queue.Job.status == "queued").execute()
    queue.drain()
    assert french() == (0, 0)
    assert bank.balance() == 8_800
    billing.assert_balanced()


def test_a_payment_that_comes_back_when_all_was_paid_again_leaves_one_in_the_base(
    alice: Account, bank: Bank
) -> None:
    invoice = billing.due(alice, treatment=vat.treatment_of(GERMANY))
    payment = billing.pay(invoice, bank)
    made = to_france(invoice)
    billing.pay(made.invoice, bank)
    take(bank, payment, 8_800)
    assert sum(french()) == 1_760
    billing.pay(billing.fresh(made.invoice), bank)
    take(bank, payment, 0)
    queue.drain()
    assert sum(french()) == 10_560 == bank.balance()
    billing.assert_balanced()


def take(bank: Bank, payment: Payment, cents: int) -> None:
    """Let the bank decide a dispute: it takes an amount for good, or gives all back."""
    state = DisputeState.LOST if cents else DisputeState.WON
    checkout = payment.checkout or ""
    told = bank.dispute(checkout, payment.amount_cents, state=state, withdrawn_cents=cents)
    disputes.settle(payment, told)
