"""A temporary shop for tests and benchmarks: ``serve.py`` on free ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 120
STOP_TIMEOUT = 60


@contextmanager
def serving(
    environment: Mapping[str, str],
    log: Path,
    program: Sequence[str] = ("serve.py",),
    root: Path = ROOT,
) -> Iterator[int]:
    """Run ``serve.py`` with these extra environment variables; yield its process id.

    ``program`` replaces ``serve.py`` as the arguments of Python, ``root`` this source tree. The
    output is written to ``log``. Raises `RuntimeError` if the shop does not start.
    """
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *program],
            cwd=root,
            env=os.environ | dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_open(process, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_TIMEOUT)


def _wait_until_open(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while "is open: " not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the shop did not open:\n{log.read_text()}")
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return unused ports; all are bound at the same time so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
