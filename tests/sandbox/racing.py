"""Races at the sandbox: many concurrent callers, each with a thread and a connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from sandbox.database import database
from tests.support import patience


def race(sandbox_app: Flask, act: Callable[[FlaskClient], Any], times: int) -> list[Any]:
    """Run ``act`` in ``times`` threads that start together; return what each returned or raised."""
    ready, outcomes = threading.Barrier(times), []

    def run() -> None:
        try:
            ready.wait(timeout=patience.STUCK)
            outcomes.append(act(sandbox_app.test_client()))
        except Exception as error:
            outcomes.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=patience.STUCK)
    assert len(outcomes) == times, "a thread is stuck"
    return outcomes
