"""Payments of orders and invoices: begun once, at the bank's page, by a stored card, or by hand."""

from __future__ import annotations

import secrets
from datetime import timedelta

import structlog
from peewee import IntegrityError

from records.base import database
from records.cards import Card
from records.payments import UNSETTLED, Payment, PaymentStatus
from shop import clock, jobs, settings, transitions
from shop.errors import PartyRejected
from shop.invoicing import ledger
from shop.payments import gateways, outcomes, payables
from shop.payments.gateway import ChargeRequest
from shop.payments.payables import Debt

log = structlog.get_logger()


# --- Starting --------------------------------------------------------------------------------


def start_payment(debt: Debt, *, store_card: bool, base_url: str, by: str) -> Payment:
    """The payment with which the customer pays ``debt`` at the bank (`Payment.checkout_url`).

    A payment whose bank page is still open is taken up again, so nobody pays twice. Returns a
    succeeded payment where the bank says that it is paid already.

    Raises `Refusal` when it cannot be paid or the bank is silent, `PaymentUnderWay` while
    an earlier payment waits for its outcome.
    """
    payment = unsettled(debt)
    if payment is not None:
        payment = _taken_up(payment, store_card)
    if payment is None:
        payment = open_payment(debt, store_card=store_card, by=by)
    if payment.status == PaymentStatus.OPEN and not payment.checkout_url:
        payment = outcomes.CHECKOUTS.open(payment, base_url)
    return payment


def unsettled(debt: Debt) -> Payment | None:
    """The payment of ``debt`` whose outcome is open, if any."""
    return (
        Payment.select()
        .where(payables.for_payment(debt).is_paid_by, Payment.status.in_(UNSETTLED))
        .first()
    )


def _taken_up(payment: Payment, store_card: bool) -> Payment | None:
    """The unsettled payment as the bank sees it now; None if it is over and a new one may start."""
    payment = outcomes.CHECKOUTS.refresh(payment)
    # A stored card may be charged any moment: nobody pays beside it.
    by_card = payment.card_id is not None and payment.is_unsettled
    if by_card or payment.status == PaymentStatus.PROCESSING:
        raise payables.paid_by(payment).under_way()
    payable = payables.paid_by(payment)
    is_another = (payment.store_card, payment.amount_cents) != (store_card, payable.cents)
    if payment.status == PaymentStatus.OPEN and (is_another or not payable.can_be_paid):
        payment = outcomes.close_payment(payment)
    over = payment.status in {PaymentStatus.DECLINED, PaymentStatus.CLOSED}
    return None if over else payment


def open_payment(debt: Debt, *, store_card: bool, by: str, card: Card | None = None) -> Payment:
    """A payment of ``debt`` on record and watched over; by ``card`` if the customer is away.

    Raises `Refusal` when it cannot be paid. Of two at once, both go on with one payment.
    """
    try:
        with database.atomic():
            payable = payables.locked(debt)
            if not payable.can_be_paid:
                raise payable.not_payable()
            return outcomes.CHECKOUTS.begin(
                by,
                **{payable.column.name: payable.row},
                card=card,
                amount_cents=payable.cents,
                currency=payable.row.currency,
                store_card=store_card,
            )
    except IntegrityError:
        # A second press of the button was quicker: both go on with that payment.
        rival = unsettled(debt)
        if rival is None:
            raise payables.for_payment(debt).not_payable() from None
        return rival


# --- Charging a stored card ------------------------------------------------------------------


def charge(debt: Debt, card: Card, by: str) -> Payment:
    """Have ``debt`` charged to a stored card, by a job queued in the caller's transaction.

    Raises `Refusal` when it cannot be paid. A payment that is under way already is the answer.
    """
    payment = open_payment(debt, store_card=False, by=by, card=card)
    charge_card.later(payment=payment.id)
    return payment


@jobs.handles("charge_card", attempts=50, first_delay=timedelta(seconds=5))
def charge_card(payment: int) -> None:
    """Charge a stored card, once: the bank knows the payment's key. A no is its outcome, too."""
    row = Payment.get_by_id(payment)
    if not row.is_unsettled or row.checkout or row.card is None:
        return
    debt = payables.paid_by(row).row
    try:
        checkout = gateways.gateway().charge(
            ChargeRequest(
                key=row.key,
                mandate=row.card.mandate,
                amount_cents=row.amount_cents,
                currency=row.currency,
                reference=debt.number,
                description=f"{settings.current().shop_name} {debt.number}",
                notification_url=f"{settings.current().public_url}/notifications/bank",
            )
        )
    except PartyRejected as error:
        log.error("bank refused a charge", of=debt.number, reason=str(error))
        outcomes.close_unopened(row)
        return
    Payment.update(checkout=checkout.reference).where(Payment.id == row.id).execute()
    row.checkout = checkout.reference
    outcomes.CHECKOUTS.settle(row, checkout)


# --- Paid by hand ----------------------------------------------------------------------------


def pay_by_hand(debt: Debt, by: str) -> Payment:
    """The operator says that the money came otherwise (a transfer, say).

    Raises `Refusal` if it is not payable, `PaymentUnderWay` while a card is confirmed.
    """
    pending = unsettled(debt)
    if pending is not None:
        outcomes.close_payment(pending)
    with database.atomic():
        payable = payables.locked(debt)
        if not payable.can_be_paid:
            raise payable.not_payable()
        payment = Payment.create(
            **{payable.column.name: payable.row},
            status=PaymentStatus.SUCCEEDED,
            method="manual",
            key=secrets.token_urlsafe(24),
            amount_cents=payable.cents,
            currency=payable.row.currency,
            created_at=clock.now(),
            settled_at=clock.now(),
        )
        transitions.record(payment, "payment_succeeded", by=by, to_status=payment.status)
        ledger.post_payment(payment, payable.invoice)
        payable.mark_paid(payment, by)
    return payment
