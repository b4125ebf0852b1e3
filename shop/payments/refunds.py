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
from peewee import ModelSelect

from records.base import database, lock
from records.invoices import Invoice, InvoiceStatus
from records.orders import Order, OrderStatus
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundOrigin, RefundStatus
from shop import clock, jobs, mail, transitions
from shop.errors import N_, PartyRejected, Refusal, ShopRefused
from shop.invoicing import account_credits, ledger, order_invoices
from shop.jobs import kinds
from shop.payments import gateway, gateways, refund_lists, refundables, taken_back
from shop.payments.refundables import Part, Refundable, RefundableNote, RefundablePayment

log = structlog.get_logger()

LOST = "dispute_lost"
"""Why a refund is not made: the bank has taken the payment back for its cardholder."""

NOTHING_LEFT = "nothing_left"
"""Why a refund is not asked for: no payment of the invoice has that much left."""

LOOK_AGAIN = timedelta(hours=1)
"""The delay between two look-ups of a refund that is pending at the bank."""

WHILE_CONTESTED = timedelta(hours=6)
"""The delay between two looks at whether a bank has decided a dispute of the payment."""

LOOK_BACK = timedelta(days=5)
FOLLOWED_FOR = timedelta(days=30)
"""How often, and for how long, a refund that succeeded is looked up again: it may come back."""

# --- Asking ----------------------------------------------------------------------------------


def refund_later(payment: Payment) -> None:
    """Ask for the refund of a whole payment (``refund_due``), in the caller's transaction."""
    _ask(RefundablePayment(payment), by="shop")


def _ask(refundable: Refundable, by: str, *, again: bool = False) -> list[Refund]:
    """Begin a refund of each payment and queue its job; one of a transfer waits for the operator.

    What no payment has fails at once, for the operator to see; ``again``, it failed before.
    """
    rows = []
    for part in refundable.parts():
        is_asked = part.is_left or part.payment.is_transfer
        if is_asked and _is_added_to_awaited(refundable, part):
            continue
        if is_asked or not again:
            row = create(refundable, part, by=by, method=part.payment.method)
            rows.append(row)
            if not is_asked:
                move_refund(row, RefundStatus.FAILED, by=by, reason=NOTHING_LEFT)
            elif not row.is_transfer:
                send_refund.later(refund=row.id)
    return rows


def _is_added_to_awaited(refundable: Refundable, part: Part) -> bool:
    """Return whether a refund of the payment is awaited: a part is added to one that was not sent.

    What is not added is asked for once that one is made.
    """
    awaited = refundable.refunds.where(
        Refund.payment == part.payment,
        Refund.status.in_([RefundStatus.ASKED, RefundStatus.PENDING]),
    )
    row: Refund | None = awaited.first()
    if row is not None and not row.is_sent and row.status == RefundStatus.ASKED:
        Refund.update(cents=Refund.cents + part.cents).where(Refund.id == row.id).execute()
    return row is not None


def create(refundable: Refundable, part: Part, *, by: str, method: str) -> Refund:
    """Begin a refund of a part of what is due, in the caller's transaction."""
    earlier = refundable.refunds.count()
    row = Refund.create(
        payment=part.payment,
        credit_note=refundable.credit_note,
        method=method,
        key=f"{refundable.key}-{earlier + 1}" if earlier else refundable.key,
        cents=part.cents,
        created_at=clock.now(),
    )
    transitions.record(row, "refund_asked", by=by, to_status=row.status)
    return row


@kinds.refund_payment.handler(attempts=50, first_delay=timedelta(seconds=5))
def refund_payment(payment: int) -> None:
    """Ask for the refund of a payment that has none yet; idempotent."""
    _ask_first(RefundablePayment(Payment.get_by_id(payment)))


@kinds.refund_credit_note.handler(attempts=50, first_delay=timedelta(seconds=5))
def refund_credit_note(credit_note: int) -> None:
    """Ask for the refund of a credit note whose invoice was paid; idempotent."""
    _ask_first(RefundableNote(Invoice.get_by_id(credit_note)))


def _ask_first(refundable: Refundable) -> None:
    with database.atomic():
        refundable = refundable.locked()
        if refundable.is_due and not refundable.refunds.exists():
            refundable.absorb_losses(by="shop")
            _ask(refundable, by="shop")


def ask_again(refundable: Refundable, by: str) -> list[Refund]:
    """Ask the bank again for the refunds that failed of a credit note or a payment.

    Raise `Refusal` unless an attempt was the bank's and failed, and where no payment has that much
    left.
    """
    with database.atomic():
        refundable = refundable.locked()
        if not refundable.is_due or not refundable.has_failed:
            raise Refusal(N_("Only a refund that failed can be asked for again."))
        is_due = refundable.absorb_losses(by=by)
        rows = _ask(refundable, by=by, again=True)
        if is_due and not rows:
            raise Refusal(N_("No payment has that much left: give the money back by transfer."))
        return rows


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


def give_up_lost(payment: Payment) -> None:
    """Close the refunds that wait of a payment that its bank took back: by that it is given back.

    Runs in the caller's transaction, which has locked the payment.
    """
    waiting = Refund.select().where(
        Refund.payment == payment,
        Refund.status == RefundStatus.ASKED,
        Refund.origin != RefundOrigin.BANK,
    )
    for row in list(waiting):
        transitions.move(row, RefundStatus.FAILED, by="bank", note=LOST, reason=LOST)


