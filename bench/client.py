"""An HTTP client that costs little, so that the shop and not its customers take the machine.

It is the standard library's, with what a customer's browser adds to it: cookies, redirects, and
one connection to each host that stays open.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.cookies import SimpleCookie
from types import TracebackType
from urllib.parse import urlencode, urljoin, urlsplit

REDIRECTS = {301, 302, 303, 307, 308}
SAME_METHOD = {307, 308}
MOST_REDIRECTS = 10
BUSY = 503


class RequestFailed(Exception):
    """A request got no response; the message says which and why."""


@dataclass(frozen=True)
class Page:
    """A response: where redirects led to, the status, and the body as text."""

    url: str = ""
    status: int = 0
    text: str = ""


@dataclass
class Browser:
    """A client with cookies of its own; ``requests_to`` counts its requests to each host.

    ``timeout`` is the number of seconds until a request without a response fails. One that is
    patient repeats each request that is refused with 503, after the time that the response names;
    ``refusals`` are the seconds until each of those responses.
    """

    url: str
    timeout: float = 30.0
    is_patient: bool = False
    requests_to: Counter[str] = field(default_factory=Counter)
    refusals: list[float] = field(default_factory=list)
    _cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    _connections: dict[str, HTTPConnection] = field(default_factory=dict)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> Page:
        """Open an address, absolute or on the client's host. Raises `RequestFailed`."""
        return self._follow("GET", urljoin(self.url, address), None, headers or {})

    def post(self, address: str, form: Mapping[str, str], page: str = "") -> Page:
        """Submit a form as a browser does; ``page`` is the URL it is on, the same without one.

        Raises `RequestFailed`.
        """
        url = urljoin(self.url, address)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": origin,
            "Referer": page or url,
        }
        return self._follow("POST", url, urlencode(form).encode(), headers)

    def _follow(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Page:
        for _ in range(MOST_REDIRECTS):
            response, content = self._ask(method, url, body, headers)
            target = response.headers.get("Location")
            if response.status not in REDIRECTS or target is None:
                return Page(url, response.status, content.decode())
            url = urljoin(url, target)
            if response.status not in SAME_METHOD:
                method, body, headers = "GET", None, {}
        raise RequestFailed(f"{method} {url}: more than {MOST_REDIRECTS} redirects")

    def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[HTTPResponse, bytes]:
        while True:
            began = time.perf_counter()
            response, content = self._ask_once(method, url, body, headers)
            if response.status != BUSY or not self.is_patient:
                return response, content
            self.refusals.append(time.perf_counter() - began)
            time.sleep(float(response.headers.get("Retry-After") or 1))

    def _ask_once(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[HTTPResponse, bytes]:
        parts = urlsplit(url)
        connection = self._connection(parts.netloc)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = {**headers, **self.cookie_header(parts.hostname or "")}
        try:
            response, content = self._exchange(connection, method, path, body, sent)
        except (OSError, HTTPException) as error:
            connection.close()
            raise RequestFailed(f"{method} {url}: {error!r}") from error
        self.requests_to[parts.netloc] += 1
        self._keep_cookies(parts.hostname or "", response)
        return response, content

    @staticmethod
    def _exchange(
        connection: HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> tuple[HTTPResponse, bytes]:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response, response.read()

    def _connection(self, host: str) -> HTTPConnection:
        if host not in self._connections:
            self._connections[host] = HTTPConnection(host, timeout=self.timeout)
        return self._connections[host]

    def cookie_header(self, host: str) -> dict[str, str]:
        """Return the header with the cookies for ``host``; nothing without any."""
        cookies = self._cookies.get(host)
        if not cookies:
            return {}
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    def _keep_cookies(self, host: str, response: HTTPResponse) -> None:
        kept = self._cookies.setdefault(host, {})
        for line in response.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    kept.pop(name, None)
                else:
                    kept[name] = morsel.coded_value
