"""Access tokens for Graph: requested by msal, which caches them until shortly before expiry."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

import httpx
import msal

from shop.errors import PartyRejected, PartyUnavailable

AUTHORITY = "https://login.microsoftonline.com"

CONFIGURATION_ERRORS = {"invalid_client", "invalid_request", "invalid_scope", "unauthorized_client"}
"""Errors that remain until the operator corrects the settings."""


class Tokens:
    """The tokens of an application for Graph at ``url``, from ``authority`` (with its tenant)."""

    def __init__(
        self, http: httpx.Client, authority: str, client_id: str, client_secret: str, url: str
    ) -> None:
        parts = urlsplit(url)
        self._scope = f"{parts.scheme}://{parts.netloc}/.default"
        self._options: dict[str, Any] = {
            "client_id": client_id,
            "client_credential": client_secret,
            "authority": authority,
            # The operator configures the authority; no other server is asked to confirm it.
            "instance_discovery": False,
            "http_client": http,
        }
        self._application: msal.ConfidentialClientApplication | None = None
        self._lock = threading.Lock()

    def get(self) -> str:
        """Return a token that is not about to expire.

        Raise `PartyUnavailable` if the authority does not answer, `PartyRejected` if it does not
        know the application or its secret.
        """
        with self._lock:
            try:
                answer = self._client().acquire_token_for_client([self._scope])
            except (httpx.HTTPError, ValueError) as error:
                raise PartyUnavailable(f"no token: {error}") from error
        return _token(answer or {})

    def _client(self) -> msal.ConfidentialClientApplication:
        """Create the application on first use: msal then requests the authority's URLs."""
        if self._application is None:
            self._application = msal.ConfidentialClientApplication(**self._options)
        return self._application

    def forget(self) -> None:
        """Discard the cached tokens."""
        with self._lock:
            self._client().remove_tokens_for_client()


def _token(answer: dict[str, Any]) -> str:
    if "access_token" in answer:
        return str(answer["access_token"])
    message = f"no token: {answer.get('error')}: {answer.get('error_description')}"
    if answer.get("error") in CONFIGURATION_ERRORS:
        raise PartyRejected(message, str(answer["error"]))
    raise PartyUnavailable(message)
