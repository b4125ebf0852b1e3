"""Cards stored for renewals.

Which service may be charged to which card is in `shop.payments.mandates`, how a customer registers
a new one in `shop.payments.card_setups`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from peewee import ModelSelect

from records.accounts import Account
from records.base import database
from records.cards import Card
from records.events import Event
from shop import clock, jobs, mail
from shop.errors import PartyRejected
from shop.payments import gateways, mandates
from shop.payments.gateway import CardChange, Checkout, Mandate
from shop.sql.prepared import prepared

log = structlog.get_logger()

REVOKED = "mandate_revoked"
"""The bank's reason for a card that was removed or whose mandate was revoked."""

UNKNOWN_MANDATE = "unknown_mandate"
"""The code of a bank that never had a mandate (its data were lost, or it is another bank's)."""

REMOVED = "removed_by_customer"
"""Why a card was removed that its customer removed here."""

LONGEST_MANDATE = 128


def usable_cards(account: Account) -> ModelSelect[Card]:
    """Return the customer's cards that were not removed, newest first.

    Whether one has expired is the bank's to say: it may have been renewed there.
    """
    return (
        Card.select()
        .where(Card.account == account, Card.removed_at.is_null())
        .order_by(Card.id.desc())
    )


usable_cards_of = prepared(usable_cards)
"""The same query, for pages."""


def stored_card(account: Account) -> Card | None:
    """Return the newest card that the customer did not remove."""
    return usable_cards(account).first()


def keep_card(account: Account, mandate: Mandate | None) -> Card | None:
    """Store a card that the customer agreed to keep for renewals; idempotent.

    Return None, with nothing stored, where the bank gave no mandate that can be read, or that of
    another customer.
    """
    if mandate is None or not _is_readable(mandate):
        log.warning("mandate_unreadable", account=account.id)
        return None
    Card.insert(
        account=account, mandate=mandate.reference, consented_at=clock.now(), **_shown(mandate)
    ).on_conflict_ignore().execute()
    kept: Card = Card.get(Card.mandate == mandate.reference)
    if kept.account_id != account.id:
        log.error("mandate_of_another", account=account.id, card=kept.id)
        return None
    return kept


def _shown(mandate: Mandate) -> dict[str, Any]:
    """Return the columns that show a card."""
    return {
        "brand": mandate.brand[:32],
        "last4": mandate.last4,
        "expiry_month": mandate.expiry_month,
        "expiry_year": mandate.expiry_year,
    }


def _is_readable(mandate: Mandate) -> bool:
    is_known = bool(mandate.reference) and len(mandate.reference) <= LONGEST_MANDATE
    is_dated = 1 <= mandate.expiry_month <= 12 and 2000 <= mandate.expiry_year <= 9999
    return is_known and is_dated and len(mandate.last4) <= 4


def update_charged(card: Card, checkout: Checkout) -> None:
    """Apply what the bank says of a stored card when it is charged."""
    if checkout.reason == REVOKED:
        mark_removed(card, REVOKED)
    elif checkout.mandate is not None:
        refresh_card(card, checkout.mandate)


def refresh_card(card: Card, mandate: Mandate) -> None:
    """Show a card as the bank has it today: a renewed one has another expiry date and digits."""
    shown = _shown(mandate)
    if _is_readable(mandate) and any(getattr(card, name) != shown[name] for name in shown):
        Card.update(**shown).where(Card.id == card.id).execute()
        log.info("card_renewed", card=card.id)


def apply_notified(change: CardChange) -> None:
    """Apply what changed of a stored card at the bank: renewed, removed or revoked; idempotent."""
    card = Card.get_or_none(Card.mandate == change.reference, Card.removed_at.is_null())
    if card is None:
        return
    if change.card is not None:
        refresh_card(card, change.card)
        return
    with database.atomic():
        if mark_removed(card, REVOKED):
            mail.card_removed(card)


def mark_removed(card: Card, reason: str, by: str = "bank") -> bool:
    """Charge a card no more, in the caller's transaction; idempotent.

    Return False if it was removed before.
    """
    present = (Card.id == card.id) & Card.removed_at.is_null()
    now = clock.now()
    if not Card.update(removed_at=now).where(present).execute():
        return False
    Event.insert(
        subject="card", subject_id=card.id, name="card_removed", by=by, note=reason, at=now,
        account_id=card.account_id,
    ).execute()  # fmt: skip
    mandates.withdraw_all(card, by)
    log.warning("card_removed", card=card.id, reason=reason)
    return True


def find_card(account: Account, card_id: int) -> Card | None:
    """Return the customer's own card with that id, unless it is removed."""
    return usable_cards(account).where(Card.id == card_id).first()


def remove_card(card: Card, by: str) -> None:
    """Remove a card at its customer's wish (general terms): here at once, and at the bank.

    Idempotent. The services charged to it are paid by the customer from then on.
    """
    with database.atomic():
        services = [row.group.display_name for row in mandates.charged_to(card)]
        if mark_removed(card, REMOVED, by):
            forget_card.later(card=card.id)
            mail.card_withdrawn(card, services)


@jobs.handles("forget_card", attempts=50, first_delay=timedelta(seconds=5))
def forget_card(card: int) -> None:
    """Have the bank delete the mandate of a removed card; idempotent."""
    row = Card.get_by_id(card)
    try:
        gateways.gateway().forget_mandate(row.mandate)
    except PartyRejected as error:
        gateways.record_refusal(f"card {row.id}", error)
        raise jobs.Later(gateways.WATCH_EVERY) from error
