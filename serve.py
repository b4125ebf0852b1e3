"""Serve the shop on one machine: the web server, a worker and, outside production, the sandbox.

Each is a process of its own. One that dies is started again; all of them end with this one.
"""

from __future__ import annotations

import socket
import subprocess
import sys

from serving.supervisor import CannotServe, Service, Supervisor, environment, say
from shop.settings import Settings, SettingsError

FLASK = [sys.executable, "-m", "flask", "--app", "app"]
WORKER = [*FLASK, "worker"]


def services_of(settings: Settings) -> list[Service]:
    """The processes that make the shop: none of the sandbox's in production."""
    services = [Service("web server", web_server(settings)), Service("worker", WORKER)]
    if needs_sandbox(settings):
        services.append(Service("sandbox", [sys.executable, "-m", "sandbox"]))
    return services


def needs_sandbox(settings: Settings) -> bool:
    """Whether the bank or the Office provider is the sandbox's, which production never has."""
    return settings.uses_any_sandbox


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
        [*FLASK, *command], env=environment(), text=True, stdout=subprocess.PIPE
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
