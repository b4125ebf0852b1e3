"""Refunds that the operator makes by transfer, and records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from records.base import database
from records.jobs import Job, JobStatus
from records.payment_methods import PaymentMethod
from records.refunds import Refund, RefundStatus
from shop import clock
from shop.errors import N_, Refusal
from shop.payments import refunds, transfer_days
from shop.payments.refundables import NOT_REFUNDABLE, Refundable

STILL_ASKED = N_("The bank is still being asked for this refund.")


def cents_of(refundable: Refundable) -> int:
    """Return the cents of a transfer that is recorded now: all that the bank is not asked for."""
    waiting = [row for row in refundable.refunds if row.is_awaited]
    return sum(row.cents for row in waiting if _is_left_to_us(row)) + refundable.open_cents


def record_transfer(refundable: Refundable, *, by: str, day: date, reference: str) -> list[Refund]:
    """Record that the operator transferred the money back on a day, with the bank's reference.

    One transfer gives back all that the bank is not asked for, of each payment. Raise `Refusal`
    where no refund is due, or the bank may still make it, and as `transfer_days.check_day`.
    """
    transfer_days.check_day(day)
    if not reference.strip():
        raise Refusal(N_("Give the reference of the transfer."))
    with database.atomic():
        return [
            refunds.move_refund(
                row, RefundStatus.SUCCEEDED, by=by, reference=reference.strip()[:128],
                settled_at=clock.now() if day == clock.today() else clock.midnight(day),
            )
            for row in _transfers_of(refundable.locked(), by)
        ]  # fmt: skip


def _transfers_of(refundable: Refundable, by: str) -> Iterator[Refund]:
    """Yield the refunds by transfer of a refundable; begin those where the bank's failed.

    Each is to be recorded before the next one begins.
    """
    if not refundable.is_due:
        raise Refusal(NOT_REFUNDABLE)
    attempts = list(refundable.refunds)
    for row in attempts:
        if row.is_awaited and not row.is_transfer and _is_given_up(row):
            refunds.move_refund(row, RefundStatus.FAILED, by=by, reason="given_up")
    if not refundable.absorb_losses(by=by):
        return
    parts = refundable.parts()
    if not attempts and not all(part.payment.is_transfer for part in parts):
        raise Refusal(STILL_ASKED)
    waiting = [row for row in attempts if row.is_awaited and row.is_transfer]
    if not waiting and not parts:
        raise Refusal(STILL_ASKED)
    yield from waiting
    for part in parts:
        yield refunds.create(refundable, part, by=by, method=PaymentMethod.MANUAL)


def _is_left_to_us(row: Refund) -> bool:
    return row.is_transfer or _is_given_up(row)


def _is_given_up(row: Refund) -> bool:
    """Return whether the job that asks the bank failed for good: it cannot refund it any more."""
    key = refunds.send_refund.key(refund=row.id)
    return Job.select().where(Job.key == key, Job.status == JobStatus.FAILED).exists()
