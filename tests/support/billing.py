"""Factories for invoices: issued, paid, credited."""

from __future__ import annotations

from datetime import date

from models import Account, Card, Invoice, Order, Payment, database
from shop import clock, vat
from shop.invoicing import credit_notes, invoices, ledger_proof, order_invoices
from shop.invoicing.invoices import Draft
from shop.jobs import queue
from shop.operations import audit
from shop.payments import cards, outcomes, payments
from shop.payments.gateway import CheckoutStatus, Mandate
from shop.pricing.lines import Position, positions_of
from shop.pricing.money import Line
from shop.pricing.periods import Period
from tests.support import purchases
from tests.support.parties import CARD, Bank

DECLINED_CARD = Mandate("mandate-0341", "visa", "0341", 12, 2030)

MONTH = Period(date(2026, 12, 5), date(2027, 1, 5))


def delivered(account: Account, bank: Bank, business: int = 3, pro_plus: int = 0) -> Order:
    """Return an order that is paid, delivered and invoiced."""
    order = purchases.place(account, purchases.basket(business, pro_plus))
    purchases.pay(order, bank)
    queue.drain()
    return Order.get_by_id(order.id)


def invoice_of(order: Order) -> Invoice:
    """Return the invoice of an order."""
    found = order_invoices.for_order(order)
    assert found is not None
    return found


def due(
    account: Account,
    quantity: int = 10,
    cents: int = 880,
    treatment: vat.VatTreatment | None = None,
) -> Invoice:
    """Return an unpaid invoice of ``quantity`` licences for a month, with French VAT by default."""
    line = Line("business", "Office 365 Business", quantity, cents)
    with database.atomic():
        return invoices.issue(
            Draft(
                account=account,
                language=account.language,
                customer=_customer(account),
                treatment=treatment or vat.french_estimate(),
                positions=(Position(line, MONTH, "o365-1"),),
                due_on=clock.today(),
            )
        )


def _customer(account: Account) -> dict[str, str]:
    names = ("nic_handle", "first_name", "last_name", "street", "postcode", "city", "country")
    return {
        name: getattr(account, name) for name in (*names, "email", "company", "siren", "vat_number")
    }


def fresh(invoice: Invoice) -> Invoice:
    """Return an invoice, read again from the database."""
    return Invoice.get_by_id(invoice.id)


def pay(invoice: Invoice, bank: Bank) -> Payment:
    """Pay an invoice on the bank's page and apply the bank's result. Return the payment."""
    payment = payments.start_payment(invoice, store_card=False, base_url=purchases.BASE, by="alice")
    return outcomes.CHECKOUTS.settle(
        payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    )


def credit(invoice: Invoice, reason: str = "An error.") -> Invoice:
    """Issue a credit note for the whole of an invoice."""
    with database.atomic():
        return credit_notes.credit(invoice, positions_of(invoice), reason, by="operator")


def card(account: Account, mandate: Mandate = CARD) -> Card:
    """Store a card of a customer."""
    cards.keep_card(account, mandate)
    return Card.get(Card.mandate == mandate.reference)


def assert_balanced() -> None:
    """Assert that everything charged, paid, credited and refunded balances."""
    assert list(ledger_proof.find_faults()) == []


def assert_no_fault() -> None:
    """Assert that the audit finds nothing wrong in the whole shop, its books included."""
    assert list(audit.find_faults()) == []
