"""A served Oscar: Granian with as many processes as the shop, on SQLite or PostgreSQL."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bench.oscar import environment
from bench.oscar.accounts import ACCOUNTS
from bench.oscar.customer import Customer
from bench.oscar.environment import OscarFailed
from bench.processor import seconds_of_tree
from bench.stopwatch import Stopwatch
from tooling.serving import ROOT, free_ports

PROCESSES = 2
"""As many as the shop's web processes."""

THREADS = 4
"""Blocking threads of each process; bench/README.md says why."""

START_TIMEOUT = 60
STOP_TIMEOUT = 20


@dataclass(frozen=True)
class Oscar:
    """A served Oscar: its URL, its process id, and the times of its customers' steps."""

    url: str
    process: int
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    def processor_seconds(self) -> float:
        """Return the CPU seconds of its processes so far, those of a database server aside."""
        return seconds_of_tree(self.process)

    def journey(self, number: int) -> int:
        """Make a whole journey in this thread; return the number of its requests.

        An odd number signs in with an account of its own, an even one registers. Each number is
        used once, and is below `ACCOUNTS`. Raises `bench.visitor.JourneyFailed`.
        """
        if not 0 <= number < ACCOUNTS:
            raise ValueError(f"journeys are numbered from 0 to {ACCOUNTS - 1}")
        customer = Customer(self.url, self.stopwatch, number if number % 2 else None)
        customer.order()
        return customer.requests


@contextmanager
def serving(database_url: str | None = None, *, threads: int = THREADS) -> Iterator[Oscar]:
    """Serve Oscar until the block ends, with a database in its first state.

    That is a copy of the installed SQLite database, in a temporary folder or, with
    ``sqlite:///path``, there; with ``postgresql://…`` it is the schema ``oscar_bench`` of that
    database, which is dropped before. Raises `OscarFailed` where Oscar is not installed (the
    message says how) or does not start.
    """
    if not environment.installed():
        raise OscarFailed(environment.HOW_TO_INSTALL)
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="oscar-bench-") as folder:
        url = database_url or f"sqlite:///{folder}/oscar.db"
        _fill(url)
        log = Path(folder) / "oscar.log"
        process = _start(port, threads, url, log)
        try:
            _wait_until_open(process, port, log)
            yield Oscar(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT)


def _fill(url: str) -> None:
    if url.startswith("sqlite:"):
        shutil.copy(environment.DATABASE, url.removeprefix("sqlite:///"))
    else:
        environment.prepare(url)


def _start(port: int, threads: int, database_url: str, log: Path) -> subprocess.Popen[bytes]:
    command = [
        *(environment.PYTHON, "-m", "granian", "--interface", "wsgi"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
        *("--workers", str(PROCESSES), "--blocking-threads", str(threads)),
        "bench.oscar.project.wsgi:application",
    ]
    variables = environment.environment(database_url)
    with log.open("w") as output:
        return subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT
        )


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise OscarFailed(f"Oscar did not open:\n{log.read_text()}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=START_TIMEOUT)
    try:
        connection.request("GET", "/catalogue/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
