"""Calls to Graph: answers, errors worth a retry, and refusals."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import httpx

from shop.errors import PartyRejected, PartyUnavailable
from shop.office.graph.tokens import Tokens
from shop.parsing.numbers_and_json import read_json
from shop.parties.calls import PROVIDER, calls

URL = "https://graph.microsoft.com/v1.0"
TIMEOUT = httpx.Timeout(30.0, connect=5.0)

BATCH = 20
"""The number of requests that Graph accepts in one batch."""

EVENTUAL_CONSISTENCY = {"ConsistencyLevel": "eventual"}
"""The header that Graph requires for advanced queries; results may be some seconds old."""

TEMPORARY_ERRORS = {408, 425, 429}
"""HTTP statuses below 500 after which a call can be retried."""


def make_http_client(ca: str = "") -> httpx.Client:
    """Return a client for Microsoft; ``ca`` is a file of CA certificates to trust."""
    return httpx.Client(timeout=TIMEOUT, verify=ssl.create_default_context(cafile=ca or None))


class Refused(PartyRejected):
    """Graph refused the call: the HTTP ``status``, the error ``code`` and ``message``."""

    def __init__(self, status: int, code: str, message: str, details: str) -> None:
        super().__init__(f"{code}: {message}", code)
        self.status, self.message, self.details = status, message, details

    @property
    def is_missing(self) -> bool:
        """Whether the object does not exist (not yet, or no longer)."""
        return self.status == 404

    @property
    def is_taken(self) -> bool:
        """Whether another object has a unique value, or the change has been made already."""
        return "ObjectConflict" in self.details or "already exist" in self.message

    def says(self, words: str) -> bool:
        """Whether the message contains these words: Graph uses one code for different errors."""
        return words in self.message


class GraphCalls:
    """A JSON client of Graph at ``url``."""

    def __init__(self, http: httpx.Client, url: str, tokens: Tokens) -> None:
        self._http, self._url, self._tokens = http, url, tokens

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call Graph and return the decoded answer, None if it is empty.

        Raise `PartyUnavailable` if there was no valid answer, `Refused` if Graph refused.
        """
        answer = self._send(method, path, body, headers)
        if answer.status_code == 401:
            # A token may be revoked before it expires: request a new one.
            self._tokens.forget()
            answer = self._send(method, path, body, headers)
        return _read(answer.status_code, _content(answer), answer.headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        with calls().to(PROVIDER):
            sent = {"Authorization": f"Bearer {self._tokens.get()}", **headers}
            try:
                return self._http.request(method, self._url + path, json=body, headers=sent)
            except httpx.HTTPError as error:
                raise PartyUnavailable(f"{type(error).__name__}: {error}") from error

    def find(self, path: str, **headers: str) -> Any:
        """Return the object at ``path``, None if it does not exist."""
        try:
            return self.call("GET", path, **headers)
        except Refused as refusal:
            if refusal.is_missing:
                return None
            raise

    def delete(self, path: str) -> None:
        """Delete the object at ``path``; idempotent."""
        try:
            self.call("DELETE", path)
        except Refused as refusal:
            if not refusal.is_missing:
                raise

    def link(self, path: str) -> str:
        """Return the URL by which other objects refer to the object at ``path``."""
        return self._url + path

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield the objects of a list, following its page links."""
        following: str | None = path
        while following is not None:
            answer = self.call("GET", following)
            yield from answer["value"]
            following = self._path(answer.get("@odata.nextLink"))

    def _path(self, link: str | None) -> str | None:
        if link is not None and not link.startswith(f"{self._url}/"):
            raise PartyUnavailable("the next page is on another host")
        return link and link.removeprefix(self._url)

    def batch(self, requests: Iterable[dict[str, Any]]) -> Iterator[Any]:
        """Yield the answers to many requests in their order, None for a missing object.

        Raise what `call` raises for the first request that fails; the others may have been done.
        """
        waiting = iter(requests)
        while some := list(islice(waiting, BATCH)):
            numbered = [{"id": str(number), **each} for number, each in enumerate(some)]
            answer = self.call("POST", "/$batch", {"requests": numbered})
            by_number = {str(each["id"]): each for each in answer["responses"]}
            yield from (_read_batched(by_number[each["id"]]) for each in numbered)


def _read_batched(answer: dict[str, Any]) -> Any:
    headers = httpx.Headers(answer.get("headers") or {})
    try:
        return _read(int(answer["status"]), answer.get("body"), headers)
    except Refused as refusal:
        if refusal.is_missing:
            return None
        raise


def _content(answer: httpx.Response) -> Any:
    try:
        return read_json(answer.content) if answer.content else None
    except ValueError:
        return answer.text


def _read(status: int, content: Any, headers: httpx.Headers) -> Any:
    if status >= 500 or status in TEMPORARY_ERRORS:
        raise PartyUnavailable(f"Graph answered {status}", _retry_after(headers))
    if status < 300:
        return content
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        raise PartyUnavailable(f"Graph answered {status} without a reason")
    raise Refused(
        status,
        str(error.get("code", "")),
        str(error.get("message", "")),
        str(error.get("details", "")),
    )


def _retry_after(headers: httpx.Headers) -> float:
    try:
        return float(headers.get("retry-after", "0"))
    except ValueError:
        return 0


def path_segment(value: str) -> str:
    """Quote a value as a segment of a path."""
    return quote(value, safe="@")


def odata_string(value: str) -> str:
    """Quote a value as an OData string literal for a filter or key in a path."""
    return quote("'" + value.replace("'", "''") + "'", safe="")
