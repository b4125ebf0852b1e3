"""Metrics and alarms for the operator, by queries cheap enough to run often."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from typing import Any

from peewee import SQL, ModelSelect, Select, Value, fn

from records.base import database
from records.jobs import WORK_ON_LICENCES, Job, JobStatus
from records.letters import Letter, LetterStatus
from records.missing_glyphs import MissingGlyph
from records.orders import UNDELIVERED, Order, OrderStatus
from records.subscriptions import Subscription, SubscriptionStatus
from shop import clock
from shop.jobs import failed, priorities
from shop.jobs.priorities import Priority
from shop.operations import unpaid
from shop.orders import withdrawals
from shop.payments import disputes, gateways, payouts, refund_lists
from shop.payments.payables import DELIVERY_PROMISE
from shop.vat import confirmation

MOST_COUNTED = 5_000
"""The most rows of one status that are counted: most rows are in a final one, and are ever more."""

COUNTED: dict[str, Any] = {
    "jobs": Job, "orders": Order, "letters": Letter, "services": Subscription,
}  # fmt: skip
"""What is counted by status."""

STATUSES: dict[str, Iterable[str]] = {
    "jobs": JobStatus, "orders": OrderStatus, "letters": LetterStatus,
    "services": SubscriptionStatus,
}  # fmt: skip


def by_status() -> dict[str, dict[str, int]]:
    """Return the number of jobs, orders, e-mails and services in each status that occurs, by one
    statement; `MOST_COUNTED` where there are as many or more.
    """
    first, *others = (_number_of(name, status) for name in COUNTED for status in STATUSES[name])
    together = reduce(lambda query, other: query.union_all(other), others, first)
    found: dict[str, dict[str, int]] = {name: {} for name in COUNTED}
    for name, status, number in database.execute(together).fetchall():
        if number:
            found[name][status] = number
    return found


def _number_of(name: str, status: str) -> Any:
    table = COUNTED[name]
    rows = table.select(SQL("1")).where(table.status == status).limit(MOST_COUNTED)
    return Select([rows.alias("counted")], [Value(name), Value(str(status)), fn.COUNT(SQL("1"))])


def late_orders(limit: int) -> list[Order]:
    """Return paid orders not delivered in the promised time (guide: 4 hours), oldest first."""
    return list(late().order_by(Order.paid_at).limit(limit))


def late() -> ModelSelect[Order]:
    """Return the query for paid orders not delivered in the promised time."""
    promised = Order.paid_at < clock.now() - DELIVERY_PROMISE
    return Order.select().where(Order.status.in_(UNDELIVERED), promised)


def failed_deliveries() -> ModelSelect[Order]:
    """Return the query for orders whose delivery failed, which await a decision."""
    return Order.select().where(Order.status == OrderStatus.DELIVERY_FAILED)


def failed_letters() -> ModelSelect[Letter]:
    """Return the query for e-mails that could not be sent."""
    return Letter.select().where(Letter.status == LetterStatus.FAILED)


def late_licences() -> ModelSelect[Job]:
    """Return the jobs of licences queued or running for longer than the promised delivery time."""
    return Job.select().where(
        SQL(WORK_ON_LICENCES), Job.created_at < clock.now() - DELIVERY_PROMISE
    )


LONGEST_WAIT = {
    Priority.AWAITED: timedelta(minutes=1),
    Priority.PAID: timedelta(minutes=5),
    Priority.USUAL: timedelta(minutes=15),
    Priority.LETTER: timedelta(minutes=15),
    Priority.BULK: timedelta(hours=4),
}
"""How long the oldest due job of each priority may wait before ``long_queues`` is raised."""


def queue_seconds(waiting: dict[Priority, timedelta] | None = None) -> dict[str, float]:
    """Return the length of the queue in time: how long its oldest due job waits, by priority."""
    waiting = priorities.oldest_due() if waiting is None else waiting
    return {
        priority.name.lower(): waiting.get(priority, timedelta(0)).total_seconds()
        for priority in Priority
    }


def _long_queues(waiting: dict[Priority, timedelta]) -> int:
    return sum(waits > LONGEST_WAIT[priority] for priority, waits in waiting.items())


def alarms(
    waiting: dict[Priority, timedelta] | None = None, charges: dict[str, int] | None = None
) -> dict[str, int]:
    """Return the number of cases that need the operator, by the alarm's name.

    ``waiting`` and ``charges`` are read unless the caller has them.
    """
    return {
        **counts(
            late_deliveries=late(),
            failed_deliveries=failed_deliveries(),
            late_licences=late_licences(),
            failed_jobs=failed.unhandled_failures(),
            failed_refunds=refund_lists.failed(),
            refunds_to_transfer=refund_lists.transfers_due(),
            unexplained_refunds=refund_lists.unexplained(),
            open_disputes=disputes.open_disputes(),
            payouts_to_examine=payouts.to_examine(),
            misfitting_vat_names=confirmation.misfits(),
            unpaid_invoices=unpaid.soon_suspended(),
            suspended_services=unpaid.suspended(),
            missing_glyphs=MissingGlyph.select(),
            failed_letters=failed_letters(),
        ),
        "long_queues": _long_queues(priorities.oldest_due() if waiting is None else waiting),
        "declined_charges": unpaid.too_many_declined(charges),
        "repeated_withdrawals": withdrawals.repeated(),
        "bank_refusals": gateways.refusals_since(clock.now() - timedelta(hours=1)),
    }


def counts(**queries: ModelSelect[Any]) -> dict[str, int]:
    """Return the number of rows of each query, by one statement."""
    columns = [
        query.order_by().select(fn.COUNT(query.model.id)).alias(name)
        for name, query in queries.items()
    ]
    row = database.execute(Select(columns=columns)).fetchone()
    return dict(zip(queries, row, strict=True))
