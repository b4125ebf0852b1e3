"""Which card the renewals of each service may be charged to: the customer's consent, on record.

A card is kept for the services it was allowed for, and never charged for another one. Each consent
and its end is an event of the subscription that names the card, which `shop.invoicing.ledger_proof`
compares with the charges.
"""

from __future__ import annotations

from enum import StrEnum

from peewee import ModelSelect

from records.base import lock
from records.cards import Card
from records.groups import LicenceGroup
from records.orders import Order, OrderLine
from records.subscriptions import (
    CARD_ALLOWED,
    CARD_WITHDRAWN,
    Subscription,
    SubscriptionStatus,
)
from shop import transitions
from shop.errors import N_, Refusal
from shop.pricing.lines import lines_of

ALLOWED, WITHDRAWN = CARD_ALLOWED, CARD_WITHDRAWN

PROOFS = (ALLOWED, WITHDRAWN)
"""Names of events whose note is the card that a customer allowed for a service, or no longer."""
"""The events of a subscription; the note is the id of the card."""


class RenewalChoice(StrEnum):
    """How the renewals of a new service are paid; the customer chooses, nothing is preselected."""

    CARD = "card"
    SELF = "self"


CHOICE_MISSING = N_("Choose how the renewals are paid: by this card, or by yourself each month.")


def needs_choice(order: Order, lines: list[OrderLine]) -> bool:
    """Return whether an order begins a service, of which it is not known who pays the renewals.

    Licences added to a service renew with it, as was chosen for that; a free order names its card.
    """
    return bool(order.total_cents) and not all(line.is_addition for line in lines)


def read_choice(order: Order, chosen: str) -> bool:
    """Return whether the card that pays ``order`` is kept for the renewals of its services.

    Raise `Refusal` at the field ``renewals`` where the customer has to choose and did not.
    """
    if not needs_choice(order, lines_of(order)):
        return False
    if chosen not in set(RenewalChoice):
        raise Refusal(CHOICE_MISSING, "renewals")
    return chosen == RenewalChoice.CARD


# --- Reading ---------------------------------------------------------------------------------


def card_of(subscription: Subscription) -> Card | None:
    """Return the card that renewals are charged to; None if the customer pays each of them."""
    return Card.get_or_none(Card.id == subscription.card_id, Card.removed_at.is_null())


def charged_to(card: Card) -> ModelSelect[Subscription]:
    """Return the query for the running services whose renewals are charged to a card, by name."""
    return (
        Subscription.select(Subscription, LicenceGroup)
        .join(LicenceGroup)
        .where(Subscription.card == card, Subscription.status != SubscriptionStatus.TERMINATED)
        .order_by(LicenceGroup.display_name, LicenceGroup.id)
    )


# --- Changing --------------------------------------------------------------------------------


def allow(subscription: Subscription, card: Card, by: str) -> None:
    """Charge the renewals of a service to ``card`` from now on; idempotent.

    Runs in the caller's transaction. Raise `Refusal` if the card is removed or another customer's.
    """
    # The card first, in the order in which its removal locks them: the other order could deadlock.
    kept, row = lock(card, allow_references=True), lock(subscription)
    if kept.account_id != row.account_id or kept.removed_at is not None:
        raise Refusal(N_("This card is not registered any more."), "card")
    if row.card_id == kept.id:
        return
    withdraw(row, by)
    _set(row, kept.id)
    transitions.record(row, ALLOWED, by=by, note=str(kept.id))


def withdraw(subscription: Subscription, by: str) -> None:
    """Charge the renewals of a service to no card any more; idempotent.

    Runs in the caller's transaction. A charge that was begun before is not undone.
    """
    row = lock(subscription)
    if row.card_id is not None:
        transitions.record(row, WITHDRAWN, by=by, note=str(row.card_id))
        _set(row, None)


def withdraw_all(card: Card, by: str) -> None:
    """Charge the renewals of no service to a card any more, in the caller's transaction."""
    for subscription in Subscription.select().where(Subscription.card == card):
        withdraw(subscription, by)


def allow_for_order(order: Order, card: Card) -> None:
    """Charge the renewals of the services that an order begins to ``card``, once they run."""
    Order.update(renewal_card=card).where(Order.id == order.id).execute()


def allow_ordered(subscription: Subscription, order: Order) -> None:
    """Apply to a service that begins what was chosen with its order, in the same transaction."""
    card = order.renewal_card
    if card is not None and card.removed_at is None and card.account_id == order.account_id:
        allow(subscription, card, by=order.account.nic_handle)


def _set(subscription: Subscription, card: int | None) -> None:
    Subscription.update(card=card).where(Subscription.id == subscription.id).execute()
    subscription.card_id = card
