"""VAT registries: the European Commission's VIES, or the sandbox's in its place."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import httpx

from shop.errors import PartyUnavailable
from shop.parties.calls import VAT_REGISTRY, calls
from shop.reading import read_json
from shop.settings import PerProcess, Settings
from shop.vat.numbers import prefix_of
from shop.vat.territories import MEMBER_STATES

VIES_URL = "https://ec.europa.eu/taxation_customs/vies/rest-api"
TIMEOUT = 10.0
"""Seconds to wait for an answer before the registry counts as unavailable."""

_PREFIXES = frozenset(map(prefix_of, MEMBER_STATES))


class Answer(StrEnum):
    """The registry's answer about a VAT number. Only ``confirmed`` lifts the VAT."""

    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


class VatRegistry(Protocol):
    """A registry of VAT numbers. It never raises: no answer is ``unavailable``."""

    def check(self, vat_number: str) -> Answer:
        """Return whether ``vat_number`` (prefix and digits) exists and is valid today."""


registry = PerProcess[VatRegistry]()
"""The registry of this process."""


def registry_for(settings: Settings) -> VatRegistry:
    """Return the registry for ``settings``: the sandbox's if the sandbox is used, else VIES."""
    if settings.uses_sandbox:
        return SandboxRegistry(settings.sandbox_url)
    return Vies()


class SandboxRegistry:
    """The sandbox's registry, reached over HTTP like VIES."""

    def __init__(self, url: str) -> None:
        self._url = url

    def check(self, vat_number: str) -> Answer:
        """Return whether the sandbox confirms ``vat_number``."""
        try:
            with calls().to(VAT_REGISTRY):
                answer = httpx.get(f"{self._url}/vies/check/{vat_number}", timeout=TIMEOUT)
            answer.raise_for_status()
            return Answer(read_json(answer.content)["status"])
        except (PartyUnavailable, httpx.HTTPError, ValueError, KeyError, TypeError):
            return Answer.UNAVAILABLE


class Vies:
    """The VAT Information Exchange System of the European Commission (its REST service)."""

    def __init__(self, url: str = VIES_URL) -> None:
        self._url = url

    def check(self, vat_number: str) -> Answer:
        """Return whether VIES confirms ``vat_number``; it knows none outside the Union."""
        prefix, digits = vat_number[:2], vat_number[2:]
        if prefix not in _PREFIXES:
            return Answer.UNKNOWN
        try:
            with calls().to(VAT_REGISTRY):
                answer = httpx.post(
                    f"{self._url}/check-vat-number",
                    json={"countryCode": prefix, "vatNumber": digits},
                    timeout=TIMEOUT,
                )
            return _read(read_json(answer.content))
        except (PartyUnavailable, httpx.HTTPError, ValueError):
            return Answer.UNAVAILABLE


def _read(body: object) -> Answer:
    """Return the answer in VIES's JSON: ``valid``, or errors of which one concerns the number."""
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
