"""Payments of orders: started once, settled once, whatever comes twice, late or not at all."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import structlog
from itsdangerous import BadSignature, URLSafeSerializer
from peewee import IntegrityError

from models import (
    PAYMENT_MOVES,
    UNSETTLED,
    Account,
    Card,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    database,
    lock,
)
from shop import clock, jobs, mail, pauses, settings, transitions
from shop.errors import N_, PartyRejected, PartyUnavailable, Refusal
from shop.payment import banks
from shop.payment.gateway import Checkout, CheckoutRequest, CheckoutStatus, Mandate

log = structlog.get_logger()

WATCH_FIRST = timedelta(minutes=2)
WATCH_EVERY = timedelta(minutes=10)
DELIVERY_PROMISE = timedelta(hours=4)
"""How long an installation may take (guide); a paid order later than this raises an alarm."""

BANK_SILENT = N_(
    "The bank is not answering at the moment. Nothing was charged; please try again in a minute."
)

BANK_REFUSED = N_("The bank could not open a payment page. Nothing was charged; please try again.")


class PaymentUnderWay(Refusal):
    """A payment of this order has no outcome yet; nothing may change until it has."""

    status = 409


# --- Starting --------------------------------------------------------------------------------


def start(order: Order, *, store_card: bool, base_url: str, by: str) -> Payment:
    """The payment with which the customer pays ``order`` at the bank (`Payment.checkout_url`).

    A payment whose bank page is still open is taken up again, so nobody pays twice. Returns a
    succeeded payment where the bank says that it is paid already.

    Raises `Refusal` when the order cannot be paid or the bank is silent, `PaymentUnderWay` while
    an earlier payment waits for its outcome.
    """
    payment = unsettled(order)
    if payment is not None:
        payment = _taken_up(payment, store_card)
    if payment is None:
        payment = _begin(order, store_card, by)
    if payment.status == PaymentStatus.OPEN and not payment.checkout_url:
        payment = _open_checkout(payment, base_url)
    return payment


def unsettled(order: Order) -> Payment | None:
    """The payment of ``order`` whose outcome is open, if any."""
    found: Payment | None = (
        Payment.select().where(Payment.order == order, Payment.status.in_(UNSETTLED)).first()
    )
    return found


def _taken_up(payment: Payment, store_card: bool) -> Payment | None:
    """The unsettled payment as the bank sees it now; None if it is over and a new one may start."""
    payment = refresh(payment)
    if payment.status == PaymentStatus.PROCESSING:
        raise PaymentUnderWay(
            N_("A payment of this order is being confirmed by the bank. Please wait for it.")
        )
    if payment.status == PaymentStatus.OPEN and payment.store_card != store_card:
        payment = close(payment)
    over = payment.status in {PaymentStatus.DECLINED, PaymentStatus.CLOSED}
    return None if over else payment


def _begin(order: Order, store_card: bool, by: str) -> Payment:
    try:
        with database.atomic():
            order = lock(order)
            if not order.is_payable:
                raise Refusal(N_("This order can no longer be paid."))
            payment = Payment.create(
                order=order,
                key=secrets.token_urlsafe(24),
                amount_cents=order.total_cents,
                currency=order.currency,
                store_card=store_card,
                created_at=clock.now(),
            )
            transitions.record(payment, "payment_started", by=by, to_status=payment.status)
            jobs.enqueue(
                "watch_payment", f"watch_payment:{payment.id}",
                run_at=clock.now() + WATCH_FIRST, payment=payment.id,
            )  # fmt: skip
            return payment
    except IntegrityError:
        # A second press of the button was quicker: both go on with that payment.
        rival = unsettled(order)
        if rival is None:
            raise Refusal(N_("This order can no longer be paid.")) from None
        return rival


def _open_checkout(payment: Payment, base_url: str) -> Payment:
    order, account = payment.order, payment.order.account
    try:
        checkout = banks.gateway().start_checkout(
            CheckoutRequest(
                key=payment.key,
                amount_cents=payment.amount_cents,
                currency=payment.currency,
                reference=order.number,
                description=f"{settings.current().shop_name} {order.number}",
                language=order.language,
                customer_email=account.email,
                return_url=f"{base_url}/payment/return/{sign(payment)}",
                notification_url=f"{base_url}/notifications/bank",
                store_card=payment.store_card,
            )
        )
    except PartyUnavailable as error:
        log.warning("bank unavailable", order=order.number, reason=str(error))
        raise Refusal(BANK_SILENT) from error
    except PartyRejected as error:
        log.error("bank refused a checkout", order=order.number, reason=str(error))
        _close_unopened(payment)
        raise Refusal(BANK_REFUSED) from error
    Payment.update(checkout=checkout.reference, checkout_url=checkout.url).where(
        Payment.id == payment.id
    ).execute()
    payment.checkout, payment.checkout_url = checkout.reference, checkout.url
    return settle(payment, checkout)


# --- The signed reference on the way back from the bank ---------------------------------------


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings.current().secret_key, salt="payment-return")


def sign(payment: Payment) -> str:
    """A reference to ``payment`` that needs no cookie and cannot be guessed."""
    return str(_signer().dumps(payment.id))


def by_signature(reference: str) -> Payment | None:
    """The payment of a signed reference, with its order and account; None for a forged one."""
    try:
        payment_id = _signer().loads(reference)
    except BadSignature:
        return None
    found: Payment | None = (
        Payment.select(Payment, Order, Account)
        .join(Order)
        .join(Account)
        .where(Payment.id == payment_id)
        .first()
    )
    return found


# --- The outcome -----------------------------------------------------------------------------


def refresh(payment: Payment) -> Payment:
    """Ask the bank how ``payment`` stands and take its word.

    Raises `Refusal` when the bank is silent: then nothing is known, and nothing may be begun.
    """
    if not payment.checkout:
        return payment
    try:
        return settle(payment, banks.gateway().find_checkout(payment.checkout))
    except PartyUnavailable as error:
        raise Refusal(BANK_SILENT) from error


def close(payment: Payment) -> Payment:
    """Make sure that ``payment`` cannot be paid any more, unless it was.

    Raises `Refusal` when the bank is silent, `PaymentUnderWay` when it is confirming a card.
    """
    if payment.checkout:
        try:
            payment = settle(payment, banks.gateway().close_checkout(payment.checkout))
        except PartyUnavailable as error:
            raise Refusal(BANK_SILENT) from error
    elif payment.status == PaymentStatus.OPEN:
        payment = _close_unopened(payment)
    if payment.status == PaymentStatus.PROCESSING:
        raise PaymentUnderWay(
            N_("A payment of this order is being confirmed by the bank. Please wait for it.")
        )
    return payment


def _close_unopened(payment: Payment) -> Payment:
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

    A success makes its order paid and queues the delivery; if the order is closed, or paid
    otherwise, all the money goes back.
    """
    outcome = _OUTCOMES.get(checkout.status)
    if outcome is not None and outcome != payment.status:
        pauses.point("payment.settle")
        with database.atomic():
            payment = lock(payment)
            if outcome == PaymentStatus.SUCCEEDED:
                _take(payment, checkout)
            elif outcome in PAYMENT_MOVES[payment.status] and payment.is_unsettled:
                _close_without_money(payment, outcome, checkout.reason)
    return Payment.get_by_id(payment.id)


