"""Renewals: every period of every group charged once, in the order of their days.

A run may be started twice, on two workers, after days of silence, and be killed at any moment:
each renewal is one transaction, in which the subscription is held, the period is written down
(unique for its group) and its invoice issued. What is left is due as it was before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import structlog

from records.base import database, lock
from records.batches import in_batches
from records.subscriptions import Subscription
from shop import clock, jobs
from shop.sandbox_link import test_points
from shop.subscriptions import ending, period_billing, price_changes
from shop.subscriptions.previews import due_by, preview
from shop.subscriptions.renewal_price import Preview

__all__ = ["Preview", "Report", "due_by", "preview", "run"]

log = structlog.get_logger()


class Outcome(StrEnum):
    """What became of one renewal that was due."""

    RENEWED = "renewed"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """What a run did: periods charged, groups ended, and those that went wrong and stay due."""

    renewed: int = 0
    ended: int = 0
    failed: int = 0


# --- The run ---------------------------------------------------------------------------------


def run(until: date | None = None) -> Report:
    """Renew, or end, everything that is due by a day (today, and never later than it)."""
    day = min(until or clock.today(), clock.today())
    outcomes = Counter(_tried(subscription, due_on) for subscription, due_on in _due(day))
    return Report(
        renewed=outcomes[Outcome.RENEWED],
        ended=outcomes[Outcome.ENDED],
        failed=outcomes[Outcome.FAILED],
    )


def _tried(subscription: int, due_on: date) -> Outcome | None:
    try:
        return renew(subscription, due_on)
    except Exception:
        # One group that cannot be renewed must not keep the others from it.
        log.exception("renewal failed", subscription=subscription, due_on=due_on.isoformat())
        return Outcome.FAILED


def _due(day: date) -> Iterator[tuple[int, date]]:
    """What is due by a day, oldest day first; a group a month behind comes again for the next."""
    due = Subscription.select(Subscription.id, Subscription.renews_on).where(
        Subscription.renews_on <= day
    )
    for row in in_batches(due, Subscription.renews_on, Subscription.id):
        yield row.id, row.renews_on


def renew(subscription: int, due_on: date) -> Outcome | None:
    """Renew a subscription for the period that begins on a day, or end it where it was terminated
    for that day; None where that was done already."""
    test_points.point("renewals.renew")
    with database.atomic():
        row = lock(Subscription.get_by_id(subscription))
        if row.renews_on != due_on:
            return None
        if ending.end_if_due(row, due_on):
            return Outcome.ENDED
        period_billing.open_next(row)
        test_points.point("renewals.renewed")
    return Outcome.RENEWED


# --- The clock -------------------------------------------------------------------------------


@jobs.handles("billing_run", attempts=20, first_delay=timedelta(seconds=10))
def billing_run() -> None:
    """Do what is due by now; what went wrong is tried again with the next run."""
    report = run()
    if report.renewed or report.ended or report.failed:
        log.info("billing run", **vars(report))


@jobs.handles("announce_prices", attempts=20, first_delay=timedelta(minutes=1))
def announce_prices() -> None:
    """Tell customers of new prices."""
    price_changes.announce()


_asked: set[str] = set()


def ask_for_runs() -> None:
    """Have the worker look for what is due: every hour for renewals, every day for prices.

    Called as often as somebody likes; of several workers, one asks.
    """
    now = clock.now()
    wanted = {
        f"billing_run:{now:%Y-%m-%dT%H}": billing_run,
        f"announce_prices:{clock.today().isoformat()}": announce_prices,
    }
    for key, task in wanted.items():
        if key not in _asked:
            task.using(key=key).later()
    _asked.clear()
    _asked.update(wanted)
