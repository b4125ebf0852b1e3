"""What causes the e-mails about invoices, refunds, disputes and cards."""

from __future__ import annotations

from models import Account, Card, Invoice, Payment, database
from shop import clock, vat
from shop.invoicing import account_credits, credit_notes, invoices
from shop.invoicing.invoices import Draft
from shop.jobs import queue
from shop.payments import cards, disputes, manual_refunds, notifications, outcomes, payments
from shop.payments.gateway import (
    CardChange,
    CheckoutStatus,
    DisputeState,
    Notification,
    RefundState,
)
from shop.payments.refundables import RefundableNote
from shop.pricing.lines import positions_of
from shop.subscriptions import renewal_notices
from tests.support import purchases, running
from tests.support.letter_causes import licences, orders
from tests.support.parties import Bank, Provider


def invoice_issued(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is delivered, and its invoice made."""
    licences.service_installed(account, bank, provider)


def goodwill_granted(account: Account, bank: Bank, provider: Provider) -> None:
    """A member of staff puts an amount on the balance."""
    with database.atomic():
        account_credits.grant_goodwill(account, 1_000, "Merci.", by="staff:camille")


def part_payment_received(account: Account, bank: Bank, provider: Provider) -> None:
    """A part of an invoice arrives by transfer."""
    invoice = _due(account, bank, provider)
    payments.record_manual_payment(
        invoice, by="staff:camille", day=clock.today(), reference="VIR-1", cents=500
    )


def _due(account: Account, bank: Bank, provider: Provider) -> Invoice:
    invoice_issued(account, bank, provider)
    first = Invoice.get(Invoice.account == account)
    with database.atomic():
        return invoices.issue(
            Draft(
                account=account,
                language=first.language,
                customer=first.customer,
                treatment=vat.french_estimate(),
                positions=positions_of(first),
                due_on=clock.today(),
            )
        )


def invoice_paid(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator books a bank transfer for an invoice."""
    payments.record_manual_payment(_due(account, bank, provider), by="operator")


def invoice_payment_refunded(account: Account, bank: Bank, provider: Provider) -> None:
    """An invoice is paid at the bank after it was settled otherwise."""
    invoice = _due(account, bank, provider)
    payment = payments.start_payment(
        invoice, store_card=False, base_url=purchases.BASE, by=account.nic_handle
    )
    with database.atomic():
        credit_notes.credit(invoice, positions_of(invoice), "An error.", by="operator")
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED))
    queue.drain()


def credit_note_issued(account: Account, bank: Bank, provider: Provider) -> None:
    """A paid invoice is credited."""
    invoice_issued(account, bank, provider)
    invoice = Invoice.get(Invoice.account == account)
    with database.atomic():
        credit_notes.credit(invoice, positions_of(invoice), "An error.", by="operator")


def credit_note_refunded(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator transfers the money of a credit note back."""
    invoice = _due(account, bank, provider)
    payments.record_manual_payment(invoice, by="operator")
    with database.atomic():
        note = credit_notes.credit(
            Invoice.get_by_id(invoice.id), positions_of(invoice), "An error.", by="operator"
        )
    queue.drain()
    manual_refunds.record_transfer(
        RefundableNote(note), by="operator", day=clock.today(), reference="VIR-2026-11-042"
    )


def refund_failed(account: Account, bank: Bank, provider: Provider) -> None:
    """The bank cannot refund an order that was paid after it was cancelled."""
    bank.refunding = RefundState.FAILED
    orders.payment_refunded(account, bank, provider)


def refunded_by_bank(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator refunds a part of a payment in the bank's dashboard."""
    orders.payment_received(account, bank, provider)
    made = bank.refund_of_itself(Payment.get(Payment.method == "card").checkout, 500)
    notifications.apply_notification(Notification("e", made))


def payment_disputed(account: Account, bank: Bank, provider: Provider) -> None:
    """The cardholder contests the payment of a renewal."""
    running.to_renewal(running.delivered(account, bank))
    charged = Payment.get(Payment.card.is_null(False))
    made = bank.dispute(charged.checkout, charged.amount_cents, reason="fraudulent")
    notifications.apply_notification(Notification("e", made))


def dispute_lost(account: Account, bank: Bank, provider: Provider) -> None:
    """The bank decides for the cardholder, and takes the payment of a renewal back."""
    running.to_renewal(running.delivered(account, bank))
    charged = Payment.get(Payment.card.is_null(False))
    lost = bank.dispute(
        charged.checkout, charged.amount_cents, state=DisputeState.LOST,
        withdrawn_cents=charged.amount_cents,
    )  # fmt: skip
    disputes.apply_notified(lost)


def card_removed(account: Account, bank: Bank, provider: Provider) -> None:
    """A stored card is removed at the bank."""
    running.delivered(account, bank)
    card = Card.get(Card.account == account)
    notifications.apply_notification(Notification("e", CardChange(card.mandate, None)))


def card_withdrawn(account: Account, bank: Bank, provider: Provider) -> None:
    """The customer removes the card that a service is charged to."""
    running.delivered(account, bank)
    cards.remove_card(Card.get(Card.account == account), by=account.nic_handle)


def card_expiring(account: Account, bank: Bank, provider: Provider) -> None:
    """The card that a service is charged to expires in a week."""
    running.delivered(account, bank)
    card = Card.get(Card.account == account)
    renewal_notices.announce_all(card.valid_until - renewal_notices.FIRST)
