"""Office Attach done by a worker that is killed (SIGKILL) repeatedly."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from models import (
    Account,
    AttachedAccount,
    Job,
    JobStatus,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Seat,
    SeatStatus,
)
from shop.orders import attach
from shop.settings import Settings
from tests.support import exchange, groups, processes
from tests.support.parties import Bank

pytestmark = pytest.mark.waits

LICENCES = 25
KILLED_AT = (1, 8, 17)
"""The numbers of active licences at which the worker is killed."""


@pytest.fixture
def environment(app: Flask, settings: Settings, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables for the workers, and a provider that sometimes loses an answer."""
    told = processes.environment_of(settings, tmp_path)
    with processes.sandbox_runs(told):
        yield told


def active() -> int:
    return Seat.select().where(Seat.status == SeatStatus.ACTIVE).count()


def is_done() -> bool:
    """Return whether the order is delivered, every licence active and every e-mail sent."""
    return (
        Order.get().status == OrderStatus.DELIVERED
        and active() == LICENCES
        and not Letter.select().where(Letter.status == "queued").exists()
    )


def test_every_seat_is_active_once_and_every_letter_written_once(
    alice: Account, bank: Bank, environment: dict[str, str]
) -> None:
    exchange.with_card(alice, bank)
    requested = exchange.attach_request(exchange.service(alice), LICENCES, tells_owner=True)
    attach.place_order(requested, exchange.seen(requested))
    for number in KILLED_AT:
        with processes.worker_runs(environment) as worker:
            processes.runs_until(worker, lambda number=number: active() >= number)
            processes.kill(worker)
        assert not is_done(), "it was done already: this kill proves nothing"
    with processes.worker_runs(environment) as worker:
        processes.runs_until(worker, is_done)

    group = LicenceGroup.get()
    assert (LicenceGroup.select().count(), group.places_taken) == (1, LICENCES)
    assert AttachedAccount.select().where(AttachedAccount.seat.is_null(False)).count() == LICENCES
    groups.check_counts(group)
    assert groups.consumption(group) == [1] * LICENCES
    assert Counter(row.kind for row in Letter.select()) == {
        "account_created": 1,
        "attach_ordered": 1,
        "attach_installed": 1,
        "licence_active": LICENCES,
        "licence_for_owner": LICENCES,
    }
    with closing(sqlite3.connect(environment["SANDBOX_DATABASE"])) as provider:
        users = provider.execute("SELECT address FROM user").fetchall()
    assert len(users) == len(set(users)) == LICENCES
    failed = list(Job.select().where(Job.status == JobStatus.FAILED))
    assert not failed, [(job.key, job.error) for job in failed]
