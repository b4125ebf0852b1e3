"""Runs the WSGI application behind buffers, so that no slow client ever holds a thread.

Granian's event loop receives bodies and sends responses. A request takes a thread only while the
application computes its answer, a streamed response only while its next piece is made.
"""

from __future__ import annotations

import asyncio
import io
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BODY_HEADERS = {"content-length", "transfer-encoding"}

READINESS = "/readyz"
"""The path at which a process says that no new requests should be sent to it."""

WEIGHT = 0.05
"""Of the newest request in the mean time that a request computes."""

WATCH_INTERVAL = 0.1
"""Seconds between two looks whether the process is to stop, while bodies are being received."""


@dataclass(frozen=True)
class Limits:
    """The limits of one process. Sizes are bytes, times are seconds."""

    threads: int = 16
    """Requests that compute, wait to compute, or wait for an outside party."""
    new_wait: float = 2.0
    """Above this expected wait for a thread, requests of clients without a session are refused."""
    wait: float = 8.0
    """Above this expected wait, all others are refused too."""
    waiting: int = 2000
    """Requests in hand above which all others are refused, however short they are."""
    body: int = 4 * 1024 * 1024
    bodies: int = 64 * 1024 * 1024
    """The total of all bodies that are being received at one time."""
    body_time: float = 60.0
    """From the end of a request's headers to the end of its body."""
    piece_time: float = 60.0
    """For a client to take the next piece of a streamed response."""
    in_memory: int = 256 * 1024
    """A response up to about this size is handed over whole."""


