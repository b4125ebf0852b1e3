"""Calls to Stripe: the client, its time-outs, and the mapping of its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from stripe import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    HTTPXClient,
    InvalidRequestError,
    ListObject,
    PermissionError,
    RateLimitError,
    StripeClient,
    StripeError,
    StripeObject,
)

from shop.errors import PartyRejected, PartyUnavailable, ShopRefused
from shop.parties.calls import BANK, calls

TIMEOUT = httpx.Timeout(20.0, connect=3.0)
"""The time-outs in seconds; after one the outcome is unknown."""


def connect(api_key: str, **options: object) -> StripeClient:
    """Return a client with time-outs and without retries: its caller retries with the same key.

    It follows no redirect: the calls carry our key.
    """
    http = HTTPXClient(timeout=TIMEOUT, allow_sync_methods=True)
    return StripeClient(api_key, http_client=http, max_network_retries=0, **options)  # type: ignore[arg-type]


@contextmanager
def errors_mapped() -> Iterator[None]:
    """Map Stripe's errors: no valid answer (`PartyUnavailable`), the call refused
    (`PartyRejected`), or the shop's key or account (`ShopRefused`)."""
    try:
        with calls().to(BANK):
            yield
    except (APIConnectionError, RateLimitError, APIError) as error:
        # Among these: 5xx, 429, and 409 for a key whose first call is still under way.
        raise PartyUnavailable(_description(error), _retry_after(error)) from error
    except (AuthenticationError, PermissionError) as error:
        raise ShopRefused(_description(error), str(error.code or "")) from error
    except StripeError as error:
        raise PartyRejected(_description(error), str(error.code or "")) from error


def _description(error: StripeError) -> str:
    """Describe the error with the request id that Stripe's own log shows."""
    parts = [type(error).__name__, error.code, error.user_message, error.request_id]
    return ": ".join(str(part) for part in parts if part)


def _retry_after(error: StripeError) -> float:
    try:
        return float((error.headers or {}).get("retry-after", 0))
    except ValueError:
        return 0


def is_missing(error: InvalidRequestError) -> bool:
    """Return whether Stripe's error says that the object does not exist."""
    return error.code == "resource_missing"


def was_replayed(answer: StripeObject) -> bool:
    """Return whether Stripe replayed the answer to an earlier call with the same key.

    Such an answer may be outdated.
    """
    response = answer.last_response
    return response is not None and response.headers.get("idempotent-replayed") == "true"


def as_dict(answer: StripeObject) -> dict[str, Any]:
    """Convert an answer to plain dictionaries. Raise `PartyUnavailable` if it is not an object."""
    if not isinstance(answer, StripeObject):
        raise PartyUnavailable("Stripe's answer is no object")
    return answer.to_dict()


def objects_of(answer: ListObject[Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, over all pages. Raise `PartyUnavailable` if it is not a list."""
    if not isinstance(answer, ListObject):
        raise PartyUnavailable("Stripe's answer is no list")
    return (as_dict(row) for row in answer.auto_paging_iter())


def idempotency_key_of(made: dict[str, Any]) -> str:
    """Return the idempotency key with which this shop made an object; "" if it did not."""
    return str((made.get("metadata") or {}).get("key", ""))
