"""The content of a customer's home page, with a bounded number of rows."""

from __future__ import annotations

from dataclasses import dataclass

from records.accounts import Account
from records.groups import LicenceGroup
from records.orders import Order, OrderStatus
from shop.licences import groups as licence_groups

SHOWN = 10

OPEN_STATUSES = (
    OrderStatus.AWAITING_PAYMENT,
    OrderStatus.PAID,
    OrderStatus.DELIVERING,
    OrderStatus.DELIVERY_FAILED,
)


@dataclass(frozen=True)
class Overview:
    """The customer's open orders, newest first, the groups that need attention, errors first, and
    the groups by name."""

    orders: list[Order]
    needing_attention: list[LicenceGroup]
    groups: list[LicenceGroup]

    @property
    def is_empty(self) -> bool:
        """Whether the customer has neither open orders nor groups."""
        return not self.orders and not self.groups


def for_account(account: Account) -> Overview:
    """Return the overview of one customer (three queries)."""
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
    return Overview(list(waiting), needing_attention, list(groups))
