"""The content of a customer's home page, with a bounded number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from records.accounts import Account
from records.groups import LicenceGroup
from records.orders import Order, OrderStatus
from records.subscriptions import Subscription
from records.terminations import Termination
from shop import clock
from shop.licences import groups as licence_groups
from shop.overviews import services, states
from shop.overviews.services import ServiceOverview
from shop.overviews.states import GivenBack, GroupState, Owed

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
    to, the next one first, the groups that need attention, errors first, the groups by name, what
    ends, the next one first, and the states of the groups by id."""

    orders: list[Order]
    renewals: list[ServiceOverview]
    needing_attention: list[LicenceGroup]
    groups: list[LicenceGroup]
    endings: list[Termination]
    given_back: list[GivenBack]
    owed: list[Owed]
    states: dict[int, GroupState]

    def to_configure(self, group: LicenceGroup) -> int:
        """Return the number of licences of a group to configure; none of those that end."""
        if any(row.group_id == group.id for row in self.endings if row.is_scheduled):
            return 0
        ending = [row.unconfigured for row in self.given_back if row.group.id == group.id]
        return max(0, group.seats_unconfigured - sum(ending))

    @property
    def to_do(self) -> bool:
        """Whether anything of the customer has a deadline or needs them."""
        dated = (self.owed, self.orders, self.renewals, self.endings, self.given_back)
        return any(dated) or any(
            each.seats_error or self.to_configure(each) for each in self.needing_attention
        )

    @property
    def is_empty(self) -> bool:
        """Whether the customer has neither open orders nor groups."""
        return not self.orders and not self.groups


def for_account(account: Account, owed: list[Owed], endings: list[Termination]) -> Overview:
    """Return the overview of one customer, with what `states` reads of them (six queries)."""
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
    shown, over = list(groups), {row.group_id for row in endings if row.is_scheduled}
    return Overview(
        orders=list(states.with_confirming(waiting)),
        renewals=_renewals(account, owed),
        needing_attention=needing_attention,
        groups=shown,
        endings=endings,
        given_back=[row for row in states.given_back_by(account) if row.group.id not in over],
        owed=owed,
        states=states.states_by(shown, owed, endings),
    )


LONGEST_PERIOD = timedelta(days=31)


def _renewals(account: Account, owed: list[Owed]) -> list[ServiceOverview]:
    """Return the services that no card is charged for, or one that expires before the renewal."""
    cards = services.renewal_cards_of(account)
    expiring = [card.id for card in cards if card.valid_until < clock.today() + LONGEST_PERIOD]
    query = services.query_of(account, clock.today()).where(
        Subscription.renews_on.is_null(False),
        Subscription.card.is_null() | Subscription.card.in_(expiring),
    )
    rows = list(query.order_by(Subscription.renews_on, Subscription.id).limit(SHOWN))
    shown = services.for_account(account, rows, cards, owed)
    return [each for each in shown if each.is_to_be_paid or each.expires_before_renewal]
