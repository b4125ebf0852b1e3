"""A supervisor that starts processes together, restarts those that crash, and ends all together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent

START_TIMEOUT = 60
"""Seconds within which all health checks must succeed."""

STOP_TIMEOUT = 15
"""Seconds that a process has to finish its work after SIGTERM."""

LONGEST_DELAY = 30
STEADY_SECONDS = 60
"""Seconds a process must have run for the restart delay to start from the beginning."""

PR_SET_PDEATHSIG = 1


class StartFailed(Exception):
    """The shop or one of its processes cannot start; the message is a sentence for the operator."""


def print_now(text: str) -> None:
    """Print a message for the operator and flush, so that a log file shows it at once."""
    print(text, flush=True)


@dataclass
class Service:
    """One process, and the time of its next restart after a crash."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    crashes: int = 0
    started_at: float = 0.0
    restart_at: float = 0.0

    def start(self) -> None:
        """Start it in a separate session, so that Ctrl+C signals the supervisor alone."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )

    def has_ended(self) -> bool:
        """Whether it was started and has ended."""
        return self.process is not None and self.process.poll() is not None

    def plan_restart(self) -> None:
        """Kill its remaining processes and schedule the restart, with exponential back-off."""
        assert self.process is not None
        how = _describe_exit(self.process.returncode)
        self.kill()
        ran = time.monotonic() - self.started_at
        self.crashes = 1 if ran > STEADY_SECONDS else self.crashes + 1
        delay = min(2 ** (self.crashes - 1), LONGEST_DELAY)
        self.restart_at = time.monotonic() + delay
        self.process = None
        print_now(f"The {self.name} {how}; starting it again in {delay} s.")

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL to it and every process of its group."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def environment() -> dict[str, str]:
    """Return the environment of a process, with the shop's modules on PYTHONPATH."""
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}


def _describe_exit(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"stopped with status {status}"


def _end_with_parent() -> None:
    """Ask Linux to send SIGTERM to this process when its parent dies for any reason."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Supervisor:
    """Keeps services running until a signal to stop."""

    services: list[Service]
    stop_timeout: float = STOP_TIMEOUT
    """Seconds that the processes have to end after SIGTERM."""
    stopping: bool = False
    """Whether a signal asked to stop; no event, whose lock the interrupted thread might hold."""

    def listen_to_signals(self) -> None:
        """Stop on SIGINT (Ctrl+C), SIGTERM, and SIGHUP when the terminal closes."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop_soon)

    def _stop_soon(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def start(self, health_urls: list[str]) -> None:
        """Start every service and wait until each health check succeeds; raises `StartFailed`."""
        for service in self.services:
            service.start()
        deadline = time.monotonic() + START_TIMEOUT
        while not self.stopping and (silent := [u for u in health_urls if not is_healthy(u)]):
            for service in self.services:
                if service.has_ended():
                    raise StartFailed(f"The {service.name} did not start; see above why.")
            if time.monotonic() > deadline:
                raise StartFailed(f"{silent[0]} has not answered for {START_TIMEOUT} s.")
            time.sleep(0.1)

    def watch(self) -> None:
        """Restart services that crash, until a signal to stop."""
        while not self.stopping:
            for service in self.services:
                if service.has_ended():
                    service.plan_restart()
                elif service.process is None and time.monotonic() >= service.restart_at:
                    service.start()
            time.sleep(0.2)

    def stop(self) -> None:
        """End every process by SIGTERM, and by SIGKILL those that do not end in time."""
        for service in self.services:
            service.terminate()
        deadline = time.monotonic() + self.stop_timeout
        for service in self.services:
            if service.process is not None:
                try:
                    service.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    print_now(f"The {service.name} did not stop in time.")
                service.kill()


def is_healthy(url: str) -> bool:
    """Whether the health check at ``url`` answers with status 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 (http:// of ours)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
