"""Serve the shop on one machine: the web server, a worker and, outside production, the sandbox.

Each is a process of its own. One that dies is started again; all of them end with this one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from shop.settings import Settings, SettingsError

ROOT = Path(__file__).resolve().parent
FLASK = [sys.executable, "-m", "flask", "--app", "app"]

START_TIMEOUT = 60
"""Seconds until a start that led nowhere is given up."""

STOP_TIMEOUT = 15
"""Seconds a process has to finish what it is doing."""

LONGEST_DELAY = 30
STEADY = 60
"""Seconds a process must have run for its next crash to count as the first one."""

PR_SET_PDEATHSIG = 1


class CannotServe(Exception):
    """Why the shop does not start, in a sentence for whoever started it."""


def say(text: str) -> None:
    """Tell whoever runs this what happens, at once even in a log."""
    print(text, flush=True)


# --- Processes -------------------------------------------------------------------------------


@dataclass
class Service:
    """One process of the shop, and when it may start again after a crash."""

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
            env=_environment(),
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


def _environment() -> dict[str, str]:
    """The environment of a process, which finds the modules that lie here from any folder."""
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


# --- The shop --------------------------------------------------------------------------------


def services_of(settings: Settings) -> list[Service]:
    """The processes that make the shop: none of the sandbox's in production."""
    services = [Service("web server", web_server(settings)), Service("worker", [*FLASK, "worker"])]
    if needs_sandbox(settings):
        services.append(Service("sandbox", [sys.executable, "-m", "sandbox"]))
    return services


def needs_sandbox(settings: Settings) -> bool:
    """Whether the bank or the Office provider is the sandbox's, which production never has."""
    stands_in = settings.uses_sandbox_bank or settings.uses_sandbox_provider
    return stands_in and not settings.production


def web_server(settings: Settings) -> list[str]:
    """The command of the web server: processes with one blocking thread each.

    Python's threads, and Peewee's on SQLite, get in each other's way.
    """
    options = "--interface wsgi --blocking-threads 1 --no-ws --respawn-failed-workers"
    quiet = "--log-level warning --workers-kill-timeout 5"
    where = ["--host", settings.host, "--port", str(settings.port)]
    workers = ["--workers", str(settings.web_processes)]
    command = [sys.executable, "-m", "granian", "--factory", "app:create_app"]
    return [*command, *options.split(), *quiet.split(), *where, *workers]


def check_ports(settings: Settings) -> None:
    """Raise `CannotServe` when somebody else serves there already."""
    ports = {"PORT": settings.port}
    if needs_sandbox(settings):
        ports["SANDBOX_PORT"] = settings.sandbox_port
    for name, port in ports.items():
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                raise CannotServe(
                    f"Cannot serve at {settings.host}, port {port}: {error.strerror}. Stop what "
                    f"uses it, or choose another: make run {name}={port + 1000}"
                ) from error


def prepare(settings: Settings) -> str:
    """Bring the database up to date and fill it for a first look; what the demo data says."""
    if settings.production:
        _flask("migrate")
        return ""
    return _flask("demo", "load")


def _flask(*command: str) -> str:
    result = subprocess.run(
        [*FLASK, *command], env=_environment(), text=True, stdout=subprocess.PIPE
    )
    if result.returncode:
        raise CannotServe(f"{result.stdout}\n“flask {' '.join(command)}” failed; see above why.")
    return result.stdout.strip()


def _local(settings: Settings, port: int, path: str) -> str:
    """An address of this machine at which a service is asked whether it is well."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    check_ports(settings)
    say("· Database" if settings.production else "· Database and demo data")
    welcome = prepare(settings)
    addresses = [_local(settings, settings.port, "/readyz")]
    if needs_sandbox(settings):
        addresses.append(_local(settings, settings.sandbox_port, "/controls/clock"))
    services = services_of(settings)
    say(f"· Starting: {', '.join(service.name for service in services)}")
    supervisor = Supervisor(services)
    supervisor.listen_to_signals()
    try:
        supervisor.start(addresses)
        if not supervisor.stopping.is_set():
            introduce(settings, welcome)
        supervisor.watch()
    finally:
        supervisor.stop()
    say("Stopped.")


def introduce(settings: Settings, welcome: str) -> None:
    """Say where everything is."""
    say("")
    if welcome:
        say(welcome)
    if needs_sandbox(settings):
        say(f"Sandbox (bank, Office): {settings.sandbox_url}/")
    say(f"{settings.shop_name} is open: {settings.public_url}/  (Ctrl+C closes it)")


def main() -> int:
    """Read the environment, serve; the exit status of the program."""
    try:
        serve(Settings.from_environment())
    except (CannotServe, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
