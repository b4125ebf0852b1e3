"""A shop that really runs: web server, worker and sandbox, each a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 60

ENVIRONMENT = {
    "HOST": "127.0.0.1",
    "WEB_PROCESSES": "1",
    "SANDBOX_LATENCY": "0.5",
    "RATE_LIMITS": "off",
    "ARGON2_MEMORY_KIB": "8",
    "ARGON2_PASSES": "1",
}


@dataclass(frozen=True)
class LiveShop:
    """Where a running shop and its sandbox answer, and the file its processes write to."""

    url: str
    sandbox_url: str
    log: Path


@contextmanager
def running(database_url: str, folder: Path, **environment: str) -> Iterator[LiveShop]:
    """Run ``serve.py`` on free ports with its data in ``folder`` until the block ends."""
    port, sandbox_port = _free_ports(2)
    variables = ENVIRONMENT | {
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "DATABASE_URL": database_url,
        "SANDBOX_DATABASE": str(folder / "sandbox.db"),
    }
    shop = LiveShop(
        f"http://localhost:{port}", f"http://127.0.0.1:{sandbox_port}", folder / "serve.log"
    )
    with shop.log.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "serve.py"],
            cwd=ROOT,
            env=os.environ | variables | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_open(process, shop.log)
        yield shop
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_open(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while "is open: " not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the shop did not open:\n{log.read_text()}")
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    """Ports nobody uses, all held at once so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
