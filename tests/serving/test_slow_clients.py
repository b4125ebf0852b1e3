"""Strangers with patience: however many send or read slowly, the shop answers everybody else."""

from __future__ import annotations

import resource
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

import serve
from models import Account
from shop.settings import Settings
from tests import ROOT
from tests.support import groups, processes
from tests.support.parties import Bank

SLOW = 500
"""Clients of each kind: ten times the threads of all processes, and more than their queues."""

PATIENT = httpx.Timeout(20.0)
"""The longest wait for a page. Without buffers, four slow clients could delay it for any time."""


@contextmanager
def served(settings: Settings, folder: Path) -> Iterator[str]:
    """Run the web server of ``serve.py`` with two processes; yield its URL."""
    variables = processes.environment_of(settings, folder, PORT=str(processes.free_port()))
    variables |= {"WEB_PROCESSES": "2", "PUBLIC_URL": "http://localhost"}
    address = f"http://127.0.0.1:{variables['PORT']}"
    command = serve.web_server(Settings.from_environment(variables))
    with subprocess.Popen(command, cwd=ROOT, env=variables) as process:
        try:
            processes.wait_for_answer(process, f"{address}/healthz")
            yield address
        finally:
            process.terminate()


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process hold as many connections as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(address: str, held: ExitStack, request: bytes) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    client = held.enter_context(socket.socket())
    # A reader's window as small as it can be: the response stays with the shop.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect((host, int(port)))
    client.sendall(request)
    return client


HALF_SENT = (
    b"POST /fr/commande HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nbusiness=3"
)
HALF_READ = b"GET /static/js/shop.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF_ASKED = b"GET /fr/ HTTP/1.1\r\nHost: local"


@pytest.mark.begun_first
@pytest.mark.one_database
@pytest.mark.usefixtures("many_files")
def test_500_slow_clients_of_each_kind_delay_no_customer(
    settings: Settings, alice: Account, bank: Bank, tmp_path: Path
) -> None:
    groups.installed(alice, bank)
    with served(settings, tmp_path) as address, ExitStack() as held:
        slow = [
            connect(address, held, request)
            for request in (HALF_SENT, HALF_READ, HALF_ASKED)
            for _ in range(SLOW)
        ]
        with httpx.Client(base_url=address, timeout=PATIENT, follow_redirects=True) as customer:
            assert customer.get("/healthz").json() == {"status": "ok"}
            assert "Office 365" in customer.get("/fr/").text
            basket = customer.get("/fr/order", params={"business": 3})
            assert basket.status_code == 200
        assert len(slow) == 3 * SLOW
