"""Refunds: of a payment that paid nothing, of the part of one that an order's invoice does not
charge, or of the amount of a credit note.

Each attempt is a `Refund`, done when the bank says so: it is followed by notification and by
look-up. One that failed raises an alarm and can be asked for again, or be made by a transfer. What
was paid by transfer goes back by transfer: it waits for the operator
(`shop.payments.manual_refunds`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from peewee import ModelSelect, fn

from records.base import database, lock
from records.disputes import Dispute, DisputeStatus
from records.invoices import Invoice, InvoiceStatus
from records.ledger import LedgerEntry
from records.orders import Order, OrderStatus
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundOrigin, RefundStatus
from shop import clock, jobs, mail, transitions
from shop.errors import N_, PartyRejected, Refusal, ShopRefused
from shop.invoicing import ledger, order_invoices
from shop.jobs import kinds
from shop.payments import gateway, gateways, payables, refund_lists

log = structlog.get_logger()

NOT_REFUNDABLE = N_("Nothing is to be refunded for this.")

LOST = "dispute_lost"
"""Why a refund is not made: the bank has taken the payment back for its cardholder."""

LOOK_AGAIN = timedelta(hours=1)
"""The delay between two look-ups of a refund that is pending at the bank."""

WHILE_CONTESTED = timedelta(hours=6)
"""The delay between two looks at whether a bank has decided a dispute of the payment."""

LOOK_BACK = timedelta(days=5)
FOLLOWED_FOR = timedelta(days=30)
"""How often, and for how long, a refund that succeeded is looked up again: it may come back."""

Subject = Invoice | Payment
"""What a refund is for: a credit note, or a payment (the part of it that is not charged)."""


# --- Asking ----------------------------------------------------------------------------------


def refund_later(payment: Payment) -> None:
    """Ask for the refund of a whole payment (``refund_due``), in the caller's transaction."""
    _ask(payment, by="shop")


def _ask(subject: Subject, by: str) -> Refund:
    """Begin a refund and queue its job; one of a transfer waits for the operator."""
    row = create(subject, by=by, method=payment_of(subject).method)
    if not row.is_transfer:
        send_refund.later(refund=row.id)
    return row


def create(subject: Subject, *, by: str, method: str) -> Refund:
    """Begin a refund of what is due, in the caller's transaction."""
    payment, earlier = payment_of(subject), refunds_of(subject).count()
    name = f"refund-{subject.number if isinstance(subject, Invoice) else subject.key}"
    row = Refund.create(
        payment=payment,
        credit_note=subject if isinstance(subject, Invoice) else None,
        method=method,
        key=f"{name}-{earlier + 1}" if earlier else name,
        cents=cents_due(subject),
        created_at=clock.now(),
    )
    transitions.record(row, "refund_asked", by=by, to_status=row.status)
    return row


def cents_due(subject: Subject) -> int:
    """Return the cents to refund: no more than the bank has left of a payment disputed in part."""
    payment = payment_of(subject)
    cents = subject.refund_cents if isinstance(subject, Invoice) else subject.refund_due_cents
    return min(cents, left_of(payment)) if has_lost_part(payment) else cents


def has_lost_part(payment: Payment) -> bool:
    """Return whether a bank has taken a part of a payment back for good."""
    lost = Dispute.select().where(
        Dispute.payment == payment,
        Dispute.status == DisputeStatus.LOST,
        Dispute.withdrawn_cents > 0,
    )
    return bool(lost.exists())


def payment_of(subject: Subject) -> Payment:
    """Return the payment of which a credit note, or itself, is refunded."""
    return payment_for(subject.corrects) if isinstance(subject, Invoice) else subject


def refunds_of(subject: Subject) -> ModelSelect[Refund]:
    """Return the query for the attempts to refund a credit note or a payment, oldest first."""
    if isinstance(subject, Invoice):
        of_it = Refund.credit_note == subject
    else:
        of_it = (Refund.payment == subject) & Refund.credit_note.is_null()
        of_it &= Refund.origin != RefundOrigin.BANK
    return Refund.select().where(of_it).order_by(Refund.id)


