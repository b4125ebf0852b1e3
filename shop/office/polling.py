"""Polling the provider without blocking a worker: check once, then run the job again later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shop import clock, jobs
from shop.errors import PartyRejected
from shop.office.configured import provider
from shop.office.protocol import Operation, OperationStatus

SHORTEST_DELAY = timedelta(seconds=0.5)
"""A quarter of what the customer's page waits between two looks at the order."""

LONGEST_DELAY = timedelta(minutes=2)


def settled_operation(key: str, begin: Callable[[], Operation], *, since: datetime) -> Operation:
    """Return the settled operation of ``key``; begin it if the provider does not know the key.

    Raise as `settled` does, and `PartyUnavailable` if the provider does not answer.
    """
    return settled(provider().find_operation(key) or begin(), since=since)


def settled(operation: Operation, *, since: datetime) -> Operation:
    """Return an operation that succeeded.

    Raise `jobs.Later` while it is pending, with a delay that grows with the time ``since`` it was
    requested, and `PartyRejected` with the provider's reason if it failed.
    """
    if operation.status == OperationStatus.PENDING:
        raise jobs.Later(min(max((clock.now() - since) / 5, SHORTEST_DELAY), LONGEST_DELAY))
    if operation.status == OperationStatus.FAILED:
        raise PartyRejected(operation.reason, operation.code)
    return operation
