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
from tests.support import groups, patience, processes
from tests.support.parties import Bank

pytestmark = pytest.mark.waits

SLOW = 500
"""Clients of each kind: ten times the threads of all processes, and more than their queues."""

LOG = "web.log"

PATIENT = httpx.Timeout(20.0)
"""The longest wait for a page. Without buffers, four slow clients could delay it for any time."""


@contextmanager
def served(settings: Settings, folder: Path) -> Iterator[str]:
    """Run the web server of ``serve.py`` with two processes; yield its URL."""
    variables = processes.environment_of(settings, folder, PORT=str(processes.free_port()))
    variables |= {"WEB_PROCESSES": "2", "PUBLIC_URL": "http://localhost"}
    address = f"http://127.0.0.1:{variables['PORT']}"
    with (
        (folder / LOG).open("w") as log,
        subprocess.Popen(serve.WEB_SERVER, cwd=ROOT, env=variables, stdout=log) as process,
    ):
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


@pytest.mark.one_database
@pytest.mark.usefixtures("app")
def test_the_server_stops_though_bodies_are_half_sent_and_connections_idle(
    settings: Settings, tmp_path: Path
) -> None:
    with ExitStack() as held:
        with served(settings, tmp_path) as address:
            half = [connect(address, held, HALF_SENT) for _ in range(20)]
            idle = held.enter_context(httpx.Client(base_url=address, timeout=PATIENT))
            assert idle.get("/healthz").status_code == 200
        for client in half:
            client.settimeout(patience.STUCK)
            assert client.recv(12) == b"HTTP/1.1 503"
        assert "Killing" not in (tmp_path / LOG).read_text()