def _close_without_money(payment: Payment, outcome: str, reason: str) -> None:
    settled = {} if outcome == PaymentStatus.PROCESSING else {"settled_at": clock.now()}
    transitions.move(payment, outcome, by="bank", note=reason, reason=reason[:64], **settled)


def _take(payment: Payment, checkout: Checkout) -> None:
    """The money is at the bank: it pays the order, or it goes back."""
    if PaymentStatus.SUCCEEDED not in PAYMENT_MOVES[payment.status]:
        return
    right_amount = (checkout.amount_cents, checkout.currency) == (
        payment.amount_cents,
        payment.currency,
    )
    taken: dict[str, Any] = {"taken_cents": checkout.amount_cents, "settled_at": clock.now()}
    order = lock(payment.order)
    if right_amount and order.is_payable:
        transitions.move(payment, PaymentStatus.SUCCEEDED, by="bank", **taken)
        mark_paid(order, payment, by="bank")
    else:
        note = "order closed" if right_amount else f"amount {checkout.amount_cents}"
        transitions.move(payment, PaymentStatus.REFUND_DUE, by="bank", note=note, **taken)
        jobs.enqueue("refund_payment", f"refund_payment:{payment.id}", payment=payment.id)
    if payment.store_card and checkout.mandate:
        keep_card(order.account, checkout.mandate)


