"""Requests of one address as fast as they are answered, by processes that do little else."""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

PROCESSES = 2
CONNECTIONS = 4
"""Open connections of each process; each waits for its response before it asks again."""

TIMEOUT = 30


class NotServed(Exception):
    """A response was not 200; the message holds its first line."""


@dataclass(frozen=True)
class Served:
    """How often an address was answered, and in how many seconds."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Responses per second."""
        return self.requests / self.seconds


def served(url: str, headers: Mapping[str, str], seconds: float) -> Served:
    """Ask for ``url`` during ``seconds``.

    Raises `NotServed`, and `OSError` when the server cannot be reached.
    """
    forking = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(PROCESSES, mp_context=forking) as pool:
        asked = (url, _request(url, headers), seconds)
        asking = [pool.submit(_ask_during, *asked) for _ in range(PROCESSES)]
        results = [each.result() for each in asking]
    return Served(sum(count for count, _ in results), max(taken for _, taken in results))


def _request(url: str, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def _ask_during(url: str, request: bytes, seconds: float) -> tuple[int, float]:
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    connections = [socket.create_connection(address, TIMEOUT) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    count = 0
    try:
        with _watched(connections) as watched:
            for connection in connections:
                connection.sendall(request)
            while time.perf_counter() - began < seconds:
                for connection in _answered(watched):
                    _read_response(connection)
                    connection.sendall(request)
                    count += 1
    finally:
        for connection in connections:
            connection.close()
    return count, time.perf_counter() - began


@contextmanager
def _watched(connections: Iterable[socket.socket]) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as watched:
        for connection in connections:
            watched.register(connection, selectors.EVENT_READ)
        yield watched


def _answered(watched: selectors.BaseSelector) -> list[socket.socket]:
    """Return the connections with a response.

    The server shares out connections among its processes by chance: one with few of them must
    not wait for the other's responses.
    """
    ready = watched.select(TIMEOUT)
    if not ready:
        raise TimeoutError(f"no response within {TIMEOUT} s")
    return [cast("socket.socket", key.fileobj) for key, _ in ready]


def _read_response(connection: socket.socket) -> None:
    received = connection.recv(262_144)
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise NotServed(head.split(b"\r\n")[0].decode())
    missing = _length(head) - len(body)
    while missing > 0:
        missing -= len(_more(connection))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise NotServed("no Content-Length")


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(262_144)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received
