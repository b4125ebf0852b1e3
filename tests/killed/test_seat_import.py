"""A seat import done by a worker that is killed (SIGKILL) repeatedly."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from peewee import fn

from models import (
    Account,
    Event,
    GroupStatus,
    Handover,
    ImportStatus,
    Job,
    JobStatus,
    Letter,
    LicenceGroup,
    Seat,
    SeatImport,
    SeatImportLine,
    SeatStatus,
)
from shop.jobs import queue
from shop.licences.seats import import_preview
from shop.office import configured
from shop.office.sandbox import SandboxProvider
from shop.payments import payments
from shop.settings import Settings
from tests.support import groups, processes, purchases

pytestmark = [pytest.mark.waits, pytest.mark.every_case]

KILLED_AT = (0.2, 0.6)
"""The shares of the file done when the worker is killed."""


@pytest.fixture
def environment(app: Flask, settings: Settings, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables for the workers, and a fast provider that sometimes loses an answer."""
    told = processes.environment_of(settings, tmp_path, SANDBOX_LATENCY="0")
    with processes.sandbox_runs(told):
        yield told


def installed(
    account: Account, licences: int, environment: dict[str, str], settings: Settings
) -> LicenceGroup:
    """Return a group of that number of licences at the sandbox's provider."""
    order = purchases.place(account, purchases.basket(business=0, pro_plus=licences))
    payments.record_manual_payment(order, by="operator")
    is_installed = LicenceGroup.status == GroupStatus.INSTALLED
    provider = SandboxProvider(environment["SANDBOX_URL"], settings.provider_key)
    with configured.provider.using(provider):
        while not LicenceGroup.select().where(is_installed).exists():
            queue.drain()
    return LicenceGroup.get()


def started(group: LicenceGroup, lines: int) -> SeatImport:
    """Start the import of a file of ``lines`` people."""
    rows = "".join(f"First {n},Last {n},login{n}\n" for n in range(lines))
    made = import_preview.prepare_import(group, "people.csv", rows.encode())
    assert made.lines_good == lines
    import_preview.start_import(made, by="alice")
    return made


def is_settled() -> bool:
    """Return whether the file is done, every licence configured and every e-mail sent."""
    told = Letter.select().where(Letter.kind == "passwords_ready")
    return told.exists() and (
        SeatImport.get().status == ImportStatus.DONE
        and LicenceGroup.get().seats_activating == 0
        and not Letter.select().where(Letter.status == "queued").exists()
    )


@pytest.mark.parametrize("lines", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_file_survives_a_worker_killed_twice_in_the_middle(
    alice: Account, settings: Settings, environment: dict[str, str], lines: int
) -> None:
    group = installed(alice, lines, environment, settings)
    made = started(group, lines)
    for share in KILLED_AT:
        with processes.worker_runs(environment) as worker:
            processes.runs_until(
                worker, lambda share=share: groups.fresh(made).lines_done >= share * lines
            )
            processes.kill(worker)
        done = groups.fresh(made).lines_done
        assert 0 < done < lines, f"{done} lines were done: this kill hit no running import"
    with processes.worker_runs(environment) as worker:
        processes.runs_until(worker, is_settled)

    check_lines(made, lines)
    check_seats(group, lines)
    check_provider(group, lines, Path(environment["SANDBOX_DATABASE"]))
    failed = list(Job.select().where(Job.status == JobStatus.FAILED))
    assert not failed, [(job.key, job.error) for job in failed]


def check_lines(made: SeatImport, lines: int) -> None:
    """Assert that every line was done once, with its own seat."""
    made = groups.fresh(made)
    assert (made.lines_done, made.lines_refused) == (lines, 0)
    of_file = SeatImportLine.select().where(SeatImportLine.is_done, SeatImportLine.problem == "")
    assert of_file.count() == lines
    assert of_file.select(fn.COUNT(SeatImportLine.seat.distinct())).scalar() == lines


def check_seats(group: LicenceGroup, lines: int) -> None:
    """Assert that every seat was configured once, for one person, and its password kept once."""
    assert Counter(seat.status for seat in Seat.select()) == {SeatStatus.ACTIVE: lines}
    assert {seat.login for seat in Seat.select()} == {f"login{n}" for n in range(lines)}
    moves = Counter(
        (event.subject_id, event.name) for event in Event.select().where(Event.subject == "seat")
    )
    assert set(moves.values()) == {1}
    assert Counter(name for _, name in moves) == {
        "seat_activating": lines,
        "seat_active": lines,
        "seat_password_kept": lines,
    }
    assert Handover.select().where(Handover.secret != "").count() == lines
    assert Letter.select().where(Letter.kind == "passwords_ready").count() == 1
    groups.check_counts(group)


def check_provider(group: LicenceGroup, lines: int, kept: Path) -> None:
    """Assert that the provider created each user once."""
    with closing(sqlite3.connect(kept)) as provider:
        users = provider.execute("SELECT address FROM user").fetchall()
    assert sorted(users) == sorted((f"login{n}@{group.domain}",) for n in range(lines))