def latest(subject: Subject) -> Refund | None:
    """Return the last attempt to refund a credit note or a whole payment, if any."""
    attempts = list(refunds_of(subject))
    return attempts[-1] if attempts else None


def is_due(subject: Subject) -> bool:
    """Return whether money is still to be given back for it."""
    if isinstance(subject, Invoice):
        return subject.is_refund_due
    if subject.has_succeeded:
        return has_rest_due(subject)
    return subject.status == PaymentStatus.REFUND_DUE


def has_rest_due(payment: Payment) -> bool:
    """Return whether a part of a kept payment is still to be given back, as it is not charged."""
    done = refunds_of(payment).where(Refund.status == RefundStatus.SUCCEEDED)
    return payment.has_succeeded and payment.uncharged_cents > 0 and not done.exists()


def refund_due_of(debt: payables.Debt) -> Subject:
    """Return what is to be refunded of a credit note, an order or an invoice.

    Raise `Refusal` where nothing is.
    """
    if isinstance(debt, Invoice) and debt.is_credit_note:
        return debt
    of_it = Payment.select().where(payables.for_debt(debt).is_paid_by).order_by(Payment.id)
    for payment in of_it:
        if is_due(payment):
            return payment
    raise Refusal(NOT_REFUNDABLE)


@kinds.refund_payment.handler(attempts=50, first_delay=timedelta(seconds=5))
def refund_payment(payment: int) -> None:
    """Ask for the refund of a payment that has none yet; idempotent."""
    _ask_first(Payment.get_by_id(payment))


@kinds.refund_credit_note.handler(attempts=50, first_delay=timedelta(seconds=5))
def refund_credit_note(credit_note: int) -> None:
    """Ask for the refund of a credit note whose invoice was paid; idempotent."""
    _ask_first(Invoice.get_by_id(credit_note))


def _ask_first(subject: Subject) -> None:
    with database.atomic():
        subject = lock(subject)
        if is_due(subject) and not refunds_of(subject).exists():
            _ask(subject, by="shop")


def ask_again(subject: Subject, by: str) -> Refund:
    """Ask the bank again for a refund that failed.

    Raise `Refusal` unless the last attempt was the bank's and failed.
    """
    with database.atomic():
        subject = lock(subject)
        last = latest(subject)
        if not is_due(subject) or last is None or not last.has_failed or last.is_transfer:
            raise Refusal(N_("Only a refund that failed can be asked for again."))
        return _ask(subject, by=by)


def request_refund(order: Order, by: str) -> Payment:
    """Ask for the refund of an order that could not be delivered.

    Raise `Refusal` for any other order.
    """
    with database.atomic():
        order = lock(order)
        payment = order_invoices.kept_payment(order)
        if order.status != OrderStatus.DELIVERY_FAILED or payment is None:
            raise Refusal(N_("Only a paid order whose delivery failed can be refunded."))
        refund_kept(payment, by)
        return payment


def is_lost(order: Order) -> bool:
    """Return whether the bank took the payment of an order back, and nothing of it is kept."""
    lost = (Payment.order == order) & (Payment.status == PaymentStatus.LOST)
    return order_invoices.kept_payment(order) is None and Payment.select().where(lost).exists()


def refund_kept(payment: Payment, by: str) -> None:
    """Ask for the refund of a whole payment that was kept, in the caller's transaction."""
    payment = lock(payment)
    transitions.move(payment, PaymentStatus.REFUND_DUE, by=by)
    refund_later(payment)


def is_contested(payment: Payment) -> bool:
    """Return whether a bank has taken a payment back for a dispute that it has not decided."""
    contested = Dispute.select().where(
        Dispute.payment == payment,
        Dispute.status == DisputeStatus.OPEN,
        Dispute.withdrawn_cents > 0,
    )
    return bool(contested.exists())


