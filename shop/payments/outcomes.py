"""The outcome of payments: idempotent for answers of the bank repeated, late or out of order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from peewee import JOIN, ModelSelect

from records.base import database, lock
from records.invoices import Invoice
from records.orders import Order
from records.payments import Payment, PaymentStatus
from shop import clock, jobs, settings, transitions
from shop.errors import PartyRejected, PartyUnavailable
from shop.invoicing import ledger
from shop.payments import cards, gateways, payables, refunds
from shop.payments.checkouts import Checkouts, move_by_bank
from shop.payments.gateway import Checkout, CheckoutRequest
from shop.sql.prepared import prepared
from shop.vat import evidence

PAGE_LIFETIME = timedelta(days=2)
"""The time after which no page at a bank can be paid any more: they expire after a day."""


def close_payment(payment: Payment) -> Payment:
    """Close ``payment`` at the bank, unless it was paid; return it with its present status.

    Raise `BankUnavailable` when the bank does not tell, `PaymentUnderWay` when it is confirming a
    card.
    """
    if payment.checkout:
        payment = _close_at_bank(payment, payment.checkout)
    elif payment.status == PaymentStatus.OPEN:
        payment = close_unopened(payment)
    if payment.status == PaymentStatus.PROCESSING:
        raise payables.paid_by(payment).under_way()
    return payment


def _close_at_bank(payment: Payment, reference: str) -> Payment:
    try:
        with gateways.answers_awaited(reference) as bank:
            closed = bank.close_checkout(reference)
    except PartyUnavailable as error:
        is_over = clock.now() >= payment.created_at + PAGE_LIFETIME
        if is_over and isinstance(error.__cause__, PartyRejected):
            return _close_forgotten(payment)
        raise gateways.BankUnavailable from error
    return CHECKOUTS.settle(payment, closed)


def _close_forgotten(payment: Payment) -> Payment:
    """Close a payment of which the bank tells nothing, and whose page there has expired.

    If it was paid after all, its notification still counts.
    """
    with database.atomic():
        payment = lock(payment)
        if payment.status == PaymentStatus.OPEN:
            transitions.move(
                payment, PaymentStatus.CLOSED, by="shop", note="not told by the bank",
                settled_at=clock.now(),
            )  # fmt: skip
    return payment


def close_unopened(payment: Payment) -> Payment:
    """Close a payment for which the bank opened no checkout."""
    with database.atomic():
        payment = lock(payment)
        if payment.status == PaymentStatus.OPEN and not payment.checkout:
            transitions.move(payment, PaymentStatus.CLOSED, by="shop", settled_at=clock.now())
    return payment


def decline_unknown_card(payment: Payment) -> None:
    """Decline the charge of a stored card that the bank does not know, and remove the card."""
    with database.atomic():
        payment = lock(payment)
        if payment.is_unsettled:
            transitions.move(
                payment, PaymentStatus.DECLINED, by="bank", note=cards.REVOKED,
                reason=cards.REVOKED, settled_at=clock.now(),
            )  # fmt: skip
        if payment.card is not None:
            cards.mark_removed(payment.card, cards.REVOKED)


class PaymentCheckouts(Checkouts[Payment]):
    """Checkouts that pay: a success marks the order or invoice as paid.

    If that is closed, or was paid otherwise, the whole payment is refunded.
    """

    table = Payment
    statuses = PaymentStatus
    started = "payment_started"
    salt = "payment-return"
    return_path = "/payment/return"
    opens_later = True

    def watch_later(self, payment: Payment) -> None:
        """Queue the job that polls the bank."""
        first = clock.now() + gateways.WATCH_FIRST
        watch_payment.using(run_at=first).later(payment=payment.id)

    def request(self, payment: Payment, return_url: str, notification_url: str) -> CheckoutRequest:
        """Return the request for a checkout that takes the payment's amount."""
        debt = payables.paid_by(payment).row
        return CheckoutRequest(
            key=payment.key,
            amount_cents=payment.amount_cents,
            currency=payment.currency,
            reference=debt.number,
            description=f"{settings.current().shop_name} {debt.number}",
            language=debt.language,
            customer_email=debt.account.email,
            return_url=return_url,
            notification_url=notification_url,
            store_card=payment.store_card,
        )

    def on_rejected(self, payment: Payment) -> None:
        """Close a payment for which the bank refuses to open a page."""
        close_unopened(payment)

    def find(self, row_id: int) -> Payment | None:
        """Return a payment, with what it is for."""
        return _with_debt.first(row_id)

    def apply(self, payment: Payment, outcome: str, checkout: Checkout) -> None:
        """Apply a success, or record that no money came."""
        if outcome == PaymentStatus.SUCCEEDED:
            _apply_success(payment, checkout)
        elif payment.may_become(outcome) and payment.is_unsettled:
            move_by_bank(payment, outcome, checkout)
        if payment.card is not None:
            cards.update_charged(payment.card, checkout)


CHECKOUTS = PaymentCheckouts()


@prepared
def _with_debt(payment_id: int) -> ModelSelect[Payment]:
    return (
        Payment.select(Payment, Order, Invoice)
        .join(Order, JOIN.LEFT_OUTER)
        .join_from(Payment, Invoice, JOIN.LEFT_OUTER)
        .where(Payment.id == payment_id)
    )


def _apply_success(payment: Payment, checkout: Checkout) -> None:
    """Mark what ``payment`` pays as paid with the money taken, or queue the refund of it."""
    if payment.is_lost or not payment.may_become(PaymentStatus.SUCCEEDED):
        return  # what the bank said of the charge is older than its decision of the dispute
    right_amount = (checkout.amount_cents, checkout.currency) == (
        payment.amount_cents,
        payment.currency,
    )
    taken: dict[str, Any] = {"taken_cents": checkout.amount_cents, "settled_at": clock.now()}
    payable = payables.locked_payable(payables.paid_by(payment).row)
    if right_amount and payable.can_be_paid and payment.amount_cents == payable.cents:
        transitions.move(payment, PaymentStatus.SUCCEEDED, by="bank", **taken)
        ledger.post_payment(payment, payable.invoice)
        evidence.record_payment(payment, checkout.card_country)
        payable.mark_paid(payment, by="bank")
    else:
        note = "closed already" if right_amount else f"amount {checkout.amount_cents}"
        transitions.move(payment, PaymentStatus.REFUND_DUE, by="bank", note=note, **taken)
        ledger.post_payment(payment)
        refunds.refund_later(payment)
    if payment.store_card:
        card = cards.keep_card(payable.row.account, checkout.mandate)
        if card is not None and card.removed_at is None:
            payable.charge_renewals_to(card)


@jobs.handles("watch_payment", attempts=50, first_delay=timedelta(seconds=30))
def watch_payment(payment: int) -> None:
    """Poll the bank about a payment whose outcome has not been notified."""
    CHECKOUTS.watch(Payment.get_by_id(payment))
