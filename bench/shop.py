"""The shop to measure: a temporary one on free ports, or one that runs already."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from bench.processor import seconds_by_service
from tooling.serving import free_ports, serving

ENVIRONMENT = {"HOST": "127.0.0.1", "RATE_LIMITS": "off", "SANDBOX_LATENCY": "0.5"}
"""Rate limits are off, for all customers share one IP address; password hashing is as usual."""


@dataclass(frozen=True)
class Shop:
    """A shop: its URLs and description; a temporary one also has a process and an environment."""

    url: str
    sandbox_url: str
    description: str
    process: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)

    def processor_seconds(self) -> Mapping[str, float]:
        """Return the CPU seconds of its services so far; nothing when they are unknown."""
        return seconds_by_service(self.process) if self.process else {}

    def new_account(self) -> dict[str, str]:
        """Create a demo account through the sandbox. Raises `OSError` without one."""
        return self.control("accounts", {"language": "fr"})

    def control(self, name: str, values: Mapping[str, object]) -> dict[str, Any]:
        """Post to one of the sandbox's controls; return its answer. Raises `OSError`."""
        connection = HTTPConnection(urlsplit(self.sandbox_url).netloc, timeout=30)
        with closing(connection):
            headers = {"Content-Type": "application/json"}
            connection.request("POST", f"/controls/{name}", json.dumps(values), headers)
            response = connection.getresponse()
            content = response.read()
        if response.status >= 300:
            raise ConnectionError(f"the sandbox answered {response.status} to {name}")
        return dict(json.loads(content or b"{}"))


def existing_shop(url: str) -> Shop:
    """Describe a running shop, whose sandbox is on the next port."""
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Shop(url.rstrip("/"), f"{parts.scheme}://{host}:{port + 1}", url)


CHEAP_PASSWORDS = {"ARGON2_MEMORY_KIB": "8", "ARGON2_PASSES": "1"}
"""Settings with which a password check costs next to nothing."""


@contextmanager
def temporary_shop(
    settings: Mapping[str, str] = MappingProxyType({}), program: Sequence[str] = ("serve.py",)
) -> Iterator[Shop]:
    """Serve a shop until the block ends: on ``DATABASE_URL``, or a temporary SQLite database.

    ``settings`` are environment variables that come before those of this process; ``program``
    replaces ``serve.py``.
    """
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        port, sandbox_port = free_ports(2)
        environment = {
            "DATABASE_URL": f"sqlite:///{folder}/shop.db",
            **ENVIRONMENT,
            **os.environ,
            **settings,
        }
        environment |= {
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            "SANDBOX_DATABASE": f"{folder}/sandbox.db",
        }
        with serving(environment, Path(folder) / "serve.log", program) as process:
            database = environment["DATABASE_URL"].split(":")[0]
            processes = environment.get("WEB_PROCESSES", "2")
            latency = environment["SANDBOX_LATENCY"]
            yield Shop(
                f"http://localhost:{port}",
                f"http://127.0.0.1:{sandbox_port}",
                f"{database}, {processes} web processes, 1 worker, provider latency {latency} s",
                process,
                environment,
            )
