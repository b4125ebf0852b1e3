"""Access tokens for Graph: asked for by msal, which keeps them until they are about to expire."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

import httpx
import msal

from shop.errors import PartyRejected, PartyUnavailable

AUTHORITY = "https://login.microsoftonline.com"

OURS = {"invalid_client", "invalid_request", "invalid_scope", "unauthorized_client"}
"""Errors that stay until the operator has put the settings right."""


class Tokens:
    """The tokens of an application at ``authority`` (with its tenant), for Graph at ``url``."""

    def __init__(
        self, http: httpx.Client, authority: str, client_id: str, client_secret: str, url: str
    ) -> None:
        parts = urlsplit(url)
        self._scope = f"{parts.scheme}://{parts.netloc}/.default"
        self._options: dict[str, Any] = {
            "client_id": client_id,
            "client_credential": client_secret,
            "authority": authority,
            # The authority is the operator's word: nobody else is asked about it.
            "instance_discovery": False,
            "http_client": http,
        }
        self._application: msal.ConfidentialClientApplication | None = None
        self._lock = threading.Lock()

    def get(self) -> str:
        """A token that is still good for a while.

        Raises `PartyUnavailable` when the authority does not answer, `PartyRejected` when it
        does not know the application or its secret.
        """
        with self._lock:
            try:
                answer = self._connected().acquire_token_for_client([self._scope])
            except (httpx.HTTPError, ValueError) as error:
                raise PartyUnavailable(f"no token: {error}") from error
        return _token(answer or {})

    def _connected(self) -> msal.ConfidentialClientApplication:
        """Made when first needed: msal asks the authority for its addresses then."""
        if self._application is None:
            self._application = msal.ConfidentialClientApplication(**self._options)
        return self._application

    def forget(self) -> None:
        """Use no token any more that was asked for before."""
        with self._lock:
            self._connected().remove_tokens_for_client()


def _token(answer: dict[str, Any]) -> str:
    if "access_token" in answer:
        return str(answer["access_token"])
    told = f"no token: {answer.get('error')}: {answer.get('error_description')}"
    if answer.get("error") in OURS:
        raise PartyRejected(told, str(answer["error"]))
    raise PartyUnavailable(told)
