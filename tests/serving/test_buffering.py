"""The buffers before the application: what they hold back, refuse, and hand on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from serving import buffering
from serving.buffering import Answer, BufferedApplication, ComputingSlots, Limits
from tests.support import patience

Environ = dict[str, Any]
GET = [{"type": "http.request", "body": b"", "more_body": False}]


class Application:
    """A WSGI application that remembers what it was asked, and answers with ``pieces``."""

    def __init__(self, pieces: Iterable[bytes] = (b"done",)) -> None:
        self.pieces = pieces
        self.asked: list[Environ] = []
        self.closed = threading.Event()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        self.asked.append(environ | {"body": environ["wsgi.input"].read()})
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed.set()


class Client:
    """A client as the server sees it: it sends some messages, then nothing more."""

    def __init__(self, *messages: dict[str, Any], **scope: Any) -> None:
        self.messages = list(messages or GET)
        self.received: list[dict[str, Any]] = []
        self.takes = 1000
        self.scope = {
            "type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "http",
            "http_version": "1.1", "server": ("127.0.0.1", 5000), "client": ("192.0.2.1", 4000),
            "headers": [(b"transfer-encoding", b"chunked")] if messages else [],
        } | scope  # fmt: skip

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        if len(self.received) == self.takes:
            await asyncio.Event().wait()
        self.received.append(message)

    @property
    def status(self) -> int:
        return int(self.received[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.received)


def refusal(status: int, headers: Any) -> Answer:
    return Answer(status, [], b"refused")


def buffered(
    application: Callable[..., Any],
    slots: ComputingSlots | None = None,
    stopping: Callable[[], bool] = lambda: False,
    **limits: Any,
) -> BufferedApplication:
    return BufferedApplication(
        application,
        refusal,
        slots or ComputingSlots(),
        Limits(**limits),
        constant={"/healthz": Answer(200, [], b"ok")},
        stopping=stopping,
    )


def ask(server: BufferedApplication, client: Client) -> Awaitable[None]:
    return server(client.scope, client.receive, client.send)


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_request_reaches_the_application_as_wsgi_says() -> None:
    application = Application()
    client = Client(
        part(b"a=", more=True),
        part(b"1"),
        method="POST",
        path="/é",
        query_string=b"q=%20",
        headers=[
            (b"host", b"shop.example"), (b"content-type", b"text/plain"), (b"cookie", b"a=1"),
            (b"cookie", b"b=2"), (b"x-forwarded-for", b"1.1.1.1"),
            (b"x-forwarded-for", b"2.2.2.2"), (b"x_forwarded_for", b"3.3.3.3"),
            (b"transfer-encoding", b"chunked"),
        ],
    )  # fmt: skip
    asyncio.run(ask(buffered(application), client))
    (asked,) = application.asked
    expected = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/é".encode().decode("latin-1"),
        "QUERY_STRING": "q=%20", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "5000",
        "REMOTE_ADDR": "192.0.2.1", "HTTP_HOST": "shop.example", "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3", "HTTP_COOKIE": "a=1; b=2", "body": b"a=1",
        "HTTP_X_FORWARDED_FOR": "1.1.1.1, 2.2.2.2",
    }  # fmt: skip
    assert {name: asked[name] for name in expected} == expected
    assert "HTTP_TRANSFER_ENCODING" not in asked
    assert (client.status, client.body) == (200, b"done")
    assert (b"set-cookie", b"a=1") in client.received[0]["headers"]
    assert application.closed.is_set()


def test_nothing_is_received_of_a_request_that_says_of_no_body() -> None:
    application, client = Application(), Client()
    client.messages = []
    asyncio.run(asyncio.wait_for(ask(buffered(application), client), 5))
    assert client.status == 200
    assert (application.asked[0]["body"], application.asked[0]["CONTENT_LENGTH"]) == (b"", "0")
    # In HTTP/2 the headers need not say so.
    by_http_2 = Client(part(b"abc"), http_version="2", headers=[])
    asyncio.run(ask(buffered(application), by_http_2))
    assert application.asked[1]["body"] == b"abc"


def test_a_body_that_does_not_come_takes_no_thread_and_ends() -> None:
    application = Application()
    slow = [Client(part(b"a", more=True), method="POST") for _ in range(200)]
    quick = Client()

    async def visit() -> None:
        server = buffered(application, threads=1, body_time=0.2)
        waiting = [asyncio.ensure_future(ask(server, client)) for client in slow]
        await asyncio.sleep(0)
        await ask(server, quick)
        assert not any(client.received for client in slow)
        await asyncio.gather(*waiting)

    asyncio.run(visit())
    assert quick.status == 200
    assert len(application.asked) == 1
    assert {client.status for client in slow} == {408}


def test_a_reader_who_stops_takes_no_thread_and_nothing_is_made_for_them() -> None:
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield b"x" * 1000

    application, other = Application(pieces()), Application()

    def either(environ: Environ, start_response: Callable[..., Any]) -> Any:
        chosen = other if environ["PATH_INFO"] == "/quick" else application
        return chosen(environ, start_response)

    slow, quick = Client(), Client(path="/quick")

    async def visit() -> None:
        server = buffered(either, threads=1, in_memory=5000, piece_time=0.2)
        slow.takes = 2
        waiting = asyncio.ensure_future(ask(server, slow))
        await ask(server, quick)
        with pytest.raises(TimeoutError):
            await waiting

    asyncio.run(visit())
    assert (len(made), other.closed.is_set()) == (7, True)
    assert application.closed.wait(patience.STUCK)


def test_a_large_response_is_made_piece_by_piece_and_closed() -> None:
    application = Application([b"x" * 1000] * 49 + [b"", b"x" * 1000])
    client = Client()
    asyncio.run(ask(buffered(application, in_memory=5000), client))
    assert client.body == b"x" * 50_000
    assert application.closed.is_set()


def test_a_client_that_leaves_before_the_response_begins_ends_it() -> None:
    application = Application([b"x" * 1000] * 50)
    client = Client()

    async def gone(message: dict[str, Any]) -> None:
        raise OSError("the client is gone")

    server = buffered(application, in_memory=5000)
    with pytest.raises(OSError, match="gone"):
        asyncio.run(server(client.scope, client.receive, gone))
    assert application.closed.is_set()


def test_a_process_that_is_to_stop_waits_for_no_body_and_is_not_ready() -> None:
    application, stopping = Application(), threading.Event()
    announced = [(b"content-length", b"100")]
    slow = [Client(part(b"a", more=True), method="POST", headers=announced) for _ in range(3)]
    whole = Client(part(b"a"), method="POST", headers=[(b"content-length", b"1")])
    ready, health = Client(path="/readyz"), Client(path="/healthz")

    async def visit() -> None:
        server = buffered(application, stopping=stopping.is_set)
        waiting = [asyncio.ensure_future(ask(server, client)) for client in slow]
        await asyncio.sleep(0.01)
        assert not any(client.received for client in slow)
        stopping.set()
        await asyncio.gather(*waiting)
        for client in (whole, ready, health):
            await ask(server, client)

    asyncio.run(visit())
    assert {client.status for client in slow} == {503}
    assert [whole.status, ready.status, health.status] == [200, 503, 200]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([part(b"x" * 11)], 413),
        ([part(b"x" * 6, more=True), part(b"x" * 6)], 413),
        ([{"type": "http.disconnect"}], 400),
    ],
)
def test_a_body_that_is_too_large_or_broken_off_never_reaches_the_application(
    sent: list[dict[str, Any]], status: int
) -> None:
    application = Application()
    client = Client(*sent, method="POST")
    asyncio.run(ask(buffered(application, body=10), client))
    assert client.status == status
    assert not application.asked


def test_a_body_declared_too_large_is_not_received_and_refused_by_the_application() -> None:
    application = Application()
    client = Client(part(b"x" * 11), method="POST", headers=[(b"content-length", b"11")])
    asyncio.run(ask(buffered(application, body=10), client))
    assert application.asked[0]["CONTENT_LENGTH"] == "11"
    assert application.asked[0]["body"] == b""


def test_bodies_that_together_take_too_much_memory_are_refused() -> None:
    held = [Client(part(b"x" * 8, more=True), method="POST") for _ in range(3)]

    async def visit() -> None:
        server = buffered(Application(), body=10, bodies=20, body_time=0.2)
        await asyncio.gather(*(ask(server, client) for client in held))

    asyncio.run(visit())
    assert sorted(client.status for client in held) == [408, 408, 503]


@contextmanager
def busy(times: int) -> Iterator[tuple[Callable[..., Any], threading.Event]]:
    """Yield an application that is busy with that number of requests until the event is set."""
    go_on = threading.Event()

    def application(environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        assert go_on.wait(patience.STUCK)
        return [b"done"]

    try:
        yield application, go_on
    finally:
        go_on.set()


def test_new_clients_are_refused_before_those_with_a_session_and_health_never() -> None:
    with_session = [(b"cookie", b"shop_session=1")]
    begun = [Client(headers=with_session) for _ in range(4)]
    new, late, health = Client(), Client(headers=with_session), Client(path="/healthz")

    async def visit(application: Callable[..., Any], go_on: threading.Event) -> None:
        server = buffered(application, new_wait=0.025, wait=0.035)
        waiting = [asyncio.ensure_future(ask(server, client)) for client in begun[:3]]
        await asyncio.sleep(0.01)
        await ask(server, new)
        waiting.append(asyncio.ensure_future(ask(server, begun[3])))
        await asyncio.sleep(0.01)
        await ask(server, late)
        await ask(server, health)
        go_on.set()
        await asyncio.gather(*waiting)

    with busy(4) as (application, go_on):
        asyncio.run(visit(application, go_on))
    assert [new.status, late.status, health.status] == [503, 503, 200]
    assert {client.status for client in begun} == {200}


def test_the_expected_wait_follows_what_requests_compute_and_not_what_they_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(buffering.time, "perf_counter", lambda: now)
    slots = ComputingSlots()
    for _ in range(200):
        with slots.taken():
            now += 0.1
            with slots.released():
                now += 12
            now += 0.1
    assert slots.expected_wait(10) == pytest.approx(2.0, rel=0.01)
    assert ComputingSlots(4).expected_wait(10) < slots.expected_wait(10)


def test_one_thread_computes_at_a_time_and_those_that_wait_let_it() -> None:
    slots = ComputingSlots()
    waits, computed = threading.Event(), threading.Event()

    def application(environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/pay":
            with slots.released():
                waits.set()
                assert computed.wait(patience.STUCK)
        else:
            assert waits.wait(patience.STUCK)
            computed.set()
        return [b"done"]

    async def visit() -> None:
        server = buffered(application, slots)
        await asyncio.gather(*(ask(server, client) for client in clients))

    clients = [Client(path="/pay"), Client(path="/offers")]
    asyncio.run(visit())
    assert {client.status for client in clients} == {200}