def left_of(payment: Payment) -> int:
    """Return the cents of a payment that were neither given back nor taken back by its bank."""
    moved = LedgerEntry.select(fn.COALESCE(fn.SUM(LedgerEntry.cents), 0))
    return -int(moved.where(LedgerEntry.payment == payment).scalar())


def give_up_lost(payment: Payment, invoice: Invoice | None) -> None:
    """Close what was to be given back of a payment that its bank took back: by that it is.

    Runs in the caller's transaction, which has locked the payment and the invoice it pays.
    """
    waiting = Refund.select().where(
        Refund.payment == payment,
        Refund.status == RefundStatus.ASKED,
        Refund.origin != RefundOrigin.BANK,
    )
    for row in list(waiting):
        transitions.move(row, RefundStatus.FAILED, by="bank", note=LOST, reason=LOST)
    for note in list(_notes_due(invoice)) if invoice is not None else []:
        transitions.move(note, InvoiceStatus.REFUNDED, by="bank", note=LOST)


def _notes_due(invoice: Invoice) -> ModelSelect[Invoice]:
    corrected = [invoice.id, invoice.replaces_id or 0]
    return Invoice.select().where(
        Invoice.corrects.in_(corrected), Invoice.status == InvoiceStatus.DUE
    )


def resume_lost(payment: Payment, invoice: Invoice) -> None:
    """Ask again for what `give_up_lost` closed of a payment that its bank gave back after all."""
    notes = Invoice.select().where(
        Invoice.corrects.in_([invoice.id, invoice.replaces_id or 0]),
        Invoice.status == InvoiceStatus.REFUNDED,
        Invoice.paid_at.is_null(),
        Invoice.offset_cents < Invoice.total_cents,
    )
    for note in list(notes):
        if any(event.note == LOST for event in transitions.history(note)):
            transitions.move(note, InvoiceStatus.DUE, by="bank", note="dispute won")
            _ask(note, by="shop")


def payment_for(invoice: Invoice) -> Payment:
    """Return the payment of an invoice, of its order, or of the invoice that it replaces.

    The largest, where the difference was paid apart. Raise `Payment.DoesNotExist`.
    """
    ids, replaced = [invoice.id], invoice.replaces
    while replaced is not None:
        ids.append(replaced.id)
        replaced = replaced.replaces
    of_it = Payment.invoice.in_(ids)
    if invoice.order_id is not None:
        of_it |= Payment.order == invoice.order_id
    paid = Payment.select().where(Payment.status == PaymentStatus.SUCCEEDED, of_it)
    return paid.order_by(Payment.amount_cents.desc()).get()


# --- At the bank -----------------------------------------------------------------------------


@jobs.handles("send_refund", attempts=50, first_delay=timedelta(seconds=5))
def send_refund(refund: int) -> None:
    """Have the bank make a refund; idempotent by its key. A refusal is a failure of the refund."""
    row = Refund.get_by_id(refund)
    if row.status != RefundStatus.ASKED or row.is_transfer:
        return
    if is_contested(row.payment):
        # A bank refunds no payment that it has taken back: it decides first.
        raise jobs.Later(WHILE_CONTESTED)
    row = _without_lost_part(row)
    try:
        answer = gateways.gateway().refund(row.payment.checkout or "", row.cents, row.key)
    except ShopRefused as error:
        gateways.record_refusal(refund_lists.number_of(row), error)
        raise jobs.Later(gateways.WATCH_EVERY) from error
    except PartyRejected as error:
        log.error("refund_refused", refund=row.id, reason=str(error))
        move(row, RefundStatus.FAILED, reason=error.code or "refused")
        return
    settle(row, answer)
    watch_refund.using(run_at=clock.now() + LOOK_AGAIN).later(refund=row.id)


