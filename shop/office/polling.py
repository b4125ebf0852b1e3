"""Waiting for the provider without a worker that waits: ask, and come back later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shop import clock, jobs
from shop.errors import PartyRejected
from shop.office.configured import provider
from shop.office.protocol import Operation, OperationStatus

SOONEST = timedelta(seconds=1)
LATEST = timedelta(minutes=2)


def settled(key: str, begin: Callable[[], Operation], *, since: datetime) -> Operation:
    """The settled operation of ``key``; begins it if the provider has never heard of it.

    Raises `jobs.Later` while it is pending, the later the longer it has lasted ``since`` it was
    asked for; `PartyRejected` with the provider's reason when it failed, and `PartyUnavailable`
    when the provider does not answer.
    """
    operation = provider().find_operation(key) or begin()
    if operation.status == OperationStatus.PENDING:
        raise jobs.Later(min(max((clock.now() - since) / 10, SOONEST), LATEST))
    if operation.status == OperationStatus.FAILED:
        raise PartyRejected(operation.reason, operation.code)
    return operation
