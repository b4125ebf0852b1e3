"""A local HTTP server for a party's API, with injected answers and lost responses."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Call:
    """A received call; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else {}


@dataclass(frozen=True)
class Reply:
    """A response; without a body if ``body`` is None."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FaultPlan:
    """The faults of the next calls.

    ``answers`` are sent instead of executing a call. After ``passing`` more calls, the responses
    of the next ``losing`` calls are lost.
    """

    url: str = ""
    answers: list[Reply] = field(default_factory=list)
    passing: int = 0
    losing: int = 0
    calls: list[Call] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)


@contextmanager
def serving(
    answer: Callable[[Call], Reply], context: ssl.SSLContext | None = None
) -> Iterator[FaultPlan]:
    """Serve on a free port until the block ends; calls are executed one at a time."""
    faults = FaultPlan()

    class Handler(BaseHTTPRequestHandler):
        # Connections stay open, as the real parties keep them.
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle_any(self) -> None:
            call = self.read_call()
            with faults.lock:
                faults.calls.append(call)
                reply = faults.answers.pop(0) if faults.answers else answer(call)
                lost = faults.losing > 0 and faults.passing == 0
                faults.losing -= lost
                faults.passing -= faults.passing > 0
            if lost:
                self.close_connection = True
            else:
                self.send(reply)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def read_call(self) -> Call:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(address.query, keep_blank_values=True))
            return Call(self.command, unquote(address.path), query, headers, body)

        def send(self, reply: Reply) -> None:
            body = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    faults.url = f"{scheme}://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield faults
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
