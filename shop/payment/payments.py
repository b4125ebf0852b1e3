"""Payments of orders and invoices: started once, settled once, whatever comes twice or late."""

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
    Payment,
    PaymentStatus,
    database,
    lock,
)
from shop import clock, jobs, pauses, settings, transitions
from shop.billing import ledger
from shop.errors import N_, PartyRejected, PartyUnavailable, Refusal
from shop.payment import banks, debts, refunds
from shop.payment.debts import Debt, PaymentUnderWay
from shop.payment.gateway import ChargeRequest, Checkout, CheckoutRequest, CheckoutStatus, Mandate

__all__ = ["PaymentUnderWay"]

log = structlog.get_logger()

WATCH_FIRST = timedelta(minutes=2)
WATCH_EVERY = timedelta(minutes=10)

BANK_SILENT = N_(
    "The bank is not answering at the moment. Nothing was charged; please try again in a minute."
)

BANK_REFUSED = N_("The bank could not open a payment page. Nothing was charged; please try again.")


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
        Payment.select().where(debts.paid_by(debt), Payment.status.in_(UNSETTLED)).first()
    )
    return found


def _taken_up(payment: Payment, store_card: bool) -> Payment | None:
    """The unsettled payment as the bank sees it now; None if it is over and a new one may start."""
    payment = refresh(payment)
    # A stored card may be charged any moment: nobody pays beside it.
    by_card = payment.card_id is not None and payment.is_unsettled
    if by_card or payment.status == PaymentStatus.PROCESSING:
        raise debts.under_way(debts.of(payment))
    if payment.status == PaymentStatus.OPEN and payment.store_card != store_card:
        payment = close(payment)
    over = payment.status in {PaymentStatus.DECLINED, PaymentStatus.CLOSED}
    return None if over else payment


def begin(debt: Debt, *, store_card: bool, by: str, card: Card | None = None) -> Payment:
    """A payment of ``debt`` on record and watched over; by ``card`` if the customer is away.

    Raises `Refusal` when it cannot be paid. Of two at once, both go on with one payment.
    """
    try:
        with database.atomic():
            debt = lock(debt)
            if not debt.is_payable:
                raise debts.not_payable(debt)
            payment = Payment.create(
                **debts.link(debt),
                card=card,
                key=secrets.token_urlsafe(24),
                amount_cents=debts.cents(debt),
                currency=debt.currency,
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
        rival = unsettled(debt)
        if rival is None:
            raise debts.not_payable(debt) from None
        return rival


def _open_checkout(payment: Payment, base_url: str) -> Payment:
    debt = debts.of(payment)
    try:
        checkout = banks.gateway().start_checkout(
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
        raise Refusal(BANK_SILENT) from error
    except PartyRejected as error:
        log.error("bank refused a checkout", of=debt.number, reason=str(error))
        _close_unopened(payment)
        raise Refusal(BANK_REFUSED) from error
    Payment.update(checkout=checkout.reference, checkout_url=checkout.url).where(
        Payment.id == payment.id
    ).execute()
    payment.checkout, payment.checkout_url = checkout.reference, checkout.url
    return settle(payment, checkout)


# --- Charging a stored card ------------------------------------------------------------------


def charge(debt: Debt, card: Card, by: str) -> Payment:
    """Have ``debt`` charged to a stored card, by a job queued in the caller's transaction.

    Raises `Refusal` when it cannot be paid. A payment that is under way already is the answer.
    """
    payment = begin(debt, store_card=False, by=by, card=card)
    jobs.enqueue("charge_card", f"charge_card:{payment.id}", payment=payment.id)
    return payment


@jobs.handles("charge_card", attempts=50, first_delay=timedelta(seconds=5))
def charge_card(payment: int) -> None:
    """Charge a stored card, once: the bank knows the payment's key. A no is its outcome, too."""
    row = Payment.get_by_id(payment)
    if not row.is_unsettled or row.checkout or row.card is None:
        return
    debt = debts.of(row)
    try:
        checkout = banks.gateway().charge(
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
        _close_unopened(row)
        return
    Payment.update(checkout=checkout.reference).where(Payment.id == row.id).execute()
    row.checkout = checkout.reference
    settle(row, checkout)


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
        raise debts.under_way(debts.of(payment))
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

    A success makes its order or invoice paid, and what hangs on it follows; if that is closed, or
    paid otherwise, all the money goes back.
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
    """The money is at the bank: it pays what it is for, or it goes back."""
    if PaymentStatus.SUCCEEDED not in PAYMENT_MOVES[payment.status]:
        return
    right_amount = (checkout.amount_cents, checkout.currency) == (
        payment.amount_cents,
        payment.currency,
    )
    taken: dict[str, Any] = {"taken_cents": checkout.amount_cents, "settled_at": clock.now()}
    debt = lock(debts.of(payment))
    if right_amount and debt.is_payable and payment.amount_cents == debts.cents(debt):
        transitions.move(payment, PaymentStatus.SUCCEEDED, by="bank", **taken)
        ledger.pay(payment, debt)
        debts.mark_paid(debt, payment, by="bank")
    else:
        note = "closed already" if right_amount else f"amount {checkout.amount_cents}"
        transitions.move(payment, PaymentStatus.REFUND_DUE, by="bank", note=note, **taken)
        ledger.pay(payment)
        refunds.owe(payment)
    if payment.store_card and checkout.mandate:
        keep_card(debt.account, checkout.mandate)


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


def pay_by_hand(debt: Debt, by: str) -> Payment:
    """The operator says that the money came otherwise (a transfer, say).

    Raises `Refusal` if it is not payable, `PaymentUnderWay` while a card is confirmed.
    """
    pending = unsettled(debt)
    if pending is not None:
        close(pending)
    with database.atomic():
        debt = lock(debt)
        if not debt.is_payable:
            raise debts.not_payable(debt)
        payment = Payment.create(
            **debts.link(debt),
            status=PaymentStatus.SUCCEEDED,
            method="manual",
            key=secrets.token_urlsafe(24),
            amount_cents=debts.cents(debt),
            currency=debt.currency,
            created_at=clock.now(),
            settled_at=clock.now(),
        )
        transitions.record(payment, "payment_succeeded", by=by, to_status=payment.status)
        ledger.pay(payment, debt)
        debts.mark_paid(debt, payment, by=by)
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
