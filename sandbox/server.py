"""Servers of the sandbox: one for a process, one for a test."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.application import create_sandbox
from sandbox.background import BankWorker
from sandbox.settings import SandboxSettings

THREADS = 16
"""Number of concurrent requests; one delayed by a switch must not block the others."""


def serve(environ: Mapping[str, str] | None = None) -> None:
    """Serve the sandbox until SIGTERM or SIGINT."""
    from granian import Granian
    from granian.constants import Interfaces

    settings = SandboxSettings.from_environment(environ)
    Granian(
        "sandbox.server:serving_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        log_enabled=bool(os.environ.get("SANDBOX_LOG")),
    ).serve()


def serving_app() -> Flask:
    """Make the sandbox of this process and start its background worker.

    Cycles are looked for among later objects only, and rarely, as in the shop's worker.
    """
    app = create_sandbox()
    BankWorker(app).start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    return app


class _Quiet(WSGIRequestHandler):
    """A request handler without an access log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


@contextmanager
def running_sandbox(environ: Mapping[str, str]) -> Iterator[str]:
    """Serve the sandbox of ``environ`` in threads of this process; yield its URL.

    Without ``SANDBOX_PORT`` the operating system chooses a free port, as tests need.
    """
    server, app, url = _bind(dict(environ))
    worker = BankWorker(app).start()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield url
    finally:
        worker.stop()
        server.shutdown()
        thread.join(timeout=15)
        server.server_close()


def _bind(environ: dict[str, str]) -> tuple[BaseWSGIServer, Flask, str]:
    """Bind the port first: the sandbox must know its number when it is created."""
    created: list[Flask] = []
    port = int(environ.get("SANDBOX_PORT", "0"))
    server = make_server(
        "127.0.0.1",
        port,
        lambda env, start: created[0](env, start),
        threaded=True,
        request_handler=_Quiet,
    )
    environ["SANDBOX_PORT"] = str(server.server_port)
    created.append(create_sandbox(environ))
    return server, created[0], created[0].config["SANDBOX"].url
