"""Checkouts and charges: idempotent creation, state changes, notifications to the shop."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any

from sandbox import clock, switches
from sandbox.api_errors import ApiRefusal, KeyReused
from sandbox.bank import ledger, notifications
from sandbox.bank.cards import ACCEPTED, BEHAVIOURS, Card, has_expired
from sandbox.bank.models import NEXT, Checkout, Status, StoredCard, UsedKey
from sandbox.database import database

LIFETIME = 24 * 3600
"""Seconds, by the sandbox's clock, until an unpaid checkout expires."""


def create_once(key: str, wanted: dict[str, Any], make: Callable[[], str]) -> str:
    """Run ``make`` once for each idempotency key; return the reference that it made.

    Raises `KeyReused` when the key was used before with other parameters.
    """
    text = json.dumps(wanted, sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    with database.atomic():
        used = UsedKey.get_or_none(UsedKey.key == key)
        if used is None:
            used = UsedKey.create(key=key, fingerprint=fingerprint, reference=make())
        elif used.fingerprint != fingerprint:
            raise KeyReused
        return str(used.reference)


# --- Calls of the shop ------------------------------------------------------------------------


def open_checkout(key: str, wanted: dict[str, Any]) -> Checkout:
    """Create a checkout; ``wanted`` holds the columns that the shop chooses."""

    def make() -> str:
        now = clock.now()
        return _create_checkout(
            "checkout", "cs", **wanted, created_at=now, expires_at=now + LIFETIME
        )

    return find_checkout(create_once(key, {"act": "checkout", **wanted}, make))


def charge_card(key: str, wanted: dict[str, Any]) -> Checkout:
    """Charge a stored card (``wanted["mandate"]``) off session.

    Raises `ApiRefusal` for a mandate that never existed.
    """

    def make() -> str:
        card = StoredCard.get_or_none(StoredCard.reference == wanted["mandate"])
        if card is None:
            raise ApiRefusal(404, "unknown_mandate", "There is no such mandate.")
        reference = _create_checkout("charge", "ch", **wanted, created_at=clock.now())
        _decide(reference, Status.OPEN, _off_session_outcome(card))
        return reference

    return find_checkout(create_once(key, {"act": "charge", **wanted}, make))


def find_checkout(reference: str) -> Checkout:
    """Return a checkout or charge, after applying what is due. Raises `ApiRefusal` if unknown."""
    checkout = Checkout.get_or_none(Checkout.reference == reference)
    if checkout is None:
        raise unknown_checkout()
    if _is_expired(checkout):
        close_checkout(reference)
        return Checkout.get_by_id(reference)
    if checkout.status == Status.PROCESSING and (checkout.answer_at or 0) <= clock.real_now():
        settle_checkout(reference)
        return Checkout.get_by_id(reference)
    return checkout


def unknown_checkout() -> ApiRefusal:
    """Make the error for a reference that does not exist."""
    return ApiRefusal(404, "unknown_checkout", "There is no such checkout.")


def close_checkout(reference: str) -> Checkout:
    """Close a checkout that still awaits a card; another one stays unchanged."""
    with database.atomic():
        checkout = Checkout.get_or_none(Checkout.reference == reference)
        if checkout is None:
            raise unknown_checkout()
        if checkout.awaits_card and move_checkout(reference, checkout.status, Status.CLOSED):
            notifications.enqueue_notification(reference)
    return Checkout.get_by_id(reference)


def revoke_mandate(mandate: str) -> None:
    """Revoke a stored card; idempotent. Raises `ApiRefusal` for one that never existed."""
    found = StoredCard.update(revoked_at=clock.now()).where(
        StoredCard.reference == mandate, StoredCard.revoked_at.is_null()
    )
    if not found.execute() and not StoredCard.get_or_none(StoredCard.reference == mandate):
        raise ApiRefusal(404, "unknown_mandate", "There is no such mandate.")


def _create_checkout(kind: str, prefix: str, **columns: Any) -> str:
    reference = f"{prefix}_{secrets.token_urlsafe(18)}"
    Checkout.create(reference=reference, kind=kind, **columns)
    return reference


def _off_session_outcome(card: StoredCard) -> str:
    if card.revoked_at is not None:
        return "mandate_revoked"
    if has_expired(card.expiry_month, card.expiry_year, clock.as_datetime(clock.now()).date()):
        return "expired_card"
    return BEHAVIOURS[card.behaviour].absent


# --- Acts of the customer --------------------------------------------------------------------


def enter_card(reference: str, card: Card) -> bool:
    """Pay a checkout with ``card``; False if a card was entered before.

    A card with strong authentication waits for `authenticate`.
    """
    shown = {
        "behaviour": card.known.behaviour,
        "brand": card.known.brand,
        "last4": card.known.number[-4:],
        "expiry_month": card.expiry_month,
        "expiry_year": card.expiry_year,
    }
    if card.behaviour.authenticates:
        return move_checkout(reference, Status.OPEN, Status.AUTHENTICATING, **shown)
    with database.atomic():
        return _decide(reference, Status.OPEN, card.behaviour.present, **shown)


def authenticate(reference: str, confirmed: bool) -> bool:
    """Apply the cardholder's decision; False if the checkout no longer awaits it."""
    checkout = find_checkout(reference)
    behaviour = BEHAVIOURS.get(checkout.behaviour)
    if behaviour is None:
        return False
    with database.atomic():
        outcome = behaviour.present if confirmed else "authentication_failed"
        return _decide(reference, Status.AUTHENTICATING, outcome)


def _decide(reference: str, old: str, outcome: str, **changes: Any) -> bool:
    """Decide the outcome; it becomes public after the switch ``bank_outcome_delay``."""
    delay = float(switches.value("bank_outcome_delay"))
    answer_at = clock.real_now() + delay
    moved = move_checkout(
        reference, old, Status.PROCESSING, outcome=outcome, answer_at=answer_at, **changes
    )
    if moved and not delay:
        settle_checkout(reference)
    return moved


# --- Acts of the bank ------------------------------------------------------------------------


def settle_checkout(reference: str) -> None:
    """Apply a decided outcome: book the payment, store the card, notify. Idempotent."""
    with database.atomic():
        checkout = Checkout.get_by_id(reference)
        accepted = checkout.outcome == ACCEPTED
        status = Status.SUCCEEDED if accepted else Status.DECLINED
        reason = "" if accepted else checkout.outcome
        if not move_checkout(
            reference, Status.PROCESSING, status, reason=reason, settled_at=clock.now(),
            card_country=switches.value("bank_card_country"),
        ):  # fmt: skip
            return
        if accepted:
            _fulfil(checkout)
        notifications.enqueue_notification(reference)


def _fulfil(checkout: Checkout) -> None:
    if checkout.amount_cents:
        ledger.book_payment(checkout)
    if checkout.store_card and checkout.kind == "checkout":
        card = _store_card(checkout)
        Checkout.update(mandate=card).where(Checkout.reference == checkout.reference).execute()


def _store_card(checkout: Checkout) -> StoredCard:
    return StoredCard.create(
        reference=f"md_{secrets.token_urlsafe(18)}",
        brand=checkout.brand,
        last4=checkout.last4,
        expiry_month=checkout.expiry_month,
        expiry_year=checkout.expiry_year,
        behaviour=checkout.behaviour,
        created_at=clock.now(),
    )


def move_checkout(reference: str, old: str, new: str, **changes: Any) -> bool:
    """Move a checkout from ``old`` to ``new`` by compare-and-set.

    Returns False when another process changed its status first.
    """
    if new not in NEXT[old]:
        raise ValueError(f"no checkout goes from {old} to {new}")
    changed = Checkout.update(status=new, **changes).where(
        Checkout.reference == reference, Checkout.status == old
    )
    return bool(changed.execute())


def _is_expired(checkout: Checkout) -> bool:
    return (
        checkout.awaits_card
        and checkout.expires_at is not None
        and checkout.expires_at <= clock.now()
    )


def process_due_checkouts() -> None:
    """Settle the checkouts whose outcome is due and close those that have expired."""
    for reference in _due_references():
        settle_checkout(reference)
    for reference in _expired_references():
        close_checkout(reference)


def is_any_processing() -> bool:
    """Whether the outcome of a checkout is still to come."""
    return Checkout.select().where(Checkout.status == Status.PROCESSING).exists()


def _due_references() -> list[str]:
    due = Checkout.select(Checkout.reference).where(
        Checkout.status == Status.PROCESSING, Checkout.answer_at <= clock.real_now()
    )
    return [row.reference for row in due]


def _expired_references() -> list[str]:
    expired = Checkout.select(Checkout.reference).where(
        Checkout.status.in_([Status.OPEN, Status.AUTHENTICATING]),
        Checkout.expires_at <= clock.now(),
    )
    return [row.reference for row in expired]
