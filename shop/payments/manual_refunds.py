"""Refunds that the operator makes by transfer, and records."""

from __future__ import annotations

from datetime import date

from records.base import database
from records.jobs import Job, JobStatus
from records.payment_methods import PaymentMethod
from records.refunds import Refund, RefundStatus
from shop import clock
from shop.errors import N_, Refusal
from shop.payments import refunds
from shop.payments.refundables import NOT_REFUNDABLE, Refundable

STILL_ASKED = N_("The bank is still being asked for this refund.")


def record_transfer(refundable: Refundable, *, by: str, day: date, reference: str) -> Refund:
    """Record that the operator transferred the money back on a day, with the bank's reference.

    Raise `Refusal` where no refund is due, the day lies ahead, or the bank may still make it.
    """
    if day > clock.today():
        raise Refusal(N_("This day lies ahead."))
    if not reference.strip():
        raise Refusal(N_("Give the reference of the transfer."))
    with database.atomic():
        row = _transfer_of(refundable.locked(), by)
        return refunds.move_refund(
            row, RefundStatus.SUCCEEDED, by=by, reference=reference.strip()[:128],
            settled_at=clock.now() if day == clock.today() else clock.midnight(day),
        )  # fmt: skip


def _transfer_of(refundable: Refundable, by: str) -> Refund:
    """Return the refund by transfer of a refundable; begin it where the bank's failed."""
    if not refundable.is_due:
        raise Refusal(NOT_REFUNDABLE)
    last = refundable.latest()
    if last is not None and last.is_awaited:
        if last.is_transfer:
            return last
        if not _is_given_up(last):
            raise Refusal(STILL_ASKED)
        refunds.move_refund(last, RefundStatus.FAILED, by=by, reason="given_up")
    elif last is None and refundable.payment.method != PaymentMethod.MANUAL:
        raise Refusal(STILL_ASKED)
    return refunds.create(refundable, by=by, method=PaymentMethod.MANUAL)


def _is_given_up(row: Refund) -> bool:
    """Return whether the job that asks the bank failed for good: it cannot refund it any more."""
    key = refunds.send_refund.key(refund=row.id)
    return Job.select().where(Job.key == key, Job.status == JobStatus.FAILED).exists()
