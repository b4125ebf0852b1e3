"""Renewals: every period of every group is charged once, in the order of their days.

A billing run may be started twice, on two workers, after days of down time, and be killed at any
moment: each renewal is one transaction, in which the subscription is locked, the period recorded
(unique for its group) and its invoice issued. Renewals not made stay due.
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
from shop.jobs import kinds
from shop.office import stock
from shop.payments import payouts
from shop.sandbox_link import test_points
from shop.settings import PerProcess
from shop.subscriptions import (
    ending,
    period_billing,
    price_changes,
    renewal_notices,
    sign_ins,
    vat_checks,
)
from shop.subscriptions.previews import due_by, preview
from shop.subscriptions.renewal_price import Preview

__all__ = ["Preview", "Report", "due_by", "preview", "run_renewals"]

log = structlog.get_logger()


class Outcome(StrEnum):
    """The outcome of one renewal that was due."""

    RENEWED = "renewed"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """The result of a run: periods charged, groups ended, and failed renewals, which stay due."""

    renewed: int = 0
    ended: int = 0
    failed: int = 0


# --- The run ---------------------------------------------------------------------------------


def run_renewals(until: date | None = None) -> Report:
    """Renew, or end, everything that is due by a day (today by default and at the latest)."""
    day = min(until or clock.today(), clock.today())
    outcomes = Counter(_try_to_renew(subscription, due_on) for subscription, due_on in _due(day))
    return Report(
        renewed=outcomes[Outcome.RENEWED],
        ended=outcomes[Outcome.ENDED],
        failed=outcomes[Outcome.FAILED],
    )


def _try_to_renew(subscription: int, due_on: date) -> Outcome | None:
    try:
        return renew(subscription, due_on)
    except Exception:
        # One group that cannot be renewed must not block the others.
        log.exception("renewal_failed", subscription=subscription, due_on=due_on.isoformat())
        return Outcome.FAILED


def _due(day: date) -> Iterator[tuple[int, date]]:
    """Yield what is due by a day, oldest first; a group a month late is yielded for each month."""
    due = Subscription.select(Subscription.id, Subscription.renews_on).where(
        Subscription.renews_on <= day
    )
    for row in in_batches(due, Subscription.renews_on, Subscription.id):
        yield row.id, row.renews_on


def renew(subscription: int, due_on: date) -> Outcome | None:
    """Renew a subscription for the period that begins on a day, or end it if terminated by then.

    Return None where that was done already.
    """
    test_points.point("renewals.renew")
    with database.atomic():
        row = lock(Subscription(id=subscription))
        if row.renews_on != due_on:
            return None
        if ending.end_if_due(row, due_on):
            return Outcome.ENDED
        period_billing.open_next(row)
        test_points.point("renewals.renewed")
    return Outcome.RENEWED


# --- Jobs ------------------------------------------------------------------------------------


@jobs.handles("billing_run", attempts=20, first_delay=timedelta(seconds=10))
def billing_run() -> None:
    """Make the renewals that are due; the next run retries those that failed."""
    report = run_renewals()
    if report.renewed or report.ended or report.failed:
        log.info("billing_run", **vars(report))


@jobs.handles("announce_prices", attempts=20, first_delay=timedelta(minutes=1))
def announce_prices() -> None:
    """Announce new prices to customers."""
    price_changes.announce_all()


queued = PerProcess[set[str]](set)
"""The keys of the jobs that this process has queued for this hour and day."""


def queue_runs() -> None:
    """Queue the hour's billing run, count of licences and look for payouts, and the day's
    announcements, VAT checks, questions about sign-ins and deletions.

    Idempotent.

    The keys of the jobs are unique: of several workers, one queues them.
    """
    now = clock.now()
    wanted = {
        f"billing_run:{now:%Y-%m-%dT%H}": billing_run,
        f"count_stock:{now:%Y-%m-%dT%H}": stock.count_stock,
        f"fetch_payouts:{now:%Y-%m-%dT%H}": payouts.fetch_payouts,
        f"read_sign_ins:{clock.today().isoformat()}": sign_ins.begin_reading,
        f"announce_prices:{clock.today().isoformat()}": announce_prices,
        f"announce_contracts:{clock.today().isoformat()}": kinds.announce_contracts,
        f"announce_renewals:{clock.today().isoformat()}": renewal_notices.announce_renewals,
        f"delete_personal_data:{clock.today().isoformat()}": kinds.delete_personal_data,
        f"check_vat_numbers:{clock.today().isoformat()}": vat_checks.check_vat_numbers,
    }
    known = queued()
    for key, task in wanted.items():
        if key not in known:
            task.using(key=key).later()
    known.clear()
    known.update(wanted)
