"""Serving the sandbox: as a process of its own, or inside a test."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.application import create_sandbox
from sandbox.background import Carriers
from sandbox.settings import SandboxSettings

THREADS = 16
"""Calls answered at the same time; a slow one (the switches) must not hold the others up."""


def serve(environ: Mapping[str, str] | None = None) -> None:
    """Serve the sandbox until the process is told to end (SIGTERM, SIGINT)."""
    from granian import Granian
    from granian.constants import Interfaces

    settings = SandboxSettings.from_environment(environ)
    Granian(
        "sandbox.server:working_sandbox",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        log_enabled=bool(os.environ.get("SANDBOX_LOG")),
    ).serve()


def working_sandbox() -> Flask:
    """The sandbox of this process, with its carriers at work."""
    app = create_sandbox()
    Carriers(app).start()
    return app


class _Quiet(WSGIRequestHandler):
    """Says nothing about each call."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


@contextmanager
def running(environ: Mapping[str, str]) -> Iterator[str]:
    """A sandbox of ``environ`` served by threads of this process; its address.

    With ``SANDBOX_PORT`` absent the system chooses a free port, as tests want.
    """
    server, app, url = _listening(dict(environ))
    carriers = Carriers(app).start()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield url
    finally:
        carriers.stop()
        server.shutdown()
        thread.join(timeout=15)
        server.server_close()


def _listening(environ: dict[str, str]) -> tuple[BaseWSGIServer, Flask, str]:
    """A server that holds its port before the sandbox is told the port's number."""
    app_later: list[Flask] = []
    port = int(environ.get("SANDBOX_PORT", "0"))
    server = make_server(
        "127.0.0.1",
        port,
        lambda env, start: app_later[0](env, start),
        threaded=True,
        request_handler=_Quiet,
    )
    environ["SANDBOX_PORT"] = str(server.server_port)
    app_later.append(create_sandbox(environ))
    return server, app_later[0], app_later[0].config["SANDBOX"].url
