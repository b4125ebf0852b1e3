"""The outcome of payments: the bank's word, taken once, whatever comes twice or late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from records.base import database, lock
from records.payments import Payment, PaymentStatus
from shop import clock, jobs, transitions
from shop.errors import PartyUnavailable, Refusal
from shop.invoicing import ledger
from shop.payments import cards, gateways, payables, refunds
from shop.payments.gateway import Checkout, CheckoutStatus
from shop.sandbox_link import test_points


def refresh(payment: Payment) -> Payment:
    """Ask the bank how ``payment`` stands and take its word.

    Raises `Refusal` when the bank is silent: then nothing is known, and nothing may be begun.
    """
    if not payment.checkout:
        return payment
    try:
        return settle(payment, gateways.gateway().find_checkout(payment.checkout))
    except PartyUnavailable as error:
        raise Refusal(gateways.SILENT) from error


def close(payment: Payment) -> Payment:
    """Make sure that ``payment`` cannot be paid any more, unless it was.

    Raises `Refusal` when the bank is silent, `PaymentUnderWay` when it is confirming a card.
    """
    if payment.checkout:
        try:
            payment = settle(payment, gateways.gateway().close_checkout(payment.checkout))
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


_OUTCOMES = {
    CheckoutStatus.PROCESSING: PaymentStatus.PROCESSING,
    CheckoutStatus.SUCCEEDED: PaymentStatus.SUCCEEDED,
    CheckoutStatus.DECLINED: PaymentStatus.DECLINED,
    CheckoutStatus.CLOSED: PaymentStatus.CLOSED,
}


def by_checkout(reference: str) -> Payment | None:
    """The payment of a checkout at the bank, if it is one of ours."""
    found: Payment | None = Payment.get_or_none(Payment.checkout == reference)
    return found


def settle(payment: Payment, checkout: Checkout) -> Payment:
    """Take the bank's word on ``payment``, once: told twice, late or out of order changes nothing.

    A success makes its order or invoice paid, and what hangs on it follows; if that is closed, or
    paid otherwise, all the money goes back.
    """
    outcome = _OUTCOMES.get(checkout.status)
    if outcome is not None and outcome != payment.status:
        test_points.point("payment.settle")
        with database.atomic():
            payment = lock(payment)
            if outcome == PaymentStatus.SUCCEEDED:
                _take(payment, checkout)
            elif payment.may_become(outcome) and payment.is_unsettled:
                _close_without_money(payment, outcome, checkout.reason)
    return Payment.get_by_id(payment.id)


def _close_without_money(payment: Payment, outcome: str, reason: str) -> None:
    settled = {} if outcome == PaymentStatus.PROCESSING else {"settled_at": clock.now()}
    transitions.move(payment, outcome, by="bank", note=reason, reason=reason[:64], **settled)


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
        ledger.pay(payment, payable.invoice)
        payable.mark_paid(payment, by="bank")
    else:
        note = "closed already" if right_amount else f"amount {checkout.amount_cents}"
        transitions.move(payment, PaymentStatus.REFUND_DUE, by="bank", note=note, **taken)
        ledger.pay(payment)
        refunds.owe(payment)
    if payment.store_card and checkout.mandate:
        cards.keep(payable.row.account, checkout.mandate)


@jobs.handles("watch_payment", attempts=50, first_delay=timedelta(seconds=30))
def watch_payment(payment: int) -> None:
    """Ask the bank about a payment nobody told us the end of."""
    row = Payment.get_by_id(payment)
    if not row.is_unsettled:
        return
    if row.checkout:
        row = settle(row, gateways.gateway().find_checkout(row.checkout))
    if row.is_unsettled:
        raise jobs.Later(gateways.WATCH_EVERY)
