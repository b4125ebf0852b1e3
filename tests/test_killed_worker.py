"""A worker killed at any moment delays work; it neither loses nor doubles it."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from models import (
    Account,
    GroupStatus,
    Job,
    JobStatus,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    Seat,
)
from shop.payment import payments
from shop.settings import Settings
from tests import orders

ROOT = Path(__file__).resolve().parent.parent
ORDERS = 200
KILLS = 10
LONGEST = 240
"""Seconds after which work that is still not done counts as lost."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(app: Flask, settings: Settings, tmp_path: Path) -> dict[str, str]:
    """What a worker and a sandbox of this test are told."""
    port = free_port()
    return os.environ | {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "SANDBOX_PORT": str(port),
        "SANDBOX_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_DATABASE": str(tmp_path / "sandbox.db"),
        "SANDBOX_LATENCY": "0.05",
        "SANDBOX_FAULTS": "0.05",
        "JOB_LEASE": "2",
    }


@pytest.fixture
def sandbox(environment: dict[str, str]) -> Iterator[None]:
    """The sandbox's Office provider, as a process of its own."""
    with subprocess.Popen([sys.executable, "-m", "sandbox"], cwd=ROOT, env=environment) as process:
        deadline = time.monotonic() + 30
        try:
            while not answers(f"{environment['SANDBOX_URL']}/"):
                assert process.poll() is None, "the sandbox ended"
                assert time.monotonic() < deadline, "the sandbox does not answer"
            yield
        finally:
            process.terminate()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1):
            return True
    except OSError:
        return False


def start_worker(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "worker"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )


def runs_for(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Let a process run for a while; it must not end by itself."""
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)


def is_done() -> bool:
    """Whether every order is delivered and every letter that is due was finished."""
    undelivered = Order.select().where(Order.status != OrderStatus.DELIVERED).exists()
    unwritten = Letter.select().where(Letter.status == "queued").exists()
    return not undelivered and not unwritten


def test_200_orders_survive_a_worker_killed_again_and_again(
    alice: Account, environment: dict[str, str], sandbox: None
) -> None:
    sizes = [random.randint(1, 5) for _ in range(ORDERS)]
    for size in sizes:
        payments.pay_by_hand(orders.place(alice, orders.basket(business=size)), by="operator")
    abandoned = 0
    for _ in range(KILLS):
        worker = start_worker(environment)
        runs_for(worker, random.uniform(1.0, 3.0))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        abandoned += Job.select().where(Job.status == JobStatus.RUNNING).count()
    assert abandoned, "no kill met a job under way: this run proves nothing"

    worker = start_worker(environment)
    deadline = time.monotonic() + LONGEST
    try:
        while not is_done():
            assert time.monotonic() < deadline, Counter(row.status for row in Order.select())
            runs_for(worker, 0.2)
    finally:
        worker.terminate()
        worker.wait()

    assert Counter(row.status for row in Order.select()) == {OrderStatus.DELIVERED: ORDERS}
    groups = LicenceGroup.select()
    assert Counter(row.status for row in groups) == {GroupStatus.INSTALLED: ORDERS}
    assert sorted(row.places_taken for row in groups) == sorted(sizes)
    assert Seat.select().count() == sum(sizes)
    assert Counter(row.status for row in Payment.select()) == {"succeeded": ORDERS}
    letters = Counter(row.kind for row in Letter.select())
    assert letters == {
        "account_created": 1,
        "order_placed": ORDERS,
        "payment_received": ORDERS,
        "service_installed": ORDERS,
    }
    failed = list(Job.select().where(Job.status == JobStatus.FAILED))
    assert not failed, [(job.key, job.error) for job in failed]
