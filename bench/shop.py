"""The shop to measure: a temporary one on free ports, or one that runs already."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.processor import seconds_of_tree
from tooling.serving import free_ports, serving

ENVIRONMENT = {"HOST": "127.0.0.1", "RATE_LIMITS": "off", "SANDBOX_LATENCY": "0.5"}
"""Rate limits are off, for all customers share one IP address; password hashing is as usual."""


@dataclass(frozen=True)
class Shop:
    """A shop: its URLs, its description, and its process id if it is a temporary one."""

    url: str
    sandbox_url: str
    description: str
    process: int = 0

    def processor_seconds(self) -> float:
        """Return the CPU seconds of all its processes so far; 0 when they are unknown."""
        return seconds_of_tree(self.process) if self.process else 0.0

    def new_account(self) -> dict[str, str]:
        """Create a demo account through the sandbox. Raises `httpx.HTTPError` without one."""
        answer = httpx.post(
            f"{self.sandbox_url}/controls/accounts",
            json={"language": "fr"},
            timeout=30,
            trust_env=False,
        )
        return dict(answer.raise_for_status().json())


def existing_shop(url: str) -> Shop:
    """Describe a running shop, whose sandbox is on the next port."""
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Shop(url.rstrip("/"), f"{parts.scheme}://{host}:{port + 1}", url)


@contextmanager
def temporary_shop() -> Iterator[Shop]:
    """Serve a shop until the block ends: on ``DATABASE_URL``, or a temporary SQLite database."""
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        port, sandbox_port = free_ports(2)
        environment = {"DATABASE_URL": f"sqlite:///{folder}/shop.db", **ENVIRONMENT, **os.environ}
        environment |= {
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            "SANDBOX_DATABASE": f"{folder}/sandbox.db",
        }
        with serving(environment, Path(folder) / "serve.log") as process:
            database = environment["DATABASE_URL"].split(":")[0]
            processes = environment.get("WEB_PROCESSES", "2")
            latency = environment["SANDBOX_LATENCY"]
            yield Shop(
                f"http://localhost:{port}",
                f"http://127.0.0.1:{sandbox_port}",
                f"{database}, {processes} web processes, 1 worker, provider latency {latency} s",
                process,
            )
