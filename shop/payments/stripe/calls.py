"""Calls to Stripe: how it is reached, and what its errors mean to the shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stripe import (
    APIConnectionError,
    APIError,
    InvalidRequestError,
    ListObject,
    RateLimitError,
    RequestsClient,
    StripeClient,
    StripeError,
    StripeObject,
)

from shop.errors import PartyRejected, PartyUnavailable

TIMEOUT = (3.0, 20.0)
"""Seconds until a connection stands, and until an answer comes; then nothing is known of it."""


def connect(api_key: str, **options: object) -> StripeClient:
    """A client that gives up in time and leaves repeating to its caller, who keeps the keys."""
    http = RequestsClient(timeout=TIMEOUT)
    return StripeClient(api_key, http_client=http, max_network_retries=0, **options)  # type: ignore[arg-type]


@contextmanager
def answered() -> Iterator[None]:
    """Turn Stripe's errors into `PartyUnavailable` (no proper answer) or `PartyRejected` (a no)."""
    try:
        yield
    except (APIConnectionError, RateLimitError, APIError) as error:
        # Among these: 5xx, 429, and 409 for a key whose first call is still under way.
        raise PartyUnavailable(_told(error), _wait(error)) from error
    except StripeError as error:
        raise PartyRejected(_told(error), str(error.code or "")) from error


def _told(error: StripeError) -> str:
    """The error as the operator finds it again in Stripe's own log."""
    parts = [type(error).__name__, error.code, error.user_message, error.request_id]
    return ": ".join(str(part) for part in parts if part)


def _wait(error: StripeError) -> float:
    try:
        return float((error.headers or {}).get("retry-after", 0))
    except ValueError:
        return 0


def is_missing(error: InvalidRequestError) -> bool:
    """Whether Stripe says that there is no such thing."""
    return error.code == "resource_missing"


def was_repeated(answer: StripeObject) -> bool:
    """Whether this is the answer that an earlier call with the same key got, as old as that is."""
    response = answer.last_response
    return response is not None and response.headers.get("idempotent-replayed") == "true"


def plain(answer: StripeObject) -> dict[str, Any]:
    """An answer as plain dictionaries. Raises `PartyUnavailable` when it is no object at all."""
    if not isinstance(answer, StripeObject):
        raise PartyUnavailable("Stripe's answer is no object")
    return answer.to_dict()


def rows(answer: ListObject[Any]) -> Iterator[dict[str, Any]]:
    """The objects of a list, page after page. Raises `PartyUnavailable` when it is no list."""
    if not isinstance(answer, ListObject):
        raise PartyUnavailable("Stripe's answer is no list")
    return (plain(row) for row in answer.auto_paging_iter())


def key_of(made: dict[str, Any]) -> str:
    """The idempotency key with which this shop made an object; "" for any other's."""
    return str((made.get("metadata") or {}).get("key", ""))
