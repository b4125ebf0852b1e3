"""Payments of orders and invoices: at the bank's page, by a stored card, or recorded manually."""

from __future__ import annotations

import secrets
from datetime import date, timedelta

from peewee import IntegrityError, ModelSelect

from records.account_credits import AccountCredit
from records.base import database
from records.cards import Card
from records.invoices import Invoice
from records.orders import Order
from records.payment_methods import PaymentMethod
from records.payments import UNSETTLED, Payment, PaymentStatus
from shop import clock, jobs, settings, transitions
from shop.errors import N_, PartyRejected, Refusal
from shop.invoicing import account_credits, ledger
from shop.payments import cards, gateways, outcomes, payables, transfer_days
from shop.payments.gateway import ChargeRequest
from shop.payments.payables import Debt
from shop.sql.prepared import prepared

# --- Starting --------------------------------------------------------------------------------


def start_payment(
    debt: Debt, *, store_card: bool, base_url: str, by: str, page: str = ""
) -> Payment:
    """Return the payment with which the customer pays at the bank (`Payment.checkout_url`).

    A payment whose page at the bank is still open is used again, so that no customer pays twice.
    It may have succeeded already, by the bank's answer. ``page`` is the path to which the bank
    sends the customer back.

    Raise `Refusal` when ``debt`` cannot be paid or the bank is unavailable, `PaymentUnderWay` while
    an earlier payment has no outcome.
    """
    payment = unsettled_payment(debt)
    if payment is not None:
        payment = _resume_payment(payment, store_card)
    if payment is None:
        payment = open_payment(debt, store_card=store_card, by=by)
    if payment.status == PaymentStatus.OPEN and not payment.checkout_url:
        payment = outcomes.CHECKOUTS.open(payment, base_url, page)
    return payment


def unsettled_payment(debt: Debt) -> Payment | None:
    """Return the payment of ``debt`` that has no outcome yet, if any."""
    kind = _unsettled_of_invoice if isinstance(debt, Invoice) else _unsettled_of_order
    return kind.first(debt)


@prepared
def _unsettled_of_order(order: Order) -> ModelSelect[Payment]:
    return Payment.select().where(Payment.order == order, Payment.status.in_(UNSETTLED))


@prepared
def _unsettled_of_invoice(invoice: Invoice) -> ModelSelect[Payment]:
    return Payment.select().where(Payment.invoice == invoice, Payment.status.in_(UNSETTLED))


def _resume_payment(payment: Payment, store_card: bool) -> Payment | None:
    """Return an unsettled payment refreshed; None if it is over and a new one may begin."""
    payment = outcomes.CHECKOUTS.refresh(payment)
    # A stored card may be charged at any moment: a checkout beside it could pay twice.
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
    """Create a payment of ``debt`` that is polled at the bank; with ``card``, an off-session one.

    Concurrent calls return the same payment. Raise `Refusal` when ``debt`` cannot be paid.
    """
    try:
        with database.atomic():
            payable = payables.locked_payable(debt)
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
        # Another request created the payment first: the unique index allows only that one.
        earlier = unsettled_payment(debt)
        if earlier is None:
            raise payables.for_debt(debt).not_payable() from None
        return earlier


# --- Charging a stored card ------------------------------------------------------------------


def charge(debt: Debt, card: Card, by: str) -> Payment:
    """Queue the charge of ``debt`` to a stored card, in the caller's transaction.

    Return the payment under way, if there is one. Raise `Refusal` when ``debt`` cannot be paid.
    """
    payment = open_payment(debt, store_card=False, by=by, card=card)
    charge_card.later(payment=payment.id)
    return payment


@jobs.handles("charge_card", attempts=50, first_delay=timedelta(seconds=5))
def charge_card(payment: int) -> None:
    """Charge a stored card; idempotent by the payment's key.

    A bank that refuses the charge without a word about the card is asked again later. The mandate
    of a card removed since then is deleted first: the bank charges it no more, and tells what came
    of a charge whose answer was lost.
    """
    row = Payment.get_by_id(payment)
    if not row.is_unsettled or row.checkout or row.card is None:
        return
    debt = payables.paid_by(row).row
    try:
        if row.card.removed_at is not None:
            gateways.gateway().forget_mandate(row.card.mandate)
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
        if error.code == cards.UNKNOWN_MANDATE:
            outcomes.decline_unknown_card(row)
            return
        gateways.record_refusal(debt.number, error)
        raise jobs.Later(gateways.WATCH_EVERY) from error
    Payment.update(checkout=checkout.reference).where(Payment.id == row.id).execute()
    row.checkout = checkout.reference
    outcomes.CHECKOUTS.settle(row, checkout)


# --- Recorded manually -----------------------------------------------------------------------


def record_manual_payment(
    debt: Debt, by: str, *, day: date | None = None, reference: str = "", cents: int | None = None
) -> Payment | AccountCredit:
    """Record a payment that arrived otherwise (by bank transfer, for example), on a ``day``.

    ``cents`` less than what is owed for an invoice are a part payment, which is taken off it.
    Raise `Refusal` if ``debt`` is not payable, for another amount than that of an order, for more
    than is owed, and as `transfer_days.check_day`; `PaymentUnderWay` while a card is confirmed.
    """
    close_pending(debt)
    with database.atomic():
        return apply_manual_payment(debt, by, day=day, reference=reference, cents=cents)


def close_pending(debt: Debt) -> None:
    """Close the payment of ``debt`` that has no outcome yet, before another one is recorded.

    Raise `PaymentUnderWay` while a card is confirmed.
    """
    pending = unsettled_payment(debt)
    if pending is not None:
        outcomes.close_payment(pending)


def apply_manual_payment(
    debt: Debt, by: str, *, day: date | None = None, reference: str = "", cents: int | None = None
) -> Payment | AccountCredit:
    """Do what `record_manual_payment` does, in the caller's transaction, if none is pending."""
    day = day or clock.today()
    transfer_days.check_day(day)
    payable = payables.locked_payable(debt)
    if not payable.can_be_paid:
        raise payable.not_payable()
    if unsettled_payment(debt) is not None:
        raise payable.under_way()
    if cents is not None and cents != payable.cents:
        if payable.invoice is None or cents > payable.cents:
            raise Refusal(N_("This is another amount than what is owed."), "amount")
        return account_credits.record_part_payment(
            payable.invoice, cents, day=day, reference=reference, by=by
        )
    payment: Payment = Payment.create(
        **{payable.column.name: payable.row},
        status=PaymentStatus.SUCCEEDED,
        method=PaymentMethod.MANUAL,
        key=secrets.token_urlsafe(24),
        amount_cents=payable.cents,
        currency=payable.row.currency,
        reference=reference[:128],
        created_at=clock.now(),
        settled_at=clock.midnight(day) if day < clock.today() else clock.now(),
    )
    transitions.record(payment, "payment_succeeded", by=by, to_status=payment.status)
    ledger.post_payment(payment, payable.invoice)
    payable.mark_paid(payment, by)
    return payment
