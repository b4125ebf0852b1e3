"""VAT registries: the European Commission's VIES, or the sandbox's in its place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import httpx

from shop.errors import PartyUnavailable
from shop.parsing.numbers_and_json import read_json
from shop.parties.calls import VAT_REGISTRY, calls
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


@dataclass(frozen=True)
class Consultation:
    """The registry's answer about a number, with the company's name and address if it tells them.

    ``reference`` is its own number of the consultation, which proves that it was made.
    """

    answer: Answer
    name: str = ""
    address: str = ""
    reference: str = ""


SILENT = Consultation(Answer.UNAVAILABLE)


class VatRegistry(Protocol):
    """A registry of VAT numbers. It never raises: no answer is ``unavailable``."""

    def check(self, vat_number: str) -> Consultation:
        """Return whether ``vat_number`` (prefix and digits) exists and is valid today."""


registry = PerProcess[VatRegistry]()
"""The registry of this process."""


def registry_for(settings: Settings) -> VatRegistry:
    """Return the registry for ``settings``: the sandbox's if the sandbox is used, else VIES."""
    if settings.uses_sandbox:
        return SandboxRegistry(settings.sandbox_url)
    return Vies(requester=settings.seller.vat_number)


class SandboxRegistry:
    """The sandbox's registry, reached over HTTP like VIES."""

    def __init__(self, url: str) -> None:
        self._url = url

    def check(self, vat_number: str) -> Consultation:
        """Return whether the sandbox confirms ``vat_number``."""
        try:
            with calls().to(VAT_REGISTRY):
                answer = httpx.get(f"{self._url}/vies/check/{vat_number}", timeout=TIMEOUT)
            answer.raise_for_status()
            body = read_json(answer.content)
            return _consultation(Answer(body["status"]), body, reference="consultation")
        except (PartyUnavailable, httpx.HTTPError, ValueError, KeyError, TypeError):
            return SILENT


class Vies:
    """The VAT Information Exchange System of the European Commission (its REST service).

    To a ``requester``, the seller's own number, it gives a number for each consultation.
    """

    def __init__(self, url: str = VIES_URL, requester: str = "") -> None:
        self._url = url
        self._requester = requester

    def check(self, vat_number: str) -> Consultation:
        """Return whether VIES confirms ``vat_number``; it knows none outside the Union."""
        prefix, digits = vat_number[:2], vat_number[2:]
        if prefix not in _PREFIXES:
            return Consultation(Answer.UNKNOWN)
        try:
            with calls().to(VAT_REGISTRY):
                answer = httpx.post(
                    f"{self._url}/check-vat-number",
                    json={"countryCode": prefix, "vatNumber": digits} | self._asked_by(),
                    timeout=TIMEOUT,
                )
            return _read(read_json(answer.content))
        except (PartyUnavailable, httpx.HTTPError, ValueError):
            return SILENT

    def _asked_by(self) -> dict[str, str]:
        prefix, digits = self._requester[:2], self._requester[2:]
        if prefix not in _PREFIXES:
            return {}
        return {"requesterMemberStateCode": prefix, "requesterNumber": digits}


def _read(body: object) -> Consultation:
    """Return the answer in VIES's JSON: ``valid``, or errors of which one concerns the number."""
    if not isinstance(body, dict):
        return SILENT
    wrappers = body.get("errorWrappers") or []
    errors = {wrapper.get("error") for wrapper in wrappers if isinstance(wrapper, dict)}
    if errors:
        return Consultation(Answer.UNKNOWN) if errors == {"INVALID_INPUT"} else SILENT
    valid = body.get("valid")
    if not isinstance(valid, bool):
        return SILENT
    known = Answer.CONFIRMED if valid else Answer.UNKNOWN
    return _consultation(known, body, reference="requestIdentifier")


def _consultation(answer: Answer, body: dict[str, Any], *, reference: str) -> Consultation:
    return Consultation(
        answer, _told(body, "name", 255), _told(body, "address", 1000), _told(body, reference, 64)
    )


def _told(body: dict[str, Any], name: str, longest: int) -> str:
    """Return a text of an answer in one line; "" if it is missing, or "---": kept back."""
    text = body.get(name)
    line = " ".join(text.split())[:longest] if isinstance(text, str) else ""
    return "" if not line.strip("-") else line
