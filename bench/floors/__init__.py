"""Small Flask applications that do the least of what the shop's pages and orders have to do.

They are served by the same server on the same machine in the same run: the shop's figures are
ratios to theirs, which a slower machine changes less than the figures themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from bench.processor import seconds_of_tree
from tooling.serving import ROOT, free_ports

PREPARE = (sys.executable, "-c", "import bench.floors.application")
"""Creates the tables and the offers."""

START_TIMEOUT = 30
"""Seconds until a floor that does not answer is an error."""


@dataclass(frozen=True)
class Floor:
    """A served floor: its URL and process id."""

    url: str
    process: int

    def processor_seconds(self) -> float:
        """Return the CPU seconds of its processes so far."""
        return seconds_of_tree(self.process)


@contextmanager
def serving(settings: Mapping[str, str]) -> Iterator[Floor]:
    """Serve `bench.floors.application` with these environment variables until the block ends.

    Raises `RuntimeError` if it does not start.
    """
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="shop-floor-") as folder:
        variables = {"FLOOR_DATABASE": f"sqlite:///{folder}/floor.db", **settings}
        environment = os.environ | variables
        # Two processes that begin at once would both change SQLite's journal, and one would fail.
        subprocess.run(PREPARE, cwd=ROOT, env=environment, check=True)
        process = subprocess.Popen(_command(port), cwd=ROOT, env=environment)
        try:
            _wait_until_open(process, port)
            yield Floor(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            process.wait()


def _command(port: int) -> list[str]:
    return [sys.executable, "-m", "bench.floors", str(port)]


def _wait_until_open(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/constant?bytes=1")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the floor did not open") from error
            time.sleep(0.1)
        finally:
            connection.close()
