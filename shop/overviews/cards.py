"""A customer's stored cards, each with the services that are charged to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from records.accounts import Account
from records.cards import Card
from records.groups import LicenceGroup
from records.subscriptions import Subscription, SubscriptionStatus
from shop.payments import cards


@dataclass(frozen=True)
class CardOverview:
    """A stored card, and the groups whose renewals are charged to it, by name."""

    card: Card
    groups: list[LicenceGroup]


def for_account(account: Account) -> list[CardOverview]:
    """Return the customer's cards, newest first (two queries)."""
    stored = list(cards.usable_cards(account))
    charged = (
        Subscription.select(Subscription, LicenceGroup)
        .join(LicenceGroup)
        .where(
            Subscription.account == account,
            Subscription.card.is_null(False),
            Subscription.status != SubscriptionStatus.TERMINATED,
        )
        .order_by(LicenceGroup.display_name, LicenceGroup.id)
    )
    groups = defaultdict(list)
    for row in charged:
        groups[row.card_id].append(row.group)
    return [CardOverview(card, groups[card.id]) for card in stored]
