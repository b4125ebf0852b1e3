"""Refunds: made once for each key, pending for a while, then done or failed."""

from __future__ import annotations

from typing import Any

from sandbox import clock, switches
from sandbox.api_errors import ApiRefusal
from sandbox.bank import checkouts, ledger, notifications
from sandbox.bank.models import Checkout, Refund, RefundState
from sandbox.database import database

FAILURE = "declined_by_cardholders_bank"
"""The reason given for a refund that failed."""


def refund_checkout(key: str, reference: str, amount_cents: int) -> Refund:
    """Refund a checkout, once for each key. Raises `ApiRefusal` if it cannot be refunded."""

    def make() -> str:
        return begin_refund(reference, amount_cents, key).reference

    wanted = {"act": "refund", "checkout": reference, "amount_cents": amount_cents}
    return find_refund(checkouts.create_once(key, wanted, make))


def begin_refund(reference: str, amount_cents: int, key: str = "") -> Refund:
    """Begin a refund; the switches say when it is settled, and how.

    Without a ``key`` it is one of the bank's dashboard. Runs in the caller's transaction.
    """
    checkout = Checkout.get_or_none(Checkout.reference == reference)
    if checkout is None:
        raise checkouts.unknown_checkout()
    fails = switches.consume("refunds_failing")
    delay = float(switches.value("refund_delay"))
    refund = ledger.book_refund(
        checkout,
        amount_cents,
        key=key,
        state=RefundState.PENDING,
        outcome=RefundState.FAILED if fails else RefundState.SUCCEEDED,
        due_at=clock.now() + delay,
    )
    if delay:
        notifications.enqueue_refund(refund.reference)
    else:
        settle_refund(refund.reference)
    return Refund.get_by_id(refund.reference)


def find_refund(reference: str) -> Refund:
    """Return a refund, after settling it if that is due. Raises `ApiRefusal` if unknown."""
    refund = Refund.get_or_none(Refund.reference == reference)
    if refund is None:
        raise ApiRefusal(404, "unknown_refund", "There is no such refund.")
    if _is_due(refund):
        settle_refund(reference)
        return Refund.get_by_id(reference)
    return refund


def settle_refund(reference: str) -> None:
    """Give a pending refund its outcome. Idempotent."""
    refund = Refund.get_by_id(reference)
    if refund.outcome == RefundState.FAILED:
        _fail(reference, RefundState.PENDING)
    else:
        _move(reference, RefundState.PENDING, RefundState.SUCCEEDED)


def fail_refund(reference: str) -> Refund:
    """Have the cardholder's bank send a refund back, pending or done; idempotent."""
    refund = find_refund(reference)
    if refund.state != RefundState.FAILED:
        _fail(reference, refund.state)
    return Refund.get_by_id(reference)


def process_due_refunds() -> None:
    """Settle the refunds that are due."""
    due = Refund.select(Refund.reference).where(
        Refund.state == RefundState.PENDING, Refund.due_at <= clock.now()
    )
    for refund in list(due):
        settle_refund(refund.reference)


def is_any_pending() -> bool:
    """Whether the outcome of a refund is still to come."""
    return Refund.select().where(Refund.state == RefundState.PENDING).exists()


def _is_due(refund: Refund) -> bool:
    return refund.state == RefundState.PENDING and (refund.due_at or 0) <= clock.now()


def _fail(reference: str, before: str) -> None:
    with database.atomic():
        if _move(reference, before, RefundState.FAILED, reason=FAILURE):
            ledger.book_returned_refund(Refund.get_by_id(reference))


def _move(reference: str, before: str, after: str, **changes: Any) -> bool:
    """Move a refund by compare-and-set and notify the shop; False if another process was first."""
    with database.atomic():
        moved = (
            Refund.update(state=after, **changes)
            .where(Refund.reference == reference, Refund.state == before)
            .execute()
        )
        if moved:
            notifications.enqueue_refund(reference)
    return bool(moved)
