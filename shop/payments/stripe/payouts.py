"""Payouts, and the balance transactions that each is made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from stripe import ListObject, StripeClient

from shop.errors import PartyUnavailable
from shop.payments.gateway import Payout, PayoutLine, PayoutLineKind, PayoutState
from shop.payments.stripe.calls import as_dict, idempotency_key_of

AT_ONCE = 100
"""How many objects Stripe lists at once, at most."""

STATES = {
    "pending": PayoutState.PENDING,
    "in_transit": PayoutState.PENDING,
    "paid": PayoutState.PAID,
    "failed": PayoutState.FAILED,
    "canceled": PayoutState.FAILED,
}

KINDS = {
    "charge": PayoutLineKind.CHARGE,
    "charge_failure": PayoutLineKind.CHARGE,
    "refund": PayoutLineKind.REFUND,
    "refund_failure": PayoutLineKind.REFUND,
    "dispute": PayoutLineKind.DISPUTE,
    "dispute_reversal": PayoutLineKind.DISPUTE,
    "fee": PayoutLineKind.FEE,
    "network_cost": PayoutLineKind.FEE,
    "tax": PayoutLineKind.FEE,
    "payout_reversal": PayoutLineKind.PAYOUT,
}
"""The kinds of lines by Stripe's reporting category; those of all others are ``other``."""

PAYOUT = "payout"
"""The category of the transaction that a payout itself is."""


def list_payouts(client: StripeClient, since: datetime, after: str) -> tuple[list[Any], str]:
    """Return payouts as Stripe has them, and what the next ones come after."""
    asked: Any = {"created": {"gte": int(since.timestamp())}, "limit": AT_ONCE}
    return _rows(client.v1.payouts.list(asked | _beginning(after)))


def list_lines(client: StripeClient, payout: str, after: str) -> tuple[list[Any], str]:
    """Return balance transactions of a payout, each with its source in full."""
    asked: Any = {"payout": payout, "limit": AT_ONCE, "expand": ["data.source"]}
    rows, following = _rows(client.v1.balance_transactions.list(asked | _beginning(after)))
    return [row for row in rows if row.get("reporting_category") != PAYOUT], following


def _beginning(after: str) -> dict[str, str]:
    return {"starting_after": after} if after else {}


def _rows(answer: ListObject[Any]) -> tuple[list[dict[str, Any]], str]:
    """Return the objects of one page of a list, and the last one's id if there are more."""
    if not isinstance(answer, ListObject):
        raise PartyUnavailable("Stripe's answer is no list")
    rows = [as_dict(row) for row in answer.data]
    return rows, str(rows[-1]["id"]) if rows and answer.has_more else ""


def payout_of(made: dict[str, Any]) -> Payout:
    """Convert a payout. Raise `PartyUnavailable` for an invalid answer.

    The lines of an automatic one are final once Stripe calls its reconciliation completed.
    """
    try:
        is_automatic = bool(made["automatic"])
        is_final = made.get("reconciliation_status", "completed") == "completed"
        return Payout(
            reference=str(made["id"]),
            amount_cents=int(made["amount"]),
            currency=str(made["currency"]).upper(),
            arrives_on=_moment(made["arrival_date"]).date(),
            created_at=_moment(made["created"]),
            state=STATES[made["status"]],
            is_automatic=is_automatic,
            lists_lines=is_automatic and is_final,
            reason=str(made.get("failure_code") or ""),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PartyUnavailable("Stripe's payout cannot be read") from error


def line_of(made: dict[str, Any], checkout_of: Callable[[Any], str]) -> PayoutLine:
    """Convert a balance transaction. Raise `PartyUnavailable` for an invalid answer.

    ``checkout_of`` finds the checkout of a PaymentIntent that was not charged off session.
    """
    try:
        kind = KINDS.get(made["reporting_category"], PayoutLineKind.OTHER)
        gross, fee = int(made["amount"]), int(made["fee"])
        if kind is PayoutLineKind.FEE:
            gross, fee = 0, fee - gross
        return PayoutLine(
            reference=str(made["id"]),
            kind=kind,
            gross_cents=gross,
            fee_cents=fee,
            source=_source_of(kind, made.get("source"), checkout_of),
            at=_moment(made["created"]),
            description=str(made.get("description") or ""),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PartyUnavailable("Stripe's balance transaction cannot be read") from error


def _source_of(kind: PayoutLineKind, source: Any, checkout_of: Callable[[Any], str]) -> str:
    """Return the shop's reference of what a transaction comes from.

    A charge has the metadata of its PaymentIntent: with a key it was off session, and the intent
    is what the shop knows.
    """
    if not isinstance(source, dict):
        return str(source or "")
    intent = source.get("payment_intent")
    if kind is not PayoutLineKind.CHARGE or not intent:
        return str(source["id"])
    return str(intent) if idempotency_key_of(source) else checkout_of(intent)


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
