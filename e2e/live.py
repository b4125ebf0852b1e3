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
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 120

ENVIRONMENT = {
    "HOST": "127.0.0.1",
    "WEB_PROCESSES": "1",
    "SANDBOX_LATENCY": "0.5",
    "RATE_LIMITS": "off",
    "ARGON2_MEMORY_KIB": "8",
    "ARGON2_PASSES": "1",
}


@dataclass(frozen=True)
class Customer:
    """Who a visitor signs in as."""

    nic_handle: str
    password: str
    email: str


@dataclass(frozen=True)
class LiveShop:
    """Where a running shop and its sandbox answer, and the file its processes write to.

    Its methods are the sandbox's controls (see ``sandbox/controls``).
    """

    url: str
    sandbox_url: str
    log: Path

    def new_customer(self, language: str, licences: int = 0) -> Customer:
        """A customer nobody else uses, with a paid group of so many licences if any."""
        wanted = {"language": language, "licences": licences}
        return Customer(**self._control("POST", "accounts", wanted))

    def advance_clock(self, by: timedelta) -> None:
        """Move the clock of the sandbox and of the shop on; it never goes back."""
        self._control("POST", "clock", {"advance_seconds": by.total_seconds()})

    def switch(self, **values: object) -> None:
        """Make outside parties slow, silent or talkative, until `reset_switches`."""
        self._control("POST", "switches", values)

    def pause(self, point: str, seconds: float) -> None:
        """Have the shop pause at a critical moment, until `reset_switches`."""
        self._control("POST", "pauses", {"point": point, "seconds": seconds})

    def reset_switches(self) -> None:
        """Put all switches back and end all pauses."""
        self._control("DELETE", "switches")

    def _control(self, method: str, name: str, body: object = None) -> Any:
        address = f"{self.sandbox_url}/controls/{name}"
        return httpx.request(method, address, json=body, timeout=30).raise_for_status().json()


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
