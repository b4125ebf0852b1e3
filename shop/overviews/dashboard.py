"""The content of a customer's home page, with a bounded number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from records.accounts import Account
from records.groups import LicenceGroup
from records.orders import Order, OrderStatus
from records.subscriptions import Subscription
from shop import clock
from shop.licences import groups as licence_groups
from shop.overviews import services
from shop.overviews.services import ServiceOverview

SHOWN = 10

OPEN_STATUSES = (
    OrderStatus.AWAITING_PAYMENT,
    OrderStatus.PAID,
    OrderStatus.DELIVERING,
    OrderStatus.DELIVERY_FAILED,
)


@dataclass(frozen=True)
class Overview:
    """The customer's open orders, newest first, the services whose next renewal they have to see
    to, the next one first, the groups that need attention, errors first, and the groups by name."""

    orders: list[Order]
    renewals: list[ServiceOverview]
    needing_attention: list[LicenceGroup]
    groups: list[LicenceGroup]

    @property
    def is_empty(self) -> bool:
        """Whether the customer has neither open orders nor groups."""
        return not self.orders and not self.groups


def for_account(account: Account) -> Overview:
    """Return the overview of one customer (five queries)."""
    waiting = (
        Order.select()
        .where(Order.account == account, Order.status.in_(OPEN_STATUSES))
        .order_by(Order.id.desc())
        .limit(SHOWN)
    )
    groups = (
        LicenceGroup.select()
        .where(LicenceGroup.account == account)
        .order_by(LicenceGroup.display_name)
        .limit(SHOWN)
    )
    needing_attention = licence_groups.groups_needing_attention(account, SHOWN)
    return Overview(list(waiting), _renewals(account), needing_attention, list(groups))


LONGEST_PERIOD = timedelta(days=31)


def _renewals(account: Account) -> list[ServiceOverview]:
    """Return the services that no card is charged for, or one that expires before the renewal."""
    cards = services.renewal_cards_of(account)
    expiring = [card.id for card in cards if card.valid_until < clock.today() + LONGEST_PERIOD]
    query = services.query_of(account, clock.today()).where(
        Subscription.renews_on.is_null(False),
        Subscription.card.is_null() | Subscription.card.in_(expiring),
    )
    rows = list(query.order_by(Subscription.renews_on, Subscription.id).limit(SHOWN))
    shown = services.for_account(account, rows, cards)
    return [each for each in shown if each.is_to_be_paid or each.expires_before_renewal]
