"""HTTP client of the sandbox's two APIs: tells an answer, no answer and a rejection apart."""

from __future__ import annotations

import json
import ssl
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
import urllib3

from shop.errors import PartyRejected, PartyUnavailable, ShopRefused
from shop.parsing.numbers_and_json import read_json
from shop.parties.calls import calls

TIMEOUT = urllib3.Timeout(connect=3.0, read=10.0)
"""Seconds to wait for an answer; after a time-out the effect of the call is unknown."""

KEPT_CONNECTIONS = 20
"""The connections kept for later calls; more are opened where more calls run at once."""


class Refused(PartyRejected):
    """The sandbox rejected the call; ``code`` is its machine-readable error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class SandboxCalls:
    """A JSON client of the sandbox's ``party`` at ``url``, authenticated by ``key``.

    It neither repeats a call nor follows a redirect. Each job and payment makes several calls:
    urllib3 takes a quarter of the processor time of httpx.
    """

    def __init__(
        self, party: str, url: str, key: str, timeout: urllib3.Timeout | float = TIMEOUT
    ) -> None:
        self._party = party
        parts = urlsplit(url)
        secure = {"ssl_context": _trusted()} if parts.scheme == "https" else {}
        # The sandbox runs on this machine: the proxy settings of the environment do not apply.
        self._http = urllib3.connection_from_url(
            url, timeout=timeout, retries=False, maxsize=KEPT_CONNECTIONS, **secure
        )
        self._root = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str = ""
    ) -> dict[str, Any]:
        """Return the answer's JSON object; ``key`` is the idempotency key of a call that writes.

        Raise `PartyUnavailable` when there was no valid answer, `Refused` when it was a rejection.
        """
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            with calls().to(self._party):
                answer = self._http.urlopen(
                    method, self._root + path, content, headers, redirect=False
                )
        except urllib3.exceptions.HTTPError as error:
            raise PartyUnavailable(f"{type(error).__name__}: {error}") from error
        if answer.status >= 500 or answer.status in {408, 425, 429}:
            raise PartyUnavailable(f"{method} {path} answered {answer.status}")
        if answer.status == 204:
            return {}
        return _read(answer)


@cache
def _trusted() -> ssl.SSLContext:
    """Return the trusted certificates: reading them takes longer than all else at a start."""
    return httpx.create_ssl_context(trust_env=False)


def _read(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        content = read_json(answer.data)
    except ValueError as error:
        raise PartyUnavailable("the answer is not JSON") from error
    if not isinstance(content, dict):
        raise PartyUnavailable("the answer is not an object")
    if 200 <= answer.status < 300:
        return content
    error = content.get("error")
    if not isinstance(error, dict):
        raise PartyUnavailable(f"answered {answer.status} without a reason")
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    if answer.status in {401, 403}:
        raise ShopRefused(f"{code}: {message}", code)
    raise Refused(code, message)