def keep_card(account: Account, mandate: Mandate) -> None:
    """Remember a card the customer let us store for renewals."""
    Card.insert(
        account=account,
        mandate=mandate.reference,
        brand=mandate.brand,
        last4=mandate.last4,
        expiry_month=mandate.expiry_month,
        expiry_year=mandate.expiry_year,
        consented_at=clock.now(),
    ).on_conflict_ignore().execute()


def mark_paid(order: Order, payment: Payment, by: str) -> None:
    """The one way an order becomes paid, however it was: then its delivery follows.

    Runs in the caller's transaction, which holds ``order`` locked and payable.
    """
    now = clock.now()
    transitions.move(order, OrderStatus.PAID, by=by, paid_at=now)
    mail.payment_received(order, payment)
    jobs.enqueue("deliver_order", f"deliver_order:{order.id}", order=order.id)
    jobs.enqueue(
        "check_delivery", f"check_delivery:{order.id}",
        run_at=now + DELIVERY_PROMISE, order=order.id,
    )  # fmt: skip


def pay_by_hand(order: Order, by: str) -> Payment:
    """The operator says that the money came otherwise (a transfer, say).

    Raises `Refusal` if the order is not payable, `PaymentUnderWay` while a card is confirmed.
    """
    pending = unsettled(order)
    if pending is not None:
        close(pending)
    with database.atomic():
        order = lock(order)
        if not order.is_payable:
            raise Refusal(N_("This order can no longer be paid."))
        payment = Payment.create(
            order=order,
            status=PaymentStatus.SUCCEEDED,
            method="manual",
            key=secrets.token_urlsafe(24),
            amount_cents=order.total_cents,
            currency=order.currency,
            created_at=clock.now(),
            settled_at=clock.now(),
        )
        transitions.record(payment, "payment_succeeded", by=by, to_status=payment.status)
        mark_paid(order, payment, by=by)
    return payment


@jobs.handles("watch_payment", attempts=50, first_delay=timedelta(seconds=30))
def watch_payment(payment: int) -> None:
    """Ask the bank about a payment nobody told us the end of."""
    row = Payment.get_by_id(payment)
    if not row.is_unsettled:
        return
    if row.checkout:
        row = settle(row, banks.gateway().find_checkout(row.checkout))
    if row.is_unsettled:
        raise jobs.Later(WATCH_EVERY)


# --- Giving it back --------------------------------------------------------------------------


@jobs.handles("refund_payment", attempts=50, first_delay=timedelta(seconds=5))
def refund_payment(payment: int) -> None:
    """Give a payment back in full, once, and tell the customer."""
    row = Payment.get_by_id(payment)
    if row.status != PaymentStatus.REFUND_DUE:
        return
    reference = "manual"
    if row.method == "card":
        refund = banks.gateway().refund(row.checkout or "", row.refund_cents, f"refund-{row.key}")
        reference = refund.reference
    with database.atomic():
        order = lock(row.order)
        if not transitions.move(row, PaymentStatus.REFUNDED, by="bank", refund=reference):
            return
        if order.status == OrderStatus.DELIVERY_FAILED:
            transitions.move(order, OrderStatus.REFUNDED, by="shop", closed_at=clock.now())
        mail.payment_refunded(order, row)


def ask_for_refund(order: Order, by: str) -> Payment:
    """Give back the money of an order that could not be delivered.

    Raises `Refusal` for any other order.
    """
    with database.atomic():
        order = lock(order)
        payment = Payment.get_or_none(
            Payment.order == order, Payment.status == PaymentStatus.SUCCEEDED
        )
        if order.status != OrderStatus.DELIVERY_FAILED or payment is None:
            raise Refusal(N_("Only a paid order whose delivery failed can be refunded."))
        transitions.move(payment, PaymentStatus.REFUND_DUE, by=by)
        jobs.enqueue("refund_payment", f"refund_payment:{payment.id}", payment=payment.id)
        return payment
