"""A running shop: web server, worker and sandbox, each in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.support import patience
from tooling.report import ROOT
from tooling.serving import free_ports, serving

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
    """The credentials of a customer."""

    nic_handle: str
    password: str
    email: str


@dataclass(frozen=True)
class LiveShop:
    """The URLs of a running shop and its sandbox, the log file and settings of its processes.

    Its methods call the sandbox's controls (see ``sandbox/controls``).
    """

    url: str
    sandbox_url: str
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def new_customer(self, language: str, licences: int = 0, *, exchange: bool = False) -> Customer:
        """Create a customer, with a paid group of ``licences`` if not 0.

        ``exchange`` adds an Exchange service of 40 mailboxes.
        """
        wanted = {"language": language, "licences": licences, "exchange": exchange}
        return Customer(**self._control("POST", "accounts", wanted))

    def advance_clock(self, by: timedelta) -> None:
        """Move the clocks of the sandbox and of the shop on; they never go back."""
        self._control("POST", "clock", {"advance_seconds": by.total_seconds()})

    def now(self) -> float:
        """Return the time of the sandbox and of the shop, as a Unix timestamp."""
        return float(self._control("GET", "clock")["now"])

    def switch(self, **values: object) -> None:
        """Make outside parties slow or silent, or repeat notifications, until `reset_switches`."""
        self._control("POST", "switches", values)

    def pause(self, point: str, seconds: float) -> None:
        """Make the shop pause at a test point, until `reset_switches`."""
        self._control("POST", "pauses", {"point": point, "seconds": seconds})

    def reset_switches(self) -> None:
        """Reset all switches and end all pauses."""
        self._control("DELETE", "switches")

    def flask(self, *arguments: str) -> str:
        """Return what a command of the operator prints."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *arguments],
            cwd=ROOT, env={**os.environ, **self.variables}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        return done.stdout

    def _control(self, method: str, name: str, body: object = None) -> Any:
        address = f"{self.sandbox_url}/controls/{name}"
        return (
            httpx.request(method, address, json=body, timeout=patience.STUCK)
            .raise_for_status()
            .json()
        )


@contextmanager
def running(database_url: str, folder: Path, root: Path = ROOT) -> Iterator[LiveShop]:
    """Run ``serve.py`` on free ports with its data in ``folder`` until the block ends.

    ``root`` is the source tree that it runs from.
    """
    port, sandbox_port = free_ports(2)
    variables = ENVIRONMENT | {
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "DATABASE_URL": database_url,
        "SANDBOX_DATABASE": str(folder / "sandbox.db"),
    }
    shop = LiveShop(
        f"http://localhost:{port}",
        f"http://127.0.0.1:{sandbox_port}",
        folder / "serve.log",
        variables,
    )
    with serving(variables, shop.log, root=root):
        yield shop
