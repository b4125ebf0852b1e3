"""Serving on one machine: processes are restarted, and end together."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import serve
from serving.supervisor import STEADY_SECONDS, Service, StartFailed, Supervisor
from serving.web_server import KILL_TIMEOUT
from shop.settings import Settings
from tests import ROOT
from tests.support import patience, processes

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]

STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""

SUPERVISED = f"""
from serving.supervisor import Service, Supervisor
supervisor = Supervisor([Service("sleeper", {SLEEPER!r})])
supervisor.listen_to_signals()
supervisor.start([])
print(supervisor.services[0].process.pid, flush=True)
supervisor.watch()
supervisor.stop()
"""


@pytest.fixture
def sleeper() -> Iterator[Service]:
    service = Service("sleeper", SLEEPER)
    service.start()
    yield service
    service.kill()


@pytest.fixture
def supervised() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A supervising process with one sleeping child, and the child's process id."""
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISED], cwd=ROOT, text=True, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        yield parent, int(parent.stdout.readline())
        parent.kill()


def wait_until_gone(number: int) -> None:
    """Return once the process with that id has ended; it need not be a child of the test."""
    try:
        descriptor = os.pidfd_open(number)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], patience.STUCK)[0], (
            f"process {number} still runs"
        )
    finally:
        os.close(descriptor)


def test_a_crashed_process_is_planned_again_later_each_time(
    sleeper: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    for delay in (1, 2, 4, 8, 16, 30, 30):
        assert sleeper.process is not None
        sleeper.process.kill()
        sleeper.process.wait()
        assert sleeper.has_ended()
        before = time.monotonic()
        sleeper.plan_restart()
        assert before + delay <= sleeper.restart_at <= time.monotonic() + delay
        sleeper.start()
    assert "The sleeper was ended by SIGKILL; starting it again in 1 s." in capsys.readouterr().out


def test_a_process_that_ran_long_enough_resets_its_restart_count(sleeper: Service) -> None:
    sleeper.crashes = 5
    sleeper.started_at -= 2 * STEADY_SECONDS
    assert sleeper.process is not None
    sleeper.process.kill()
    sleeper.process.wait()
    sleeper.plan_restart()
    assert sleeper.crashes == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_polite_end_ends_everything(
    supervised: tuple[subprocess.Popen[str], int], number: int
) -> None:
    parent, child = supervised
    parent.send_signal(number)
    assert parent.wait(patience.STUCK) == 0
    wait_until_gone(child)


def test_a_process_that_does_not_end_is_killed_once_its_time_is_over(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-c", STUBBORN, str(ready)]
    supervisor = Supervisor([Service("stubborn", command)], stop_timeout=0.1)
    supervisor.start([])
    process = supervisor.services[0].process
    assert process is not None
    patience.wait_until(ready.exists, lambda: 0)
    supervisor.stop()
    assert process.returncode == -signal.SIGKILL


def test_nothing_is_killed_before_the_notice_and_the_time_of_requests_in_hand_are_over() -> None:
    settings = Settings.from_environment({"STOP_NOTICE": "40"})
    assert serve.supervisor_of(settings).stop_timeout > settings.stop_notice + KILL_TIMEOUT


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_children_do_not_outlive_a_killed_parent(
    supervised: tuple[subprocess.Popen[str], int],
) -> None:
    parent, child = supervised
    parent.kill()
    parent.wait(patience.STUCK)
    wait_until_gone(child)


def test_a_process_that_does_not_start_is_said_at_once() -> None:
    supervisor = Supervisor([Service("broken part", [sys.executable, "-c", "1/0"])])
    try:
        with pytest.raises(StartFailed, match="The broken part did not start"):
            supervisor.start(["http://127.0.0.1:9/"])
    finally:
        supervisor.stop()


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        port = rival.getsockname()[1]
        with pytest.raises(StartFailed, match=f"port {port}: Address already in use"):
            serve.check_ports(Settings(port=port, sandbox_port=port))


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("192.0.2.1", "Cannot assign requested address. Set HOST to an address of this machine"),
        ("no.such.host.invalid", "Set HOST to an address of this machine"),
    ],
)
def test_a_host_that_is_not_this_machine_is_said_in_one_sentence(host: str, words: str) -> None:
    with pytest.raises(StartFailed, match=words):
        serve.check_ports(Settings(host=host))


def test_a_port_that_only_root_may_use_is_said_in_one_sentence() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied")
    assert "Ports below 1024 need root" in serve._advice(denied, "PORT", 80)


def test_the_highest_port_can_be_served_by_ipv6() -> None:
    serve.check_ports(Settings(host="::1", port=65535, sandbox_port=65534))
    assert serve._local_url(Settings(host="::1"), 65535, "/readyz") == "http://[::1]:65535/readyz"


@pytest.mark.parametrize("part", ["web", "worker", "migrate"])
def test_this_process_becomes_the_part_that_is_named(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    checked: list[tuple[str, ...]] = []
    monkeypatch.setattr(os, "execve", lambda program, command, _: became.append(command))
    monkeypatch.setattr(serve, "_flask", lambda *command: checked.append(command))
    serve.exec_part(part, Settings(port=processes.free_port()))
    (command,) = became
    assert command[0] == sys.executable
    assert (command == serve.WEB_SERVER) is (part == "web")
    assert (command[-1] == part) is (part != "web")
    assert checked == ([("check-database",)] if part == "web" else [])


def test_an_unknown_part_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main(["everything"]) == 2
    assert "Usage: python -m serve [web | worker | migrate]" in capsys.readouterr().err


def test_a_part_does_not_start_with_settings_that_are_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://localhost/shop")
    assert serve.main(["web"]) == 1
    assert "DATABASE_URL must be sqlite:///path or postgresql://" in capsys.readouterr().err


def test_production_starts_no_sandbox() -> None:
    development = serve.services_of(Settings())
    production = serve.services_of(Settings(production=True))
    assert [service.name for service in development] == ["web server", "worker", "sandbox"]
    assert [service.name for service in production] == ["web server", "worker"]
