"""What a customer's home page says: bounded, however much the customer has."""

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
    """Orders that want something, newest first; groups with licences that do, errors first; and
    the customer's groups by name."""

    orders: list[Order]
    wanting: list[LicenceGroup]
    groups: list[LicenceGroup]

    @property
    def is_empty(self) -> bool:
        """Whether the customer has nothing yet."""
        return not self.orders and not self.groups


def for_account(account: Account) -> Overview:
    """The overview of one customer (three queries)."""
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
    wanting = licence_groups.groups_needing_attention(account, SHOWN)
    return Overview(list(waiting), wanting, list(groups))