def _without_lost_part(row: Refund) -> Refund:
    """Return a refund, less what its bank has taken back since it was asked for."""
    if has_lost_part(row.payment):
        with database.atomic():
            left = left_of(lock(row.payment))
            Refund.update(cents=left).where(
                Refund.id == row.id, Refund.status == RefundStatus.ASKED, Refund.cents > left
            ).execute()
    return Refund.get_by_id(row.id)


@jobs.handles("watch_refund", attempts=50, first_delay=timedelta(minutes=5))
def watch_refund(refund: int) -> None:
    """Look a refund up at the bank while it is pending, and for some weeks after it succeeded."""
    row = Refund.get_by_id(refund)
    if row.has_failed or not row.reference:
        return
    try:
        found = gateways.gateway().find_refund(row.reference)
    except PartyRejected as error:
        gateways.record_refusal(refund_lists.number_of(row), error)
        raise jobs.Later(LOOK_AGAIN) from error
    row = settle(row, found)
    if row.is_awaited:
        raise jobs.Later(LOOK_AGAIN)
    if not row.has_failed and clock.now() < row.created_at + FOLLOWED_FOR:
        raise jobs.Later(LOOK_BACK)


def apply_notified(answer: gateway.Refund) -> None:
    """Apply a notified refund: one that was asked for here, or one that the bank made on its own.

    That of another shop's payment changes nothing.
    """
    row = Refund.get_or_none(Refund.reference == answer.reference)
    if row is None and answer.key:
        row = Refund.get_or_none(Refund.key == answer.key)
    if row is None:
        row = _record_of_bank(answer)
    if row is not None:
        settle(row, answer)


def _record_of_bank(answer: gateway.Refund) -> Refund | None:
    """Record a refund that was made in the bank's dashboard.

    Where the same amount is due, and the refund that was asked for has failed, it is that one.
    """
    payment = Payment.get_or_none(Payment.checkout == answer.checkout)
    if payment is None or answer.amount_cents <= 0:
        return None
    with database.atomic():
        payment = lock(payment)
        row = Refund.get_or_none(Refund.reference == answer.reference)
        if row is not None:
            return row  # recorded by a notification at the same time
        subject = _failed_for(payment, answer.amount_cents)
        row = Refund.create(
            payment=payment,
            credit_note=subject if isinstance(subject, Invoice) else None,
            origin=RefundOrigin.SHOP if subject is not None else RefundOrigin.BANK,
            key=f"{RefundOrigin.BANK}-{answer.reference}"[:128],
            reference=answer.reference,
            cents=answer.amount_cents,
            created_at=clock.now(),
        )
        transitions.record(row, "refund_made_by_bank", by="bank", to_status=row.status)
    log.warning("refund_made_by_bank", refund=row.id, expected=subject is not None)
    return row


def _failed_for(payment: Payment, cents: int) -> Subject | None:
    """Return what a refund of a payment, of that amount, has failed for, if anything."""
    for row in refund_lists.failed().where(Refund.payment == payment, Refund.cents == cents):
        return row.credit_note if row.credit_note is not None else payment
    return None


def explain(row: Refund, *, by: str, text: str = "", note: Invoice | None = None) -> None:
    """Record why the bank made a refund on its own: a text, or the credit note issued for it.

    Runs in the caller's transaction. Raise `Refusal` unless nobody explained it, and the note is of
    the same payment and amount.
    """
    row = lock(row)
    if not row.is_of_bank or row.explanation or row.credit_note is not None:
        raise Refusal(N_("This refund was explained, or asked for, before."))
    if note is None:
        Refund.update(explanation=text[:255]).where(Refund.id == row.id).execute()
        transitions.record(row, "refund_explained", by=by, note=text)
        return
    if not note.is_refund_due or note.refund_cents != row.cents or refunds_of(note).exists():
        raise Refusal(N_("The credit note has another amount than this refund."))
    if payment_of(note).id != row.payment_id:
        raise Refusal(N_("The credit note is for another payment than this refund."))
    Refund.update(credit_note=note).where(Refund.id == row.id).execute()
    row.credit_note = note
    transitions.record(row, "refund_explained", by=by, note=note.number)
    ledger.explain_refund(row)
    if row.status == RefundStatus.SUCCEEDED:
        _finish(row, note, by)


