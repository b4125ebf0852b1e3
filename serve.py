"""Serve the shop on one machine: the web server, a worker and, outside production, the sandbox.

Each is a separate process. A process that ends unexpectedly is restarted; all of them end with this
one. Where another supervisor watches the processes (systemd, containers), ``python -m serve web``,
``… worker`` and ``… migrate`` replace this process by the one named.
"""

from __future__ import annotations

import errno
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Sequence

from serving.supervisor import (
    STOP_TIMEOUT,
    Service,
    StartFailed,
    Supervisor,
    environment,
    print_now,
)
from serving.web_server import CONNECTIONS
from shop.settings import Settings, SettingsError

FLASK = [sys.executable, "-m", "flask", "--app", "app"]
WORKER = [*FLASK, "worker"]
WEB_SERVER = [sys.executable, "-m", "asgi"]


def services_of(settings: Settings) -> list[Service]:
    """Return the processes of the shop; the sandbox is not among them in production."""
    services = [Service("web server", WEB_SERVER), Service("worker", WORKER)]
    if needs_sandbox(settings):
        services.append(Service("sandbox", [sys.executable, "-m", "sandbox"]))
    return services


def needs_sandbox(settings: Settings) -> bool:
    """Whether the sandbox must run, as an outside party is the sandbox's; never in production."""
    return settings.uses_any_sandbox


def check_ports(settings: Settings) -> None:
    """Raise `StartFailed` unless this process may listen where the settings say."""
    check_port(settings.host, "PORT", settings.port)
    if needs_sandbox(settings):
        check_port(settings.host, "SANDBOX_PORT", settings.sandbox_port)


def check_port(host: str, name: str, port: int) -> None:
    """Raise `StartFailed` unless this process may listen on ``port``, the setting ``name``."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        advice = _advice(error, name, port)
        raise StartFailed(
            f"Cannot serve at {host}, port {port}: {error.strerror}. {advice}"
        ) from error


def _advice(error: OSError, name: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1000 if port + 1000 <= 65535 else port - 1000
        return f"Stop what uses it, or choose another: make run {name}={other}"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"Ports below 1024 need root: choose another {name}, and a proxy in front of it."
    return "Set HOST to an address of this machine: 127.0.0.1, 0.0.0.0 or ::1, for instance."


def allow_connections() -> None:
    """Raise the limit of open files that child processes inherit to `CONNECTIONS`, if permitted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, CONNECTIONS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def prepare(settings: Settings) -> str:
    """Migrate the database, and outside production load the demo data; return its output."""
    if settings.production:
        _flask("migrate")
        return ""
    return _flask("demo", "load")


def _flask(*command: str) -> str:
    result = subprocess.run(
        [*FLASK, *command], env=environment(), text=True, stdout=subprocess.PIPE
    )
    if result.returncode:
        raise StartFailed(f"{result.stdout}\n“flask {' '.join(command)}” failed; see above why.")
    return result.stdout.strip()


def _local_url(settings: Settings, port: int, path: str) -> str:
    """Return the URL of a service's health check on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"


def supervisor_of(settings: Settings) -> Supervisor:
    """Return the supervisor of the shop's processes; they may end after the notice is over."""
    return Supervisor(services_of(settings), STOP_TIMEOUT + settings.stop_notice)


def serve(settings: Settings) -> None:
    """Serve until a signal to stop."""
    check_ports(settings)
    allow_connections()
    print_now("· Database" if settings.production else "· Database and demo data")
    welcome = prepare(settings)
    health_urls = [_local_url(settings, settings.port, "/readyz")]
    if needs_sandbox(settings):
        health_urls.append(_local_url(settings, settings.sandbox_port, "/controls/clock"))
    supervisor = supervisor_of(settings)
    print_now(f"· Starting: {', '.join(service.name for service in supervisor.services)}")
    supervisor.listen_to_signals()
    try:
        supervisor.start(health_urls)
        if not supervisor.stopping:
            print_welcome(settings, welcome)
        supervisor.watch()
    finally:
        supervisor.stop()
    print_now("Stopped.")


def print_welcome(settings: Settings, welcome: str) -> None:
    """Print the URLs of the shop and the sandbox, and how to sign in."""
    print_now("")
    if welcome:
        print_now(welcome)
    if needs_sandbox(settings):
        print_now(f"Sandbox (bank, Office): {settings.sandbox_url}/")
    print_now(f"{settings.shop_name} is open: {settings.public_url}/  (Ctrl+C closes it)")


def exec_part(part: str, settings: Settings) -> None:
    """Replace this process by one part of the shop. Raises `StartFailed` if it may not start."""
    if part == "web":
        check_port(settings.host, "PORT", settings.port)
        allow_connections()
        _flask("check-database")
    command = {"web": WEB_SERVER, "worker": WORKER, "migrate": [*FLASK, "migrate"]}[part]
    sys.stdout.flush()
    os.execve(command[0], command, environment())  # noqa: S606 (a command of our own)


def main(arguments: Sequence[str] = ()) -> int:
    """Serve with the settings of the environment; return the exit status."""
    if arguments and tuple(arguments) not in {("web",), ("worker",), ("migrate",)}:
        print("Usage: python -m serve [web | worker | migrate]", file=sys.stderr)
        return 2
    try:
        settings = Settings.from_environment()
        if arguments:
            exec_part(arguments[0], settings)
        serve(settings)
    except (StartFailed, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
