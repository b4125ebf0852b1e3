"""What the left menu of the customer area shows of an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import SQL, Select, Value

from records.accounts import Account
from records.exchange import ExchangeService
from records.groups import GROUPS_OVER, LicenceGroup
from shop.sql.prepared import prepared

MOST = 8
"""The most services and the most groups that it shows. One more of each is read, to know whether
there are more."""

SERVICE, GROUP = 0, 1
"""What a row of the query is, and in what order they come."""


@dataclass(frozen=True)
class Menu:
    """The first Exchange services by name; the first groups that have not ended by their shown
    name, each by its technical name and the shown one."""

    services: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]


def of_account(account: Account) -> Menu:
    """Return the menu of a customer. One query."""
    rows = _entries.tuples(account)
    services = tuple(name for kind, name, _ in rows if kind == SERVICE)
    return Menu(services, tuple((name, shown) for kind, name, shown in rows if kind == GROUP))


@prepared
def _entries(account: Account) -> Any:
    services = (
        ExchangeService.select(Value(SERVICE).alias("kind"), ExchangeService.name,
                               ExchangeService.name.alias("shown"), ExchangeService.id)
        .where(ExchangeService.account == account)
        .order_by(ExchangeService.name)
        .limit(MOST + 1)
    )  # fmt: skip
    groups = (
        LicenceGroup.select(Value(GROUP).alias("kind"), LicenceGroup.name,
                            LicenceGroup.display_name.alias("shown"), LicenceGroup.id)
        .where(LicenceGroup.account == account, LicenceGroup.status.not_in(GROUPS_OVER))
        .order_by(LicenceGroup.display_name, LicenceGroup.id)
        .limit(MOST + 1)
    )  # fmt: skip
    first, second = services.alias("s"), groups.alias("g")
    every = Select([first], [SQL("*")]).union_all(Select([second], [SQL("*")])).alias("e")
    ordered = Select([every], [every.c.kind, every.c.name, every.c.shown])
    return ordered.order_by(every.c.kind, every.c.shown, every.c.id)
