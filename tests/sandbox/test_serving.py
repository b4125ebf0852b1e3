"""The sandbox as a separate process: started, killed, started again."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress

import httpx
import pytest

from sandbox.database import OldDatabase, database
from sandbox.settings import SandboxSettings, SandboxSettingsError
from tests import ROOT
from tests.sandbox.conftest import checkout_body
from tests.sandbox.test_adapters import CARD
from tests.support import patience

pytestmark = pytest.mark.waits


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(path, port, **environment):
    """Run ``python -m sandbox`` until the block ends."""
    variables = {"SANDBOX_DATABASE": str(path), "SANDBOX_PORT": str(port), "SANDBOX_LATENCY": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env=os.environ | variables | environment,
        start_new_session=True,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        try:
            wait_until_up(client, process)
            yield client, process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(patience.STUCK)


def wait_until_up(client, process):
    def is_up() -> bool:
        assert process.poll() is None, "the sandbox ended"
        with suppress(httpx.HTTPError):
            return client.get("/controls/clock").status_code == 200
        return False

    patience.wait_until(is_up, lambda: 0)


def expire_leases(path):
    """Expire the leases of all letters, so that they are due at once."""
    with closing(sqlite3.connect(path)) as kept, kept:
        kept.execute("UPDATE letter SET due_at = 0")


def test_a_notification_outlives_the_process_that_wrote_it(tmp_path, shop):
    path, port = tmp_path / "served.db", free_port()
    shop.status = 500
    body = checkout_body(notification_url=f"{shop.url}/notifications/bank")
    headers = {"Authorization": "Bearer sandbox-bank-key", "Idempotency-Key": "k"}
    with served(path, port) as (client, _):
        checkout = client.post("/bank/api/checkouts", json=body, headers=headers).json()
        page = client.get(checkout["url"]).text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        assert client.post(checkout["url"], data=CARD | {"csrf_token": token}).status_code == 303
        shop.wait_for(1)
    expire_leases(path)
    shop.status = 200
    count = len(shop.received)
    with served(path, port) as (client, process):
        call = shop.wait_for(count + 1)[-1]
        assert call.json["checkout"]["reference"] == checkout["reference"]
        assert call.json["checkout"]["status"] == "succeeded"
        process.send_signal(signal.SIGTERM)
        assert process.wait(patience.STUCK) == 0


def test_invalid_settings_stop_the_start_with_a_message():
    result = subprocess.run(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env=os.environ | {"SANDBOX_LATENCY": "soon"},
        capture_output=True,
        text=True,
        timeout=patience.STUCK,
    )
    assert result.returncode == 1
    assert result.stderr.strip() == (
        "The sandbox cannot start: SANDBOX_LATENCY is not a number: 'soon'"
    )


def test_settings_come_from_the_environment():
    read = SandboxSettings.from_environment
    plain = read({})
    assert (plain.port, plain.url, plain.shop_url) == (
        5001,
        "http://127.0.0.1:5001",
        "http://localhost:5000",
    )
    moved = read({"PORT": "7000"})
    assert (moved.port, moved.shop_url) == (7001, "http://localhost:7000")
    named = read({"HOST": "box.example", "SANDBOX_URL": "https://sandbox.example/"})
    assert (named.url, named.shop_url) == ("https://sandbox.example", "http://box.example:5000")
    with pytest.raises(SandboxSettingsError, match="PORT must lie between"):
        read({"PORT": "70000"})


def test_the_shop_and_the_sandbox_read_the_same_settings():
    from shop.settings import Settings

    for environment in ({}, {"PORT": "7000"}, {"HOST": "0.0.0.0"}, {"HOST": "box.example"}):
        shop, sandbox = (
            Settings.from_environment(environment),
            SandboxSettings.from_environment(environment),
        )
        assert (shop.sandbox_url, shop.public_url) == (sandbox.url, sandbox.shop_url)
        assert shop.sandbox_port == sandbox.port
        assert (shop.sandbox_latency, shop.sandbox_faults) == (sandbox.latency, sandbox.faults)
        assert (shop.bank_key, shop.provider_key) == (sandbox.bank_key, sandbox.provider_key)
        assert shop.notification_secret == sandbox.notification_secret
        assert shop.shop_name == sandbox.shop_name


def test_the_file_is_its_owners_alone(make_sandbox, tmp_path):
    path = tmp_path / "private" / "sandbox.db"
    make_sandbox(SANDBOX_DATABASE=str(path))
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_of_another_version_is_not_touched(make_sandbox):
    make_sandbox()
    database.pragma("user_version", 99)
    with pytest.raises(OldDatabase, match="remove it"):
        make_sandbox()
    database.close_all()
