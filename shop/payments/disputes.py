"""Disputes: on record and in the ledger, told to the customer; the card is charged no more.

A payment that is lost in full pays nothing any more (`shop.payments.losses`).
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from peewee import ModelSelect

from records.base import database, lock
from records.cards import Card
from records.disputes import Dispute, DisputeStatus
from records.payments import Payment
from shop import clock, jobs, mail, transitions
from shop.errors import PartyRejected
from shop.invoicing import ledger
from shop.payments import cards, gateway, gateways, losses, payables

log = structlog.get_logger()

LOOK_AGAIN = timedelta(days=1)
"""The delay between two look-ups of an open dispute: banks take weeks."""

DISPUTED = "disputed"
"""Why a card is charged no more."""


def apply_notified(answer: gateway.Dispute) -> None:
    """Apply a notified dispute; idempotent. That of another shop's payment changes nothing."""
    payment = Payment.get_or_none(Payment.checkout == answer.checkout)
    if payment is not None:
        settle(payment, answer)


def settle(payment: Payment, answer: gateway.Dispute) -> Dispute:
    """Record a dispute of a payment as the bank has it today; idempotent.

    The first time, the bank is asked for the card it was paid with, outside the transaction.
    """
    is_known = Dispute.select().where(Dispute.reference == answer.reference).exists()
    card = None if is_known else disputed_card(payment)
    with database.atomic():
        lock(payables.paid_by(payment).row)
        payment = lock(payment)
        row = _record(payment, answer, card)
        has_come_back = _apply_withdrawal(row, answer.withdrawn_cents) < 0
        if row.may_become(str(answer.state)):
            transitions.move(
                row, str(answer.state), by="bank", note=answer.reason,
                reason=answer.reason[:64], settled_at=clock.now(),
            )  # fmt: skip
            log.warning("dispute_decided", dispute=row.id, outcome=row.status)
            has_come_back = has_come_back or row.status == DisputeStatus.WON
        losses.apply_decision(row, payment, has_come_back=has_come_back)
    return row


def _record(payment: Payment, answer: gateway.Dispute, card: Card | None) -> Dispute:
    """Return the row of a dispute; on the first news of it, remove the card and e-mail."""
    row = Dispute.get_or_none(Dispute.reference == answer.reference)
    if row is not None:
        return row
    row = Dispute.create(
        payment=payment,
        reference=answer.reference,
        cents=answer.amount_cents,
        reason=answer.reason[:64],
        created_at=clock.now(),
    )
    transitions.record(row, "dispute_opened", by="bank", note=answer.reason, to_status=row.status)
    log.error("payment_disputed", dispute=row.id, payment=payment.id, reason=answer.reason)
    if card is not None:
        cards.mark_removed(card, DISPUTED)
    mail.payment_disputed(row, card)
    watch_dispute.using(run_at=clock.now() + LOOK_AGAIN).later(dispute=row.id)
    return row


def _apply_withdrawal(row: Dispute, withdrawn_cents: int) -> int:
    """Post what the bank has withdrawn or, negative, given back since the last news; return it."""
    more = withdrawn_cents - row.withdrawn_cents
    if more:
        Dispute.update(withdrawn_cents=withdrawn_cents).where(Dispute.id == row.id).execute()
        row.withdrawn_cents = withdrawn_cents
        ledger.post_dispute(row, more)
    return more


def disputed_card(payment: Payment) -> Card | None:
    """Return the stored card that a payment was made with: charged, or kept at that occasion."""
    if payment.card is not None:
        return payment.card
    if not payment.store_card or not payment.checkout:
        return None
    with gateways.answers_awaited(payment.checkout) as bank:
        mandate = bank.find_checkout(payment.checkout).mandate
    return Card.get_or_none(Card.mandate == mandate.reference) if mandate else None


@jobs.handles("watch_dispute", attempts=50, first_delay=timedelta(minutes=5))
def watch_dispute(dispute: int) -> None:
    """Look an open dispute up at the bank until it is decided."""
    row = Dispute.get_by_id(dispute)
    if not row.is_open:
        return
    try:
        answer = gateways.gateway().find_dispute(row.reference)
    except PartyRejected as error:
        gateways.record_refusal(row.reference, error)
        raise jobs.Later(LOOK_AGAIN) from error
    if settle(row.payment, answer).is_open:
        raise jobs.Later(LOOK_AGAIN)


def open_disputes() -> ModelSelect[Dispute]:
    """Return the query for disputes that the bank has not decided, oldest first."""
    return Dispute.select().where(Dispute.status == DisputeStatus.OPEN).order_by(Dispute.id)


def is_lost_by(payment: Payment, dispute: Dispute | None) -> bool:
    """Return whether a part of a payment that still counts was lost in a dispute."""
    if dispute is None or dispute.payment_id != payment.id:
        return False
    return payment.has_succeeded and dispute.is_lost and dispute.withdrawn_cents > 0


def latest_of(payments: list[Payment]) -> Dispute | None:
    """Return the newest dispute of some payments, if any."""
    ids = [payment.id for payment in payments if payment.taken_cents]
    if not ids:
        return None
    return Dispute.select().where(Dispute.payment.in_(ids)).order_by(Dispute.id.desc()).first()
