"""Payments of orders and invoices: begun once, at the bank's page, by a stored card, or by hand."""

from __future__ import annotations

import secrets
from datetime import timedelta

import structlog
from itsdangerous import BadSignature, URLSafeSerializer
from peewee import IntegrityError

from records.base import database
from records.cards import Card
from records.payments import UNSETTLED, Payment, PaymentStatus
from shop import clock, jobs, settings, transitions
from shop.errors import PartyRejected, PartyUnavailable, Refusal
from shop.invoicing import ledger
from shop.payments import gateways, outcomes, payables
from shop.payments.gateway import ChargeRequest, CheckoutRequest
from shop.payments.payables import Debt

log = structlog.get_logger()


# --- Starting --------------------------------------------------------------------------------


def start(debt: Debt, *, store_card: bool, base_url: str, by: str) -> Payment:
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
        payment = begin(debt, store_card=store_card, by=by)
    if payment.status == PaymentStatus.OPEN and not payment.checkout_url:
        payment = _open_checkout(payment, base_url)
    return payment


def unsettled(debt: Debt) -> Payment | None:
    """The payment of ``debt`` whose outcome is open, if any."""
    found: Payment | None = (
        Payment.select().where(payables.of(debt).is_paid_by, Payment.status.in_(UNSETTLED)).first()
    )
    return found


def _taken_up(payment: Payment, store_card: bool) -> Payment | None:
    """The unsettled payment as the bank sees it now; None if it is over and a new one may start."""
    payment = outcomes.refresh(payment)
    # A stored card may be charged any moment: nobody pays beside it.
    by_card = payment.card_id is not None and payment.is_unsettled
    if by_card or payment.status == PaymentStatus.PROCESSING:
        raise payables.paid_by(payment).under_way()
    payable = payables.paid_by(payment)
    is_another = (payment.store_card, payment.amount_cents) != (store_card, payable.cents)
    if payment.status == PaymentStatus.OPEN and (is_another or not payable.can_be_paid):
        payment = outcomes.close(payment)
    over = payment.status in {PaymentStatus.DECLINED, PaymentStatus.CLOSED}
    return None if over else payment


def begin(debt: Debt, *, store_card: bool, by: str, card: Card | None = None) -> Payment:
    """A payment of ``debt`` on record and watched over; by ``card`` if the customer is away.

    Raises `Refusal` when it cannot be paid. Of two at once, both go on with one payment.
    """
    try:
        with database.atomic():
            payable = payables.locked(debt)
            if not payable.can_be_paid:
                raise payable.not_payable()
            payment = Payment.create(
                **{payable.column.name: payable.row},
                card=card,
                key=secrets.token_urlsafe(24),
                amount_cents=payable.cents,
                currency=payable.row.currency,
                store_card=store_card,
                created_at=clock.now(),
            )
            transitions.record(payment, "payment_started", by=by, to_status=payment.status)
            first = clock.now() + gateways.WATCH_FIRST
            outcomes.watch_payment.using(run_at=first).later(payment=payment.id)
            return payment
    except IntegrityError:
        # A second press of the button was quicker: both go on with that payment.
        rival = unsettled(debt)
        if rival is None:
            raise payables.of(debt).not_payable() from None
        return rival


def _open_checkout(payment: Payment, base_url: str) -> Payment:
    debt = payables.paid_by(payment).row
    try:
        checkout = gateways.gateway().start_checkout(
            CheckoutRequest(
                key=payment.key,
                amount_cents=payment.amount_cents,
                currency=payment.currency,
                reference=debt.number,
                description=f"{settings.current().shop_name} {debt.number}",
                language=debt.language,
                customer_email=debt.account.email,
                return_url=f"{base_url}/payment/return/{sign(payment)}",
                notification_url=f"{base_url}/notifications/bank",
                store_card=payment.store_card,
            )
        )
    except PartyUnavailable as error:
        log.warning("bank unavailable", of=debt.number, reason=str(error))
        raise Refusal(gateways.SILENT) from error
    except PartyRejected as error:
        log.error("bank refused a checkout", of=debt.number, reason=str(error))
        outcomes.close_unopened(payment)
        raise Refusal(gateways.REFUSED) from error
    Payment.update(checkout=checkout.reference, checkout_url=checkout.url).where(
        Payment.id == payment.id
    ).execute()
    payment.checkout, payment.checkout_url = checkout.reference, checkout.url
    return outcomes.settle(payment, checkout)


# --- Charging a stored card ------------------------------------------------------------------


def charge(debt: Debt, card: Card, by: str) -> Payment:
    """Have ``debt`` charged to a stored card, by a job queued in the caller's transaction.

    Raises `Refusal` when it cannot be paid. A payment that is under way already is the answer.
    """
    payment = begin(debt, store_card=False, by=by, card=card)
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
    outcomes.settle(row, checkout)


# --- Paid by hand ----------------------------------------------------------------------------


def pay_by_hand(debt: Debt, by: str) -> Payment:
    """The operator says that the money came otherwise (a transfer, say).

    Raises `Refusal` if it is not payable, `PaymentUnderWay` while a card is confirmed.
    """
    pending = unsettled(debt)
    if pending is not None:
        outcomes.close(pending)
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
        ledger.pay(payment, payable.invoice)
        payable.mark_paid(payment, by)
    return payment


# --- The signed reference on the way back from the bank ---------------------------------------


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings.current().secret_key, salt="payment-return")


def sign(payment: Payment) -> str:
    """A reference to ``payment`` that needs no cookie and cannot be guessed."""
    return str(_signer().dumps(payment.id))


def by_signature(reference: str) -> Payment | None:
    """The payment of a signed reference; None for a forged one."""
    try:
        payment_id = _signer().loads(reference)
    except BadSignature:
        return None
    found: Payment | None = Payment.get_or_none(Payment.id == payment_id)
    return found
