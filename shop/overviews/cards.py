"""A customer's stored cards, each with the services that are charged to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from typing import Any

from peewee import SQL, Select

from records.accounts import Account
from records.base import database
from records.cards import Card
from records.groups import LicenceGroup
from records.subscriptions import Subscription, SubscriptionStatus
from shop.payments import cards

MOST_NAMED = 50
"""The most services that are named with a card."""


@dataclass(frozen=True)
class CardOverview:
    """A stored card, and the groups whose renewals are charged to it, by name.

    ``is_cut`` if there are more than `MOST_NAMED`.
    """

    card: Card
    groups: list[LicenceGroup]
    is_cut: bool = False


def for_account(account: Account) -> list[CardOverview]:
    """Return the customer's cards, newest first (three queries at most)."""
    stored = list(cards.usable_cards(account))
    if not stored:
        return []
    first, *others = (_charged_to(card) for card in stored)
    together = reduce(lambda query, other: query.union_all(other), others, first)
    charged = dict(database.execute(together).fetchall())
    groups = defaultdict(list)
    named = LicenceGroup.select().where(LicenceGroup.id.in_(list(charged)))
    for group in named.order_by(LicenceGroup.display_name, LicenceGroup.id):
        groups[charged[group.id]].append(group)
    return [
        CardOverview(card, groups[card.id][:MOST_NAMED], len(groups[card.id]) > MOST_NAMED)
        for card in stored
    ]


def _charged_to(card: Card) -> Any:
    """Return the query for the first groups that a card is charged for, each with the card's id."""
    charged = Subscription.alias()
    first = (
        charged.select(charged.group, charged.card)
        .where(charged.card == card, charged.status != SubscriptionStatus.TERMINATED)
        .order_by(charged.id)
        .limit(MOST_NAMED + 1)
    )
    return Select([first], [SQL("group_id"), SQL("card_id")])
