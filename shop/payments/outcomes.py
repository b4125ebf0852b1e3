"""The outcome of payments: idempotent, whatever the bank tells twice, late or out of order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from records.base import database, lock
from records.payments import Payment, PaymentStatus
from shop import clock, jobs, settings, transitions
from shop.errors import PartyUnavailable, Refusal
from shop.invoicing import ledger
from shop.payments import cards, gateways, payables, refunds
from shop.payments.checkouts import Checkouts, moved_by_bank
from shop.payments.gateway import Checkout, CheckoutRequest


def close_payment(payment: Payment) -> Payment:
    """Make sure that ``payment`` cannot be paid any more, unless it was.

    Raises `Refusal` when the bank is silent, `PaymentUnderWay` when it is confirming a card.
    """
    if payment.checkout:
        try:
            closed = gateways.gateway().close_checkout(payment.checkout)
            payment = CHECKOUTS.settle(payment, closed)
        except PartyUnavailable as error:
            raise Refusal(gateways.SILENT) from error
    elif payment.status == PaymentStatus.OPEN:
        payment = close_unopened(payment)
    if payment.status == PaymentStatus.PROCESSING:
        raise payables.paid_by(payment).under_way()
    return payment


def close_unopened(payment: Payment) -> Payment:
    """Close a payment whose bank page was asked for and never shown to anybody."""
    with database.atomic():
        payment = lock(payment)
        if payment.status == PaymentStatus.OPEN and not payment.checkout:
            transitions.move(payment, PaymentStatus.CLOSED, by="shop", settled_at=clock.now())
    return payment


class PaymentCheckouts(Checkouts[Payment]):
    """Payments: a success makes an order or an invoice paid, and what hangs on it follows; if that
    is closed, or paid otherwise, all the money goes back."""

    table = Payment
    statuses = PaymentStatus
    started = "payment_started"
    salt = "payment-return"
    return_path = "/payment/return"
    opens_later = True

    def watch_later(self, payment: Payment) -> None:
        """Have the bank asked in a while."""
        first = clock.now() + gateways.WATCH_FIRST
        watch_payment.using(run_at=first).later(payment=payment.id)

    def request(self, payment: Payment, return_url: str, notification_url: str) -> CheckoutRequest:
        """A page to pay what is due on."""
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

    def reject(self, payment: Payment) -> None:
        """Close a payment that the bank refuses to take."""
        close_unopened(payment)

    def apply(self, payment: Payment, outcome: str, checkout: Checkout) -> None:
        """Take the money, or note that none came."""
        if outcome == PaymentStatus.SUCCEEDED:
            _take(payment, checkout)
        elif payment.may_become(outcome) and payment.is_unsettled:
            moved_by_bank(payment, outcome, checkout)


CHECKOUTS = PaymentCheckouts()


def _take(payment: Payment, checkout: Checkout) -> None:
    """The money is at the bank: it pays what it is for, or it goes back."""
    if not payment.may_become(PaymentStatus.SUCCEEDED):
        return
    right_amount = (checkout.amount_cents, checkout.currency) == (
        payment.amount_cents,
        payment.currency,
    )
    taken: dict[str, Any] = {"taken_cents": checkout.amount_cents, "settled_at": clock.now()}
    payable = payables.locked(payables.paid_by(payment).row)
    if right_amount and payable.can_be_paid and payment.amount_cents == payable.cents:
        transitions.move(payment, PaymentStatus.SUCCEEDED, by="bank", **taken)
        ledger.post_payment(payment, payable.invoice)
        payable.mark_paid(payment, by="bank")
    else:
        note = "closed already" if right_amount else f"amount {checkout.amount_cents}"
        transitions.move(payment, PaymentStatus.REFUND_DUE, by="bank", note=note, **taken)
        ledger.post_payment(payment)
        refunds.owe(payment)
    if payment.store_card and checkout.mandate:
        cards.keep(payable.row.account, checkout.mandate)


@jobs.handles("watch_payment", attempts=50, first_delay=timedelta(seconds=30))
def watch_payment(payment: int) -> None:
    """Ask the bank about a payment whose outcome nobody has told us."""
    CHECKOUTS.watch(Payment.get_by_id(payment))
