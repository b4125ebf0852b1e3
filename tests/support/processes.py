"""Workers and a sandbox as separate processes, for tests that kill them."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

from models import Event, Job, JobStatus, Letter, SeatImportLine
from shop.settings import Settings
from tests import ROOT
from tests.support import patience, worker

LOOK_EVERY = 0.05
"""Seconds between two checks of a worker's progress."""


def free_port() -> int:
    """Return a free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_of(settings: Settings, folder: Path, **changes: str) -> dict[str, str]:
    """Return the environment variables of a test's worker and sandbox."""
    port = free_port()
    told = {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "SANDBOX_PORT": str(port),
        "SANDBOX_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_DATABASE": str(folder / "sandbox.db"),
        "SANDBOX_LATENCY": "0.05",
        "SANDBOX_FAULTS": "0.05",
        "JOB_LEASE": "2",
    }
    return os.environ | told | changes


@contextmanager
def sandbox_runs(environment: dict[str, str]) -> Iterator[None]:
    """Run the sandbox's Office provider as a separate process until the block ends."""
    with subprocess.Popen([sys.executable, "-m", "sandbox"], cwd=ROOT, env=environment) as process:
        try:
            wait_for_answer(process, f"{environment['SANDBOX_URL']}/")
            yield
        finally:
            process.terminate()


def wait_for_answer(process: subprocess.Popen[bytes], address: str) -> None:
    """Wait until a process that starts answers at its URL."""

    def is_up() -> bool:
        assert process.poll() is None, "the process ended before it answered"
        return _answers(address)

    patience.wait_until(is_up, lambda: 0)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def worker_runs(environment: dict[str, str]) -> Iterator[BaseProcess]:
    """Run a worker until the block ends; the test may kill it before.

    Importing the shop took most of a start, so a process that has imported it forks all workers.
    """
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([worker.__name__])
    process = forking.Process(target=worker.run, args=(environment,))
    process.start()
    try:
        yield process
    finally:
        process.terminate()
        process.join()


def kill(process: BaseProcess) -> None:
    """Kill a worker as a power cut would: it can neither finish nor report."""
    process.kill()
    process.join()


def runs_for(process: BaseProcess, seconds: float) -> None:
    """Let a worker run for a while; it must not end by itself."""
    process.join(seconds)
    assert process.is_alive(), "the worker ended by itself"


def runs_until(process: BaseProcess, happened: Callable[[], bool]) -> None:
    """Let a worker run until something has happened; fail if the work makes no progress."""
    patience.wait_until(happened, work_done, between=lambda: runs_for(process, LOOK_EVERY))


def work_done() -> int:
    """Return a number that grows with each job, transition, e-mail and line of a file."""
    ended = Job.select().where(Job.status.in_([JobStatus.DONE, JobStatus.FAILED]))
    finished = Letter.select().where(Letter.status != "queued")
    lines = SeatImportLine.select().where(SeatImportLine.is_done)
    return sum(rows.count() for rows in (ended, Event.select(), finished, lines))
