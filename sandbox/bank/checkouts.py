"""Checkouts and charges: opened once, decided once, told to the shop."""

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
from sandbox.bank.models import NEXT, Checkout, Refund, Status, StoredCard, UsedKey
from sandbox.database import database

LIFETIME = 24 * 3600
"""Seconds of the sandbox's clock for which a payment page stays open."""


def once(key: str, wanted: dict[str, Any], make: Callable[[], str]) -> str:
    """The reference of what ``make`` made when this key first came.

    Raises `KeyReused` when the key came with other parameters before.
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


# --- Asked by the shop -----------------------------------------------------------------------


def start(key: str, wanted: dict[str, Any]) -> Checkout:
    """Open a payment page; ``wanted`` holds the columns the shop chooses."""

    def make() -> str:
        now = clock.now()
        return _create("checkout", "cs", **wanted, created_at=now, expires_at=now + LIFETIME)

    return find(once(key, {"act": "checkout", **wanted}, make))


def charge(key: str, wanted: dict[str, Any]) -> Checkout:
    """Take money from a stored card (``wanted["mandate"]``) while its holder is away.

    Raises `ApiRefusal` for a mandate that never existed.
    """

    def make() -> str:
        card = StoredCard.get_or_none(StoredCard.reference == wanted["mandate"])
        if card is None:
            raise ApiRefusal(404, "unknown_mandate", "There is no such mandate.")
        reference = _create("charge", "ch", **wanted, created_at=clock.now())
        _decide(reference, Status.OPEN, _outcome_later(card))
        return reference

    return find(once(key, {"act": "charge", **wanted}, make))


def find(reference: str) -> Checkout:
    """A checkout or charge as it stands now. Raises `ApiRefusal` if there is none."""
    checkout = Checkout.get_or_none(Checkout.reference == reference)
    if checkout is None:
        raise unknown()
    if _is_overdue(checkout):
        close(reference)
        return Checkout.get_by_id(reference)
    if checkout.status == Status.PROCESSING and (checkout.answer_at or 0) <= clock.real_now():
        settle(reference)
        return Checkout.get_by_id(reference)
    return checkout


def unknown() -> ApiRefusal:
    """What is said of a reference this bank never gave."""
    return ApiRefusal(404, "unknown_checkout", "There is no such checkout.")


def close(reference: str) -> Checkout:
    """End a checkout to which no card was given yet; one that has its card stays as it is."""
    with database.atomic():
        checkout = Checkout.get_or_none(Checkout.reference == reference)
        if checkout is None:
            raise unknown()
        if checkout.awaits_card and move(reference, checkout.status, Status.CLOSED):
            notifications.announce(reference)
    return Checkout.get_by_id(reference)


def refund(key: str, reference: str, amount_cents: int) -> Refund:
    """Give money back, once for each key. Raises `ApiRefusal` if it may not go back."""

    def make() -> str:
        checkout = Checkout.get_or_none(Checkout.reference == reference)
        if checkout is None:
            raise unknown()
        return str(ledger.give_back(checkout, amount_cents).reference)

    wanted = {"act": "refund", "checkout": reference, "amount_cents": amount_cents}
    return Refund.get_by_id(once(key, wanted, make))


def revoke(mandate: str) -> None:
    """Forget a stored card. Raises `ApiRefusal` for one that never existed."""
    found = StoredCard.update(revoked_at=clock.now()).where(
        StoredCard.reference == mandate, StoredCard.revoked_at.is_null()
    )
    if not found.execute() and not StoredCard.get_or_none(StoredCard.reference == mandate):
        raise ApiRefusal(404, "unknown_mandate", "There is no such mandate.")


def _create(kind: str, prefix: str, **columns: Any) -> str:
    reference = f"{prefix}_{secrets.token_urlsafe(18)}"
    Checkout.create(reference=reference, kind=kind, **columns)
    return reference


def _outcome_later(card: StoredCard) -> str:
    if card.revoked_at is not None:
        return "mandate_revoked"
    if has_expired(card.expiry_month, card.expiry_year, clock.as_datetime(clock.now()).date()):
        return "expired_card"
    return BEHAVIOURS[card.behaviour].absent


# --- Done by the customer --------------------------------------------------------------------


def enter_card(reference: str, card: Card) -> bool:
    """The customer pays with ``card``; False when this checkout already had its card.

    A card that asks for strong authentication waits for `authenticate`.
    """
    shown = {
        "behaviour": card.known.behaviour,
        "brand": card.known.brand,
        "last4": card.known.number[-4:],
        "expiry_month": card.expiry_month,
        "expiry_year": card.expiry_year,
    }
    if card.behaviour.authenticates:
        return move(reference, Status.OPEN, Status.AUTHENTICATING, **shown)
    with database.atomic():
        return _decide(reference, Status.OPEN, card.behaviour.present, **shown)


def authenticate(reference: str, confirmed: bool) -> bool:
    """The cardholder confirms or refuses the payment; False when that was settled before."""
    checkout = find(reference)
    behaviour = BEHAVIOURS.get(checkout.behaviour)
    if behaviour is None:
        return False
    with database.atomic():
        outcome = behaviour.present if confirmed else "authentication_failed"
        return _decide(reference, Status.AUTHENTICATING, outcome)


def _decide(reference: str, old: str, outcome: str, **changes: Any) -> bool:
    """Fix the outcome; it is told at once, or as late as the switch ``bank_outcome_delay`` says."""
    delay = float(switches.value("bank_outcome_delay"))
    answer_at = clock.real_now() + delay
    moved = move(reference, old, Status.PROCESSING, outcome=outcome, answer_at=answer_at, **changes)
    if moved and not delay:
        settle(reference)
    return moved


# --- Settled by the bank ---------------------------------------------------------------------


def settle(reference: str) -> None:
    """Carry a decided outcome out: book the money, store the card, tell the shop. Only once."""
    with database.atomic():
        checkout = Checkout.get_by_id(reference)
        accepted = checkout.outcome == ACCEPTED
        status = Status.SUCCEEDED if accepted else Status.DECLINED
        reason = "" if accepted else checkout.outcome
        if not move(reference, Status.PROCESSING, status, reason=reason, settled_at=clock.now()):
            return
        if accepted:
            _fulfil(checkout)
        notifications.announce(reference)


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


def move(reference: str, old: str, new: str, **changes: Any) -> bool:
    """Move a checkout from ``old`` to ``new``; False when somebody else moved it first."""
    if new not in NEXT[old]:
        raise ValueError(f"no checkout goes from {old} to {new}")
    changed = Checkout.update(status=new, **changes).where(
        Checkout.reference == reference, Checkout.status == old
    )
    return bool(changed.execute())


def _is_overdue(checkout: Checkout) -> bool:
    return (
        checkout.awaits_card
        and checkout.expires_at is not None
        and checkout.expires_at <= clock.now()
    )


def tend() -> None:
    """Do what time asks: tell outcomes that are due, close payment pages that are over."""
    for reference in _due_answers():
        settle(reference)
    for reference in _overdue():
        close(reference)


def _due_answers() -> list[str]:
    due = Checkout.select(Checkout.reference).where(
        Checkout.status == Status.PROCESSING, Checkout.answer_at <= clock.real_now()
    )
    return [row.reference for row in due]


def _overdue() -> list[str]:
    over = Checkout.select(Checkout.reference).where(
        Checkout.status.in_([Status.OPEN, Status.AUTHENTICATING]),
        Checkout.expires_at <= clock.now(),
    )
    return [row.reference for row in over]
