"""Processes that are watched: started together, started again when they die, ended together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

START_TIMEOUT = 60
"""Seconds until a start that led nowhere is given up."""

STOP_TIMEOUT = 15
"""Seconds a process has to finish what it is doing."""

LONGEST_DELAY = 30
STEADY = 60
"""Seconds a process must have run for its next crash to count as the first one."""

PR_SET_PDEATHSIG = 1


class CannotServe(Exception):
    """A process did not start; the message says why, in a sentence."""


def say(text: str) -> None:
    """Tell whoever runs this what happens, at once even in a log."""
    print(text, flush=True)


@dataclass
class Service:
    """One process, and when it may start again after a crash."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    crashes: int = 0
    started_at: float = 0.0
    restart_at: float = 0.0

    def start(self) -> None:
        """Start it in a process group of its own, so that Ctrl+C reaches this process alone."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )

    def has_ended(self) -> bool:
        """Whether it was started and runs no more."""
        return self.process is not None and self.process.poll() is not None

    def plan_restart(self) -> None:
        """Clear away what it left behind, and wait longer after each crash in a row."""
        assert self.process is not None
        how = _how_it_ended(self.process.returncode)
        self.kill()
        ran = time.monotonic() - self.started_at
        self.crashes = 1 if ran > STEADY else self.crashes + 1
        delay = min(2 ** (self.crashes - 1), LONGEST_DELAY)
        self.restart_at = time.monotonic() + delay
        self.process = None
        say(f"The {self.name} {how}; starting it again in {delay} s.")

    def terminate(self) -> None:
        """Ask it to finish."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """End it and every process it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def environment() -> dict[str, str]:
    """The environment of a process, which finds the shop's modules from any folder."""
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}


def _how_it_ended(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"stopped with status {status}"


def _end_with_parent() -> None:
    """Ask Linux to end this process when the one that started it dies, however it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Supervisor:
    """Keeps services running until it is told to stop."""

    services: list[Service]
    stopping: threading.Event = field(default_factory=threading.Event)

    def listen_to_signals(self) -> None:
        """Stop on Ctrl+C, on a polite kill, and when the terminal closes."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopping.set())

    def start(self, addresses: list[str]) -> None:
        """Start everything and wait until each address answers; raises `CannotServe`."""
        for service in self.services:
            service.start()
        deadline = time.monotonic() + START_TIMEOUT
        while not self.stopping.is_set() and (silent := [a for a in addresses if not answers(a)]):
            for service in self.services:
                if service.has_ended():
                    raise CannotServe(f"The {service.name} did not start; see above why.")
            if time.monotonic() > deadline:
                raise CannotServe(f"{silent[0]} has not answered for {START_TIMEOUT} s.")
            self.stopping.wait(0.1)

    def watch(self) -> None:
        """Start again what crashes, until told to stop."""
        while not self.stopping.wait(0.2):
            for service in self.services:
                if service.has_ended():
                    service.plan_restart()
                elif service.process is None and time.monotonic() >= service.restart_at:
                    service.start()

    def stop(self) -> None:
        """End every process: politely first, then for good."""
        for service in self.services:
            service.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT
        for service in self.services:
            if service.process is not None:
                try:
                    service.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    say(f"The {service.name} did not stop in time.")
                service.kill()


def answers(address: str) -> bool:
    """Whether something at ``address`` says that it is well."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310 (http:// of ours)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
