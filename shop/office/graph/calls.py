"""Calls to Graph: what counts as an answer, as no answer, as a no."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import httpx

from shop.errors import PartyRejected, PartyUnavailable
from shop.office.graph.tokens import Tokens

URL = "https://graph.microsoft.com/v1.0"
TIMEOUT = httpx.Timeout(30.0, connect=5.0)

BATCH = 20
"""Calls that Graph takes in one."""

EVENTUAL = {"ConsistencyLevel": "eventual"}
"""Graph's condition for its richer searches: they may lag some seconds behind."""

UNANSWERED = {408, 425, 429}


def connect(ca: str = "") -> httpx.Client:
    """How Microsoft is reached; ``ca`` is a file of certificates to trust instead of our own."""
    return httpx.Client(timeout=TIMEOUT, verify=ssl.create_default_context(cafile=ca or None))


class Refused(PartyRejected):
    """Graph's no: the HTTP ``status``, its error ``code``, and its ``message``."""

    def __init__(self, status: int, code: str, message: str, details: str) -> None:
        super().__init__(f"{code}: {message}", code)
        self.status, self.message, self.details = status, message, details

    @property
    def is_missing(self) -> bool:
        """Whether there is no such object (yet, or any more)."""
        return self.status == 404

    @property
    def is_taken(self) -> bool:
        """Whether another object has what must be unique, or the very thing is so already."""
        return "ObjectConflict" in self.details or "already exist" in self.message

    def says(self, words: str) -> bool:
        """Whether the message holds these words: Graph has one code for many things."""
        return words in self.message


class GraphCalls:
    """Speaks JSON with Graph at ``url``."""

    def __init__(self, http: httpx.Client, url: str, tokens: Tokens) -> None:
        self._http, self._url, self._tokens = http, url, tokens

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What Graph answers, None for nothing.

        Raises `PartyUnavailable` when there was no proper answer, `Refused` when it was no.
        """
        answer = self._send(method, path, body, headers)
        if answer.status_code == 401:
            # A token may end before its time: the next one is new.
            self._tokens.forget()
            answer = self._send(method, path, body, headers)
        return _read(answer.status_code, _content(answer), answer.headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self._tokens.get()}", **headers}
        try:
            return self._http.request(method, self._url + path, json=body, headers=sent)
        except httpx.HTTPError as error:
            raise PartyUnavailable(f"{type(error).__name__}: {error}") from error

    def find(self, path: str, **headers: str) -> Any:
        """What stands at ``path``; None if there is no such object."""
        try:
            return self.call("GET", path, **headers)
        except Refused as refusal:
            if refusal.is_missing:
                return None
            raise

    def delete(self, path: str) -> None:
        """Let nothing stand at ``path`` any more."""
        try:
            self.call("DELETE", path)
        except Refused as refusal:
            if not refusal.is_missing:
                raise

    def link(self, path: str) -> str:
        """What stands at ``path``, as others refer to it."""
        return self._url + path

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects of a list, page after page."""
        following: str | None = path
        while following is not None:
            answer = self.call("GET", following)
            yield from answer["value"]
            following = self._path(answer.get("@odata.nextLink"))

    def _path(self, link: str | None) -> str | None:
        if link is not None and not link.startswith(f"{self._url}/"):
            raise PartyUnavailable("the next page is elsewhere")
        return link and link.removeprefix(self._url)

    def batch(self, requests: Iterable[dict[str, Any]]) -> Iterator[Any]:
        """The answers to many calls, in their order; None where there is no such object.

        Raises what `call` raises for the first call that went wrong; the others may be done.
        """
        waiting = iter(requests)
        while some := list(islice(waiting, BATCH)):
            numbered = [{"id": str(number), **each} for number, each in enumerate(some)]
            answer = self.call("POST", "/$batch", {"requests": numbered})
            by_number = {str(each["id"]): each for each in answer["responses"]}
            yield from (_one_of(by_number[each["id"]]) for each in numbered)


def _one_of(answer: dict[str, Any]) -> Any:
    headers = httpx.Headers(answer.get("headers") or {})
    try:
        return _read(int(answer["status"]), answer.get("body"), headers)
    except Refused as refusal:
        if refusal.is_missing:
            return None
        raise


def _content(answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return answer.text


def _read(status: int, content: Any, headers: httpx.Headers) -> Any:
    if status >= 500 or status in UNANSWERED:
        raise PartyUnavailable(f"Graph answered {status}", _wait(headers))
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


def _wait(headers: httpx.Headers) -> float:
    try:
        return float(headers.get("retry-after", "0"))
    except ValueError:
        return 0


def part(value: str) -> str:
    """A value as a part of a path."""
    return quote(value, safe="@")


def text(value: str) -> str:
    """A value as a text in a search or a key, for a path."""
    return quote("'" + value.replace("'", "''") + "'", safe="")