def absorb_lost(payment: Payment, invoice: Invoice) -> None:
    """Let the credit notes that are due of an invoice absorb what a bank took back of its payment.

    Runs in the caller's transaction, which has locked both.
    """
    for note in list(_notes_due(invoice)):
        RefundableNote(note).absorb_of(payment, by="bank")


def _notes_due(invoice: Invoice) -> ModelSelect[Invoice]:
    return Invoice.select().where(
        Invoice.corrects.in_(account_credits.with_replaced(invoice)),
        Invoice.status == InvoiceStatus.DUE,
    )


def unasked_of(invoice: Invoice) -> int:
    """Return the cents of the credit notes of an invoice that are due and no attempt gives back."""
    return sum(max(0, RefundableNote(note).unasked) for note in _notes_due(invoice))


def ask_for_due(invoice: Invoice) -> None:
    """Ask for what no attempt gives back of the credit notes of an invoice that are due."""
    for note in list(_notes_due(invoice)):
        _ask(RefundableNote(note), by="shop")


def ask_for_rest(payment: Payment) -> None:
    """Ask for what no attempt gives back of a payment that is kept, and no invoice charges."""
    refundable = RefundablePayment(payment)
    if refundable.is_due:
        _ask(refundable, by="shop")


# --- At the bank -----------------------------------------------------------------------------


@jobs.handles("send_refund", attempts=50, first_delay=timedelta(seconds=5))
def send_refund(refund: int) -> None:
    """Have the bank make a refund; idempotent by its key. A refusal is a failure of the refund."""
    row = Refund.get_by_id(refund)
    if row.status != RefundStatus.ASKED or row.is_transfer:
        return
    if taken_back.is_contested(row.payment):
        # A bank refunds no payment that it has taken back: it decides first.
        raise jobs.Later(WHILE_CONTESTED)
    row = _ready(row)
    if row.status != RefundStatus.ASKED:
        return
    try:
        answer = gateways.gateway().refund(row.payment.checkout or "", row.cents, row.key)
    except ShopRefused as error:
        gateways.record_refusal(refund_lists.number_of(row), error)
        raise jobs.Later(gateways.WATCH_EVERY) from error
    except PartyRejected as error:
        log.error("refund_refused", refund=row.id, reason=str(error))
        move_refund(row, RefundStatus.FAILED, reason=error.code or "refused")
        return
    settle(row, answer)
    watch_refund.using(run_at=clock.now() + LOOK_AGAIN).later(refund=row.id)


def _ready(row: Refund) -> Refund:
    """Return a refund, less what its bank has taken back since it was asked for.

    Its credit note absorbs that; where it is all of the refund, that has failed. One that was sent
    before, and of which no answer came, may have been made: it is sent again as it is.
    """
    if row.is_sent:
        return row
    with database.atomic():
        refundable = refundables.locked_of_refund(row)
        row = lock(row)
        if row.status == RefundStatus.ASKED:
            if taken_back.has_lost_part(row.payment):
                _take_off(row, refundable)
            Refund.update(is_sent=True).where(Refund.id == row.id).execute()
    return Refund.get_by_id(row.id)


def _take_off(row: Refund, refundable: Refundable) -> None:
    """Take what the bank has taken back off a refund, in the caller's transaction."""
    left = row.cents
    if isinstance(refundable, RefundableNote):
        # What was lost of a payment that is lost in whole is owed again.
        left -= 0 if row.payment.is_lost else refundable.absorb_for(row)
    else:
        left = min(left, left + refundable.unasked)
    left = min(left, taken_back.left_of(lock(row.payment)))
    if left > 0:
        Refund.update(cents=left).where(Refund.id == row.id).execute()
        return
    transitions.move(row, RefundStatus.FAILED, by="bank", note=LOST, reason=LOST)
    if isinstance(refundable, RefundableNote):
        refundable.close_if_given_back(by="bank")


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


def settle(row: Refund, answer: gateway.Refund) -> Refund:
    """Apply the bank's state to a refund; idempotent. Return it with its present status."""
    return move_refund(row, str(answer.state), reference=answer.reference, reason=answer.reason)


def move_refund(
    row: Refund, status: str, *, reason: str = "", by: str = "bank", **changes: Any
) -> Refund:
    """Change the status of a refund, with all that follows, where that is possible."""
    with database.atomic():
        refundable = refundables.locked_of_refund(row)
        row = lock(row)
        if row.may_become(status):
            before, reason = row.status, reason[:64]
            if status == RefundStatus.SUCCEEDED:
                changes.setdefault("settled_at", clock.now())
            transitions.move(row, status, by=by, note=reason, reason=reason, **changes)
            _apply(row, refundable, before, by)
    return row


def _apply(row: Refund, refundable: Refundable, before: str, by: str) -> None:
    """Post what a refund's new status means, and tell the customer."""
    own = row.is_of_bank and row.credit_note is None
    if row.status == RefundStatus.SUCCEEDED:
        ledger.post_refund(row)
        if own:
            mail.refunded_by_bank(row)
        else:
            refundable.close(row, by)
            of_note = isinstance(refundable, RefundableNote) and refundable.is_due
            if of_note and not row.is_transfer and not refundable.has_failed:
                _ask(refundable, by="shop")
    elif row.status == RefundStatus.FAILED:
        log.error("refund_failed", refund=row.id, reason=row.reason)
        if before == RefundStatus.SUCCEEDED:
            ledger.post_returned_refund(row)
            if not own:
                refundable.reopen(row)
        if not own:
            mail.refund_failed(row)
