"""Disputes: payments that cardholders contest, and what Stripe withdraws for them."""

from __future__ import annotations

from typing import Any

from stripe import StripeClient

from shop.errors import PartyUnavailable
from shop.payments.gateway import Dispute, DisputeState
from shop.payments.stripe.calls import as_dict

DECIDED = {
    "won": DisputeState.WON,
    "warning_closed": DisputeState.WON,
    "lost": DisputeState.LOST,
}
"""The states of decided disputes and inquiries; all others are open."""


def find_dispute(client: StripeClient, reference: str) -> dict[str, Any]:
    """Return a dispute."""
    return as_dict(client.v1.disputes.retrieve(reference))


def dispute_of(made: dict[str, Any], checkout: str) -> Dispute:
    """Convert a dispute of a ``checkout``. Raise `PartyUnavailable` for an invalid answer.

    Its balance transactions are what was withdrawn (negative) and given back (positive).
    """
    try:
        moved = sum(int(each["amount"]) for each in made.get("balance_transactions") or [])
        return Dispute(
            reference=str(made["id"]),
            checkout=checkout,
            amount_cents=int(made["amount"]),
            state=DECIDED.get(made["status"], DisputeState.OPEN),
            withdrawn_cents=max(0, -moved),
            reason=str(made.get("reason") or ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PartyUnavailable("Stripe's dispute cannot be read") from error
