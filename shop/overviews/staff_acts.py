"""What can be done for a customer now, for the page of the desk that leads to its acts."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import SQL

from records.accounts import Account
from records.groups import GROUPS_OVER, GroupStatus, LicenceGroup
from records.letters import FAILED, Letter
from records.orders import Order, OrderStatus
from shop.customers import rescue, two_factor

MOST = 20
"""The newest services, orders and e-mails that are listed."""

NOT_RUNNING = {*GROUPS_OVER, GroupStatus.INSTALLING}

OPEN = (OrderStatus.AWAITING_PAYMENT, OrderStatus.DELIVERY_FAILED)


@dataclass(frozen=True)
class Possible:
    """What acts there are: on the account, its services, open orders, and e-mails not sent."""

    waits_for: str
    has_second_factor: bool
    services: list[LicenceGroup]
    orders: list[Order]
    letters: list[Letter]


def possible(account: Account) -> Possible:
    """Return what can be done for a customer."""
    running = [each for each in GroupStatus if each not in NOT_RUNNING]
    services = LicenceGroup.select().where(
        LicenceGroup.account == account, LicenceGroup.status.in_(running)
    )
    orders = Order.select().where(Order.account == account, Order.status.in_(OPEN))
    letters = Letter.select().where(Letter.account == account, SQL(FAILED))
    return Possible(
        waits_for=rescue.waits_for(account),
        has_second_factor=two_factor.is_on(account),
        services=list(services.order_by(LicenceGroup.id.desc()).limit(MOST)),
        # By an expression: found by their status, not among all by their ids.
        orders=list(orders.order_by((Order.id + 0).desc()).limit(MOST)),
        letters=list(letters.order_by(Letter.id.desc()).limit(MOST)),
    )


def find_customer(nic_handle: str) -> Account | None:
    """Return the customer of a nic-handle, or None."""
    return Account.get_or_none(Account.nic_handle == nic_handle.lower())


def find_service(name: str) -> LicenceGroup | None:
    """Return the licence group of a technical name with its customer, or None."""
    query = LicenceGroup.select(LicenceGroup, Account).join(Account)
    return query.where(LicenceGroup.name == name).first()
