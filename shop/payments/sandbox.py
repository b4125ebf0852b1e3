"""The sandbox bank as a `PaymentGateway`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import structlog
import urllib3

from shop.errors import PartyRejected, PartyUnavailable
from shop.parsing.numbers_and_json import read_json
from shop.parties.calls import BANK
from shop.payments.gateway import (
    Batch,
    CardChange,
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    CheckoutStatus,
    Dispute,
    DisputeState,
    Mandate,
    Notification,
    Payout,
    PayoutLine,
    PayoutLineKind,
    PayoutState,
    Refund,
    RefundState,
)
from shop.sandbox_link import signatures
from shop.sandbox_link.client import TIMEOUT, Refused, SandboxCalls

log = structlog.get_logger()

API = "/bank/api"

Listed = TypeVar("Listed")


class SandboxBank:
    """The bank at ``url``: ``key`` is its API key, ``notification_secret`` signs its webhooks."""

    def __init__(
        self,
        url: str,
        key: str,
        notification_secret: str,
        timeout: urllib3.Timeout | float = TIMEOUT,
    ) -> None:
        self._calls = SandboxCalls(BANK, url, key, timeout)
        self._secret = notification_secret

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a payment page for a customer."""
        body = {name: value for name, value in vars(request).items() if name != "key"}
        return _checkout(self._calls.call("POST", f"{API}/checkouts", body, request.key))

    def find_checkout(self, reference: str) -> Checkout:
        """Return a checkout or charge with its present status."""
        return _checkout(self._calls.call("GET", f"{API}/checkouts/{_part(reference)}"))

    def close_checkout(self, reference: str) -> Checkout:
        """Close a checkout unless a card was entered; return it with its present status."""
        return _checkout(self._calls.call("POST", f"{API}/checkouts/{_part(reference)}/closure"))

    def charge(self, request: ChargeRequest) -> Checkout:
        """Charge a stored card; a revoked one is ``declined`` with ``mandate_revoked``."""
        body = {name: value for name, value in vars(request).items() if name != "key"}
        return _checkout(self._calls.call("POST", f"{API}/charges", body, request.key))

    def refund(self, reference: str, amount_cents: int, key: str) -> Refund:
        """Refund money of a succeeded checkout; idempotent for a key."""
        path = f"{API}/checkouts/{_part(reference)}/refunds"
        return _refund(self._calls.call("POST", path, {"amount_cents": amount_cents}, key))

    def find_refund(self, reference: str) -> Refund:
        """Return a refund with its present state."""
        return _refund(self._calls.call("GET", f"{API}/refunds/{_part(reference)}"))

    def find_dispute(self, reference: str) -> Dispute:
        """Return a dispute with its present state."""
        return _dispute(self._calls.call("GET", f"{API}/disputes/{_part(reference)}"))

    def list_payouts(self, since: datetime, after: str = "") -> Batch[Payout]:
        """Return payouts created since a moment, the newest first."""
        place = f"{API}/payouts?since={since.timestamp():.0f}&after={_part(after)}"
        return _batch(self._calls.call("GET", place), "payouts", _payout)

    def list_payout_lines(self, payout: str, after: str = "") -> Batch[PayoutLine]:
        """Return lines of a payout."""
        place = f"{API}/payouts/{_part(payout)}/lines?after={_part(after)}"
        return _batch(self._calls.call("GET", place), "lines", _payout_line)

    def forget_mandate(self, mandate: str) -> None:
        """Delete a stored card at the bank; idempotent."""
        try:
            self._calls.call("DELETE", f"{API}/mandates/{_part(mandate)}")
        except Refused as refusal:
            if refusal.code != "unknown_mandate":
                raise

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification | None:
        """Verify a notification's signature and read it; None if it is of an unknown kind.

        Raise `PartyRejected` when the signature is missing, wrong or too old.
        """
        signatures.verify(self._secret, headers, body)
        try:
            message = read_json(body)
            kind = str(message["type"]).partition(".")[0]
            if kind not in READERS:
                return None
            return Notification(str(message["event"]), READERS[kind](message[kind]))
        except (KeyError, TypeError, ValueError, PartyUnavailable) as error:
            raise PartyRejected("the notification cannot be read") from error


def _part(reference: str) -> str:
    return quote(reference, safe="")


def _checkout(answer: dict[str, Any]) -> Checkout:
    try:
        return Checkout(
            reference=str(answer["reference"]),
            status=CheckoutStatus(answer["status"]),
            amount_cents=int(answer["amount_cents"]),
            currency=str(answer["currency"]),
            url=str(answer["url"]),
            mandate=_mandate(answer["mandate"]),
            reason=str(answer["reason"]),
            card_country=str(answer.get("card_country", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PartyUnavailable("the bank's answer cannot be read") from error


def _mandate(shown: Any) -> Mandate | None:
    """Read a stored card; None where there is none, or not all of it can be read."""
    if not shown:
        return None
    try:
        return Mandate(
            reference=str(shown["reference"]),
            brand=str(shown["brand"]),
            last4=str(shown["last4"]),
            expiry_month=int(shown["expiry_month"]),
            expiry_year=int(shown["expiry_year"]),
        )
    except (KeyError, TypeError, ValueError):
        log.warning("mandate_unreadable")
        return None


def _refund(answer: dict[str, Any]) -> Refund:
    try:
        return Refund(
            reference=str(answer["reference"]),
            amount_cents=int(answer["amount_cents"]),
            state=RefundState(answer["state"]),
            checkout=str(answer["checkout"]),
            key=str(answer["key"]),
            reason=str(answer["reason"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PartyUnavailable("the bank's answer cannot be read") from error


def _dispute(answer: dict[str, Any]) -> Dispute:
    try:
        return Dispute(
            reference=str(answer["reference"]),
            checkout=str(answer["checkout"]),
            amount_cents=int(answer["amount_cents"]),
            state=DisputeState(answer["state"]),
            withdrawn_cents=int(answer["withdrawn_cents"]),
            reason=str(answer["reason"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PartyUnavailable("the bank's answer cannot be read") from error


def _batch(
    answer: dict[str, Any], name: str, read: Callable[[dict[str, Any]], Listed]
) -> Batch[Listed]:
    """Read a part of a list. Raise `PartyUnavailable` for an invalid answer."""
    try:
        return Batch([read(row) for row in answer[name]], str(answer["after"]))
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise PartyUnavailable("the bank's answer cannot be read") from error


def _payout(row: dict[str, Any]) -> Payout:
    return Payout(
        reference=str(row["reference"]),
        amount_cents=int(row["amount_cents"]),
        currency=str(row["currency"]),
        arrives_on=date.fromisoformat(row["arrives_on"]),
        created_at=datetime.fromtimestamp(row["created_at"], UTC),
        state=PayoutState(row["state"]),
        reason=str(row["reason"]),
    )


def _payout_line(row: dict[str, Any]) -> PayoutLine:
    return PayoutLine(
        reference=str(row["reference"]),
        kind=PayoutLineKind(row["kind"]),
        gross_cents=int(row["gross_cents"]),
        fee_cents=int(row["fee_cents"]),
        source=str(row["source"]),
        at=datetime.fromtimestamp(row["at"], UTC),
    )


def _card_change(answer: dict[str, Any]) -> CardChange:
    return CardChange(str(answer["reference"]), None if answer["is_removed"] else _mandate(answer))


READERS: dict[str, Callable[[dict[str, Any]], Checkout | Refund | Dispute | CardChange]] = {
    "checkout": _checkout,
    "refund": _refund,
    "dispute": _dispute,
    "card": _card_change,
}
"""How the subject of each kind of notification is read."""
