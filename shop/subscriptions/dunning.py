"""Dunning: collection of renewal invoices, retries, suspension and the notice of termination.

The stored card is charged at once; where that fails, again after 3, 7 and 14 days, with an e-mail
each time. Then the group is suspended; payment resumes it. After 60 days of suspension a notice of
15 days is sent, after which the group ends (general terms, article 10).

A payment that the bank takes back for good counts as the first failure: its day is that of the
loss, and no card is charged on it.

Each delay counts from the stage before, so that an outage of the shop shortens no customer's time.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from records.base import database, lock
from records.invoices import Invoice, InvoiceStatus
from records.payments import Payment, PaymentStatus
from records.subscriptions import Reminder, Renewal, Subscription, SubscriptionStatus
from shop import clock, jobs, mail, transitions
from shop.invoicing import receivables
from shop.jobs import kinds
from shop.payments import gateways, mandates, outcomes, payables, payments
from shop.sandbox_link import test_points
from shop.subscriptions import interventions, resumption, terminations

log = structlog.get_logger()

WAITS = receivables.WAITS
suspended_on = receivables.suspended_on

LAST_ATTEMPT = len(WAITS)
NOTICE_AFTER = timedelta(days=60)
NOTICE_LENGTH = timedelta(days=15)

ASK_AGAIN = timedelta(minutes=10)
"""The delay before a payment under way is looked at again."""

NO_CARD = "no_card"


# --- Collection ------------------------------------------------------------------------------


def _collect_later(invoice: Invoice, stage: int) -> None:
    at, key = clock.now() + WAITS[stage - 1], None
    taken_back_at = receivables.taken_back_at(invoice)
    if taken_back_at is not None:
        # The stage may have been reached before, when the payment was not made yet.
        key = f"{collect_invoice.key(invoice.id, stage)}:{taken_back_at.isoformat()}"
    collect_invoice.using(run_at=at, key=key).later(invoice=invoice.id, stage=stage)


@kinds.collect_invoice.handler(attempts=500, first_delay=timedelta(seconds=20))
def collect_invoice(invoice: int, stage: int) -> None:
    """Charge an invoice to the stored card, unless it has been settled otherwise; idempotent."""
    row = Invoice.get_by_id(invoice)
    subscription = receivables.subscription_of(row)
    if subscription is None or not row.is_payable or not _is_reached(row, stage):
        return
    attempt = _begin_attempt(row, subscription, stage)
    if attempt.failed_at is None:
        reason = _outcome_of(attempt)
        if reason:
            _handle_failure(row, subscription, attempt, reason)


def _is_reached(invoice: Invoice, stage: int) -> bool:
    """Return whether the stage before failed long enough ago.

    It did not where an invoice was paid, and the payment lost since: its stages began again.
    """
    if stage == 0:
        return True
    failed = (Reminder.stage == stage - 1) & (Reminder.failed_at <= clock.now() - WAITS[stage - 1])
    return bool(Reminder.select().where(Reminder.invoice == invoice, failed).exists())


def _begin_attempt(invoice: Invoice, subscription: Subscription, stage: int) -> Reminder:
    """Return the only attempt of a stage; begin it unless it exists.

    Raise `jobs.Later` while the customer is paying, or the bank is unavailable.
    """
    begun: Reminder | None = Reminder.get_or_none(
        Reminder.invoice == invoice, Reminder.stage == stage
    )
    if begun is not None:
        return begun
    _close_customer_payment(invoice)
    test_points.point("dunning.attempt")
    with database.atomic():
        # The invoice first, in the order in which settlement locks them: the other order could
        # deadlock.
        lock(invoice)
        lock(subscription)
        card = mandates.card_of(subscription)
        payment = (
            payments.open_payment(invoice, store_card=False, by="shop", card=card) if card else None
        )
        return Reminder.create(invoice=invoice, stage=stage, payment=payment, at=clock.now())


def _close_customer_payment(invoice: Invoice) -> None:
    """Close a checkout that the customer left open, so that the invoice is not paid twice."""
    pending = payments.unsettled_payment(invoice)
    if pending is not None:
        try:
            outcomes.close_payment(pending)
        except (payables.PaymentUnderWay, gateways.BankUnavailable):
            raise jobs.Later(ASK_AGAIN) from None


def _outcome_of(attempt: Reminder) -> str:
    """Return why an attempt failed; "" if it was paid.

    Raise `jobs.Later` while the outcome is open, and `PartyUnavailable` without the bank's answer.
    """
    if attempt.payment_id is None:
        return NO_CARD
    payments.charge_card(attempt.payment_id)
    payment = Payment.get_by_id(attempt.payment_id)
    if payment.is_unsettled:
        raise jobs.Later(ASK_AGAIN)
    # The amount due had changed during the charge: it is refunded in full and pays nothing.
    refunded = {PaymentStatus.REFUND_DUE, PaymentStatus.REFUNDED}
    failed = {PaymentStatus.DECLINED, PaymentStatus.CLOSED} | refunded
    return str(payment.reason or payment.status) if payment.status in failed else ""


def _handle_failure(
    invoice: Invoice, subscription: Subscription, attempt: Reminder, reason: str
) -> None:
    """Advance to the next stage, once: an e-mail and another attempt, or the suspension."""
    with database.atomic():
        unpaid, row, stage = lock(invoice), lock(subscription), attempt.stage
        if not unpaid.is_payable or not _mark_failed(attempt, reason):
            return
        if unpaid.status == InvoiceStatus.DUE:
            transitions.move(unpaid, InvoiceStatus.UNPAID, by="bank", note=reason)
        if row.status == SubscriptionStatus.ACTIVE:
            transitions.move(row, SubscriptionStatus.PAST_DUE, by="bank", note=reason)
        if stage < LAST_ATTEMPT:
            card, next_at = mandates.card_of(row), clock.now() + WAITS[stage]
            mail.payment_failed(
                row, unpaid, stage, next_at, card, reason=reason,
                pay_before=suspended_on(clock.now(), stage), is_last=stage + 1 == LAST_ATTEMPT,
                taken_back_at=receivables.taken_back_at(unpaid),
            )  # fmt: skip
            _collect_later(unpaid, stage + 1)
        elif row.status == SubscriptionStatus.PAST_DUE:
            suspend(row, unpaid, by="shop")


def _mark_failed(attempt: Reminder, reason: str) -> bool:
    """Record that an attempt failed (compare-and-set); return False if it was recorded before."""
    return bool(
        Reminder.update(failed_at=clock.now(), reason=reason[:64])
        .where(Reminder.id == attempt.id, Reminder.failed_at.is_null())
        .execute()
    )


# --- Suspension and notice of termination -----------------------------------------------------


def suspend(subscription: Subscription, invoice: Invoice, by: str) -> None:
    """Suspend a group until it is paid; unpaid orders of licences for it are cancelled.

    Runs in the caller's transaction, which has locked the subscription.
    """
    interventions.suspend_now(subscription, by=by, note="unpaid")
    group, number = subscription.group_id, subscription.suspensions
    notice_at = clock.now() + NOTICE_AFTER
    give_notice.using(key=f"give_notice:{group}:{number}", run_at=notice_at).later(
        subscription=subscription.id, suspension=number
    )
    mail.service_suspended(subscription, invoice)


@jobs.handles("give_notice", attempts=50)
def give_notice(subscription: int, suspension: int) -> None:
    """Schedule the end of a service suspended for 60 days, 15 days ahead, and e-mail the notice."""
    with database.atomic():
        row = lock(Subscription(id=subscription))
        if row.status != SubscriptionStatus.SUSPENDED or row.suspensions != suspension:
            return
        unpaid = receivables.unpaid_invoices(row.group_id)
        if not unpaid:
            return  # written off, or paid by a customer who asked for the end
        invoice = unpaid[0]
        Reminder.create(
            invoice=invoice, stage=receivables.NOTICE, at=clock.now(), failed_at=clock.now()
        )
        # The end is at midnight: a day more, so that the customer has the full notice.
        ends_on = clock.day_of(clock.now() + NOTICE_LENGTH) + timedelta(days=1)
        termination = terminations.schedule_for_unpaid(row, ends_on)
        mail.termination_notice(row, invoice, termination.day)


# --- Payment ---------------------------------------------------------------------------------


@kinds.invoice_settled.receiver
def resume_settled(invoice: Invoice) -> None:
    """Resume a subscription once its last unpaid invoice is paid; idempotent.

    An invoice that was credited resumes no suspended service: the operator does, with a reason.
    Runs in the transaction that settles ``invoice``.
    """
    subscription = receivables.subscription_of(invoice)
    if subscription is None:
        return
    row = lock(subscription)
    is_paid = invoice.status == InvoiceStatus.PAID
    if not is_paid:
        # Credited before its day: the period will be charged again.
        Renewal.delete().where(Renewal.invoice == invoice, Renewal.opened_at.is_null()).execute()
    if any(other.id != invoice.id for other in receivables.unpaid_invoices(row.group_id)):
        return
    if row.status == SubscriptionStatus.PAST_DUE:
        transitions.move(row, SubscriptionStatus.ACTIVE, by="bank")
    elif row.is_suspended and is_paid:
        resumption.resume_paid(row)


@kinds.invoice_reopened.receiver
def collect_again(invoice: Invoice) -> None:
    """Mark the service of an invoice that is owed again as unpaid, and begin its stages again.

    An invoice issued ahead is collected from the day on which its period begins.
    """
    subscription = receivables.subscription_of(invoice)
    if subscription is None or not receivables.has_begun(invoice):
        return
    row = lock(subscription)
    if row.status == SubscriptionStatus.ACTIVE:
        transitions.move(row, SubscriptionStatus.PAST_DUE, by="bank", note=invoice.number)
    Reminder.delete().where(Reminder.invoice == invoice).execute()
    now = clock.now()
    Reminder.create(invoice=invoice, stage=0, reason=receivables.TAKEN_BACK, at=now, failed_at=now)
    _collect_later(invoice, 1)