class Refused(Exception):
    """The request is answered without the application: too large, too slow, or over a limit."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """A response: the first part of its body, and the iterator of the rest if there is one."""

    status: int
    headers: Headers
    body: bytes
    rest: Iterator[bytes] | None = None
    close: Callable[[], None] = lambda: None


class ComputingSlots:
    """Limit how many threads compute at one time; a waiting thread releases its slot.

    Computing threads slow each other down (Python's global interpreter lock), waiting ones do not.
    """

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots
        # A semaphore of one does the same, in Python: a lock costs a tenth of it.
        self._free = threading.Lock() if slots == 1 else threading.Semaphore(slots)
        self._thread = threading.local()
        self._mean = 0.01

    def expected_wait(self, requests: int) -> float:
        """Return the seconds until a slot is free for one more than ``requests``."""
        return requests * self._mean / self._slots

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Compute inside this context."""
        with self._free:
            self._thread.used, self._thread.since = 0.0, time.perf_counter()
            try:
                yield
            finally:
                self._stop_counting()
                self._mean += (self._thread.used - self._mean) * WEIGHT
                self._thread.since = None

    @contextmanager
    def released(self) -> Iterator[None]:
        """Release the slot, if the thread has one, while it waits inside this context."""
        if getattr(self._thread, "since", None) is None:
            yield
            return
        self._stop_counting()
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
            self._thread.since = time.perf_counter()

    def _stop_counting(self) -> None:
        self._thread.used += time.perf_counter() - self._thread.since


class BufferedApplication:
    """An ASGI application that wraps a WSGI application.

    ``refusal`` creates the page of a request refused here, from its status and headers.
    ``constant`` holds the answers by path that need no thread; ``at_once`` returns the answer to a
    request, by its scope and headers, that is known without one, or None. While ``stopping`` is
    true, the process says that it is not ready and waits for no body any longer.
    """

    def __init__(
        self,
        application: WSGIApplication,
        refusal: Callable[[int, Mapping[str, str]], Answer],
        slots: ComputingSlots,
        limits: Limits | None = None,
        constant: Mapping[str, Answer] | None = None,
        at_once: Callable[[Scope, Mapping[str, str]], Awaitable[Answer | None]] | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._application = application
        self._refusal = refusal
        self._slots = slots
        self._limits = limits or Limits()
        self._constant = constant or {}
        self._at_once = at_once
        self._threads = ThreadPoolExecutor(self._limits.threads, "request")
        self._stopping = stopping
        self._bodies: set[asyncio.Task[Any]] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._in_hand = 0
        self._receiving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = _headers(scope)
        try:
            answer = (
                self._constant_answer(scope["path"])
                or (self._at_once and await self._at_once(scope, headers))
                or await self._respond(scope, headers, receive)
            )
        except Refused as refused:
            answer = self._refusal(refused.status, headers)
        await self._send(send, answer)

    def _constant_answer(self, path: str) -> Answer | None:
        if path == READINESS and self._stopping():
            raise Refused(503)
        return self._constant.get(path)

    async def _respond(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Answer:
        self._check_room(headers)
        if _declared_size(headers) > self._limits.body:
            # The application refuses it by its declared size, and has a page for it.
            body = b""
        elif _has_no_body(scope, headers):
            body = b""
            headers["content-length"] = "0"
        else:
            body = await self._body(receive, headers)
            headers["content-length"] = str(len(body))
            self._check_room(headers)
        self._in_hand += 1
        try:
            return await self._in_thread(self._run, environ(scope, headers, body))
        finally:
            self._in_hand -= 1

    def _check_room(self, headers: dict[str, str]) -> None:
        """Raise `Refused` if the process is overloaded.

        Clients with a session have a higher limit, so that they can continue while new ones are
        refused.
        """
        limit = self._limits.wait if "cookie" in headers else self._limits.new_wait
        expected = self._slots.expected_wait(self._in_hand)
        if expected > limit or self._in_hand >= self._limits.waiting:
            raise Refused(503)

    async def _body(self, receive: Receive, headers: dict[str, str]) -> bytes:
        """Return the request's body. Raises `Refused`."""
        received = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_time), self._unless_stopping(headers):
                more = True
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise Refused(400)
                    self._take(received, message.get("body", b""))
                    more = message.get("more_body", False)
        except TimeoutError:
            raise Refused(408) from None
        finally:
            self._receiving -= len(received)
        return bytes(received)

    @asynccontextmanager
    async def _unless_stopping(self, headers: dict[str, str]) -> AsyncIterator[None]:
        """Raise `Refused` when the process is to stop before this body has come."""
        task = asyncio.current_task()
        if task is None or not BODY_HEADERS & headers.keys():
            yield
            return
        self._bodies.add(task)
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        try:
            yield
        except asyncio.CancelledError:
            if task in self._bodies:
                raise
            task.uncancel()
            raise Refused(503) from None
        finally:
            self._bodies.discard(task)

    async def _watch(self) -> None:
        """End the bodies that are being received once the process is to stop."""
        while self._bodies:
            if self._stopping():
                for task in list(self._bodies):
                    self._bodies.discard(task)
                    task.cancel()
            await asyncio.sleep(WATCH_INTERVAL)

    def _take(self, received: bytearray, piece: bytes) -> None:
        received += piece
        self._receiving += len(piece)
        if len(received) > self._limits.body:
            raise Refused(413)
        if self._receiving > self._limits.bodies:
            raise Refused(503)

    def _in_thread(self, act: Callable[..., Any], *given: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._threads, self._compute, act, *given)

    def _compute(self, act: Callable[..., Any], *given: Any) -> Any:
        with self._slots.taken():
            return act(*given)

    def _run(self, environ: dict[str, Any]) -> Answer:
        """Run the application; read its response up to the size that is kept in memory."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            started[:] = [int(status[:3]), _encoded(headers)]

        pieces = self._application(environ, start_response)
        close = getattr(pieces, "close", lambda: None)
        try:
            body, rest = _beginning(iter(pieces), self._limits.in_memory)
        except BaseException:
            close()
            raise
        if rest is None:
            close()
        return Answer(started[0], started[1], body, rest, close)

    async def _send(self, send: Send, answer: Answer) -> None:
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        if answer.rest is None:
            await send(start)
            await send({"type": "http.response.body", "body": answer.body})
            return
        try:
            await send(start)
            await self._stream(send, answer.body, answer.rest)
        finally:
            await self._in_thread(answer.close)

    async def _stream(self, send: Send, beginning: bytes, rest: Iterator[bytes]) -> None:
        """Send the response in pieces, each computed after the client took the previous one."""
        piece: bytes | None = beginning
        while piece is not None:
            if piece:
                async with asyncio.timeout(self._limits.piece_time):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await self._in_thread(next, rest, None)
        await send({"type": "http.response.body", "body": b""})


def _headers(scope: Scope) -> dict[str, str]:
    """Return the request's headers by lower-case name; repeated ones are joined as HTTP allows."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name:
            continue  # WSGI could not tell it from the header with a hyphen, which a proxy sets.
        if name in found:
            value = f"{found[name]}{'; ' if name == 'cookie' else ', '}{value}"
        found[name] = value
    return found


def _has_no_body(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Return whether a request has no body: in HTTP/1 its headers would say so (RFC 9112, 6.3)."""
    return not BODY_HEADERS & headers.keys() and str(scope["http_version"]).startswith("1")


def _declared_size(headers: Mapping[str, str]) -> int:
    """Return the size of the body by its Content-Length header; 0 if there is none."""
    declared = headers.get("content-length", "")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else 0


def _encoded(headers: list[tuple[str, str]]) -> Headers:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _beginning(pieces: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes] | None]:
    """Return a little more than ``size`` bytes, and the rest; all and None if it is shorter."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > size:
            return bytes(found), pieces
    return bytes(found), None


def environ(scope: Scope, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the WSGI environment (PEP 3333) of a request whose body has been received."""
    server, port = scope["server"]
    client, client_port = scope["client"] or ("", 0)
    found: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client,
        "REMOTE_PORT": str(client_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        found[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    # The body is complete: however it was transferred, its length is known now.
    found.pop("HTTP_TRANSFER_ENCODING", None)
    return found