def settle(row: Refund, answer: gateway.Refund) -> Refund:
    """Apply the bank's state to a refund; idempotent. Return it with its present status."""
    return move(row, str(answer.state), reference=answer.reference, reason=answer.reason)


def move(row: Refund, status: str, *, reason: str = "", by: str = "bank", **changes: Any) -> Refund:
    """Change the status of a refund, with all that follows, where that is possible."""
    with database.atomic():
        subject = _locked_subject(row)
        row = lock(row)
        if row.may_become(status):
            before, reason = row.status, reason[:64]
            if status == RefundStatus.SUCCEEDED:
                changes.setdefault("settled_at", clock.now())
            transitions.move(row, status, by=by, note=reason, reason=reason, **changes)
            _apply(row, subject, before, by)
    return row


def _locked_subject(row: Refund) -> Subject:
    """Lock what a refund is for, the order or invoice before its payment."""
    if row.credit_note is not None:
        note: Invoice = lock(row.credit_note)
        return note
    lock(payables.paid_by(row.payment).row)
    payment: Payment = lock(row.payment)
    return payment


def _apply(row: Refund, subject: Subject, before: str, by: str) -> None:
    """Post what a refund's new status means, and tell the customer."""
    own = row.is_of_bank and row.credit_note is None
    if row.status == RefundStatus.SUCCEEDED:
        ledger.post_refund(row)
        if own:
            mail.refunded_by_bank(row)
        else:
            _finish(row, subject, by)
    elif row.status == RefundStatus.FAILED:
        log.error("refund_failed", refund=row.id, reason=row.reason)
        if before == RefundStatus.SUCCEEDED:
            ledger.post_returned_refund(row)
            if not own:
                _reopen(row, subject)
        if not own:
            mail.refund_failed(row)


def _finish(row: Refund, subject: Subject, by: str) -> None:
    if isinstance(subject, Invoice):
        transitions.move(
            subject, InvoiceStatus.REFUNDED, by=by, note=row.reference or "",
            paid_at=row.settled_at, method=row.method,
        )  # fmt: skip
        if row.is_transfer or refunds_of(subject).count() > 1:
            mail.credit_note_refunded(subject, row)
        _lose_if_nothing_is_left(row.payment)
    elif subject.has_succeeded:
        payables.paid_by(subject).mark_rest_refunded(subject, row)
        _lose_if_nothing_is_left(subject)
    else:
        if not _lose_if_nothing_is_left(subject):
            transitions.move(
                subject, PaymentStatus.REFUNDED, by=by, refund=(row.reference or "")[:128]
            )
        payables.paid_by(subject).mark_refunded(subject, row)


def _lose_if_nothing_is_left(payment: Payment) -> bool:
    """Count a payment as lost whose bank took a part back, once the rest is given back."""
    payment = lock(payment)
    if not has_lost_part(payment) or left_of(payment) or not payment.may_become(PaymentStatus.LOST):
        return False
    return transitions.move(payment, PaymentStatus.LOST, by="bank", note="nothing is left")


def _reopen(row: Refund, subject: Subject) -> None:
    """Undo what `_finish` did: the money is to be refunded once more."""
    if isinstance(subject, Invoice):
        transitions.move(subject, InvoiceStatus.DUE, by="bank", note=row.reason, paid_at=None)
    elif not subject.has_succeeded:
        transitions.move(subject, PaymentStatus.REFUND_DUE, by="bank", note=row.reason)
        payables.paid_by(subject).reopen_refunded()
