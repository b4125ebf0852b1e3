"""Card payments that were received and are in no payout yet: the bank holds their money."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from peewee import SQL, ModelSelect, fn

from records.payments import IS_HELD, Payment
from records.payouts import BY_HAND, Payout
from shop import clock, settings


@dataclass(frozen=True)
class Held:
    """The number of payments that the bank holds, and their sum in cents.

    ``may_be_paid_out`` says that a payout was begun by hand: it lists no lines, and may have
    brought some of them.
    """

    number: int
    cents: int
    may_be_paid_out: bool


def held() -> ModelSelect[Payment]:
    """Return the query for the payments that the bank holds."""
    return Payment.select().where(SQL(IS_HELD))


def late() -> ModelSelect[Payment]:
    """Return the query for those that it holds longer than ``PAYOUT_LATE_DAYS``.

    What a payout that was begun by hand may have brought is not among them.
    """
    before = clock.now() - timedelta(days=settings.current().payout_late_days)
    by_hand = Payout.select().where(SQL(BY_HAND), Payout.announced_at >= Payment.settled_at)
    return held().where(Payment.settled_at < before, ~fn.EXISTS(by_hand))


def sum_up() -> Held:
    """Add up the payments that the bank holds (one query)."""
    cents = fn.COALESCE(Payment.taken_cents, Payment.amount_cents)
    by_hand = fn.EXISTS(Payout.select(SQL("1")).where(SQL(BY_HAND)))
    sums: Any = (
        Payment.select(fn.COUNT(Payment.id), fn.COALESCE(fn.SUM(cents), 0), by_hand)
        .where(SQL(IS_HELD))
        .tuples()
        .get()
    )
    number, total, may_be_paid_out = sums
    return Held(number, int(total), bool(may_be_paid_out))


def mark_paid_out(payments: Iterable[int]) -> None:
    """Record that payments are in a payout, in the caller's transaction; idempotent."""
    ids = list(payments)
    if ids:
        Payment.update(is_paid_out=True).where(
            Payment.id.in_(ids),
            Payment.is_paid_out == False,  # noqa: E712
        ).execute()
