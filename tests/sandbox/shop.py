"""A fake shop: it records the calls that it receives and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.patience import STUCK


@dataclass
class ReceivedCall:
    """A call to the shop."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ListeningShop:
    """Records calls; answers with the statuses in ``answers`` first, then with ``status``."""

    url: str = ""
    status: int = 200
    answers: list[int] = field(default_factory=list)
    body: bytes = b"{}"
    received: list[ReceivedCall] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def receive(self, call: ReceivedCall) -> int:
        with self.changed:
            self.received.append(call)
            self.changed.notify_all()
            return self.answers.pop(0) if self.answers else self.status

    def wait_for(self, count: int) -> list[ReceivedCall]:
        """Wait for ``count`` calls; return all calls."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, STUCK), self.received
            return list(self.received)


@contextmanager
def listening() -> Iterator[ListeningShop]:
    """Serve a fake shop on a free port."""
    shop = ListeningShop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = shop.receive(ReceivedCall(self.path, dict(self.headers), body))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(shop.body)

        def log_message(self, *args: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
