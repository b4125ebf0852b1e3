"""Asking whether a VAT number exists: the Commission's VIES, or the sandbox in its place."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import httpx

from shop.settings import PerProcess, Settings
from shop.vat.numbers import prefix_of
from shop.vat.territories import MEMBER_STATES

VIES_URL = "https://ec.europa.eu/taxation_customs/vies/rest-api"
TIMEOUT = 10.0
"""Seconds until a registry that says nothing counts as unavailable."""

_PREFIXES = frozenset(map(prefix_of, MEMBER_STATES))


class Answer(StrEnum):
    """What a registry says of a VAT number. Only ``confirmed`` lifts the VAT."""

    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


class VatRegistry(Protocol):
    """Whoever knows which VAT numbers exist; never raises: no answer is ``unavailable``."""

    def check(self, vat_number: str) -> Answer:
        """Whether ``vat_number`` (prefix and digits) exists and is valid today."""


registry = PerProcess[VatRegistry]()
"""The registry of this process."""


def registry_for(settings: Settings) -> VatRegistry:
    """The registry a shop asks: the sandbox's where the sandbox is in use, else VIES."""
    if settings.uses_sandbox:
        return SandboxRegistry(settings.sandbox_url)
    return Vies()


class SandboxRegistry:
    """The registry of the sandbox, reached over HTTP as VIES is."""

    def __init__(self, url: str) -> None:
        self._url = url

    def check(self, vat_number: str) -> Answer:
        """Whether the sandbox knows ``vat_number``."""
        try:
            answer = httpx.get(f"{self._url}/vies/check/{vat_number}", timeout=TIMEOUT)
            answer.raise_for_status()
            return Answer(answer.json()["status"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return Answer.UNAVAILABLE


class Vies:
    """The VAT Information Exchange System of the European Commission (its REST service)."""

    def __init__(self, url: str = VIES_URL) -> None:
        self._url = url

    def check(self, vat_number: str) -> Answer:
        """Whether VIES knows ``vat_number``; numbers outside the Union it never does."""
        prefix, digits = vat_number[:2], vat_number[2:]
        if prefix not in _PREFIXES:
            return Answer.UNKNOWN
        try:
            answer = httpx.post(
                f"{self._url}/check-vat-number",
                json={"countryCode": prefix, "vatNumber": digits},
                timeout=TIMEOUT,
            )
            return _read(answer.json())
        except (httpx.HTTPError, ValueError):
            return Answer.UNAVAILABLE


def _read(body: object) -> Answer:
    """VIES answers ``valid``, or a list of errors of which one is about the number itself."""
    if not isinstance(body, dict):
        return Answer.UNAVAILABLE
    wrappers = body.get("errorWrappers") or []
    errors = {wrapper.get("error") for wrapper in wrappers if isinstance(wrapper, dict)}
    if errors:
        return Answer.UNKNOWN if errors == {"INVALID_INPUT"} else Answer.UNAVAILABLE
    valid = body.get("valid")
    if not isinstance(valid, bool):
        return Answer.UNAVAILABLE
    return Answer.CONFIRMED if valid else Answer.UNKNOWN
