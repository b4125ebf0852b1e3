"""HTTP client of the sandbox's two APIs: tells an answer, no answer and a rejection apart."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any

import httpx

from shop.errors import PartyRejected, PartyUnavailable, ShopRefused
from shop.parsing.numbers_and_json import read_json
from shop.parties.calls import calls

TIMEOUT = httpx.Timeout(10.0, connect=3.0)
"""Seconds to wait for an answer; after a time-out the effect of the call is unknown."""


class Refused(PartyRejected):
    """The sandbox rejected the call; ``code`` is its machine-readable error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class SandboxCalls:
    """A JSON client of the sandbox's ``party`` at ``url``, authenticated by ``key``."""

    def __init__(
        self, party: str, url: str, key: str, timeout: httpx.Timeout | float = TIMEOUT
    ) -> None:
        self._party = party
        # The sandbox runs on this machine: the proxy settings of the environment do not apply.
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
            trust_env=False,
            verify=_trusted(),
        )

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str = ""
    ) -> dict[str, Any]:
        """Return the answer's JSON object; ``key`` is the idempotency key of a call that writes.

        Raise `PartyUnavailable` when there was no valid answer, `Refused` when it was a rejection.
        """
        headers = {"Idempotency-Key": key} if key else {}
        try:
            with calls().to(self._party):
                answer = self._http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise PartyUnavailable(f"{type(error).__name__}: {error}") from error
        if answer.status_code >= 500 or answer.status_code in {408, 425, 429}:
            raise PartyUnavailable(f"{method} {path} answered {answer.status_code}")
        if answer.status_code == 204:
            return {}
        return _read(answer)


@cache
def _trusted() -> ssl.SSLContext:
    """Return the trusted certificates: reading them takes longer than all else at a start."""
    return httpx.create_ssl_context(trust_env=False)


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = read_json(answer.content)
    except ValueError as error:
        raise PartyUnavailable("the answer is not JSON") from error
    if not isinstance(content, dict):
        raise PartyUnavailable("the answer is not an object")
    if answer.is_success:
        return content
    error = content.get("error")
    if not isinstance(error, dict):
        raise PartyUnavailable(f"answered {answer.status_code} without a reason")
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    if answer.status_code in {401, 403}:
        raise ShopRefused(f"{code}: {message}", code)
    raise Refused(code, message)
