"""Licence groups as their customer looks at them: found, listed, named, described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from records.accounts import Account
from records.catalogue import Contract, Offer
from records.groups import GROUPS_OVER, Addition, GroupStatus, LicenceGroup
from records.orders import Acceptance, Order, OrderLine
from shop import transitions
from shop.errors import N_
from shop.licences.seats import search_keys
from shop.text.folding import fold
from shop.text.names import read_name

IN_MENU = 8
"""Groups the left menu names; one more says that there are more."""

MOST_ORDERS = 50
MOST_IN_LIST = 200


def find_group(account: Account, name: str) -> LicenceGroup | None:
    """The customer's own group of that technical name, with its offer."""
    found: LicenceGroup | None = _of(account).where(LicenceGroup.name == name).first()
    if found is not None:
        found.account = account
    return found


def _of(account: Account) -> ModelSelect[Any]:
    return (
        LicenceGroup.select(LicenceGroup, Offer)
        .join(Offer)
        .where(LicenceGroup.account == account)
        .order_by(LicenceGroup.display_name, LicenceGroup.id)
    )


def groups_of(order: Order) -> list[LicenceGroup]:
    """The groups an order made, in the order of its lines."""
    return list(
        LicenceGroup.select()
        .join(OrderLine)
        .where(OrderLine.order == order)
        .order_by(OrderLine.position)
    )


def in_menu(account: Account) -> list[LicenceGroup]:
    """The first groups by name that are not over, and one more than the menu shows (one query)."""
    query = (
        LicenceGroup.select(LicenceGroup.id, LicenceGroup.name, LicenceGroup.display_name)
        .where(LicenceGroup.account == account, LicenceGroup.status.not_in(GROUPS_OVER))
        .order_by(LicenceGroup.display_name, LicenceGroup.id)
    )
    return list(query.limit(IN_MENU + 1))


def listed(account: Account, wanted: str = "") -> ModelSelect[Any]:
    """Every group by name; those whose name holds ``wanted``, if given, however it is written."""
    query = _of(account)
    if not wanted:
        return query
    return query.where(LicenceGroup.folded.contains(fold(wanted)))


def wanting_attention(account: Account, limit: int) -> list[LicenceGroup]:
    """Groups with licences in error or waiting to be configured, errors first."""
    wanting = (LicenceGroup.seats_error > 0) | (LicenceGroup.seats_unconfigured > 0)
    query = (
        LicenceGroup.select()
        .where(
            LicenceGroup.account == account, LicenceGroup.status == GroupStatus.INSTALLED, wanting
        )
        .order_by(LicenceGroup.seats_error.desc(), LicenceGroup.display_name)
    )
    return list(query.limit(limit))


def orderable(account: Account, offer: str, named: str = "") -> list[LicenceGroup]:
    """Groups of an offer that licences can be added to, by name; the one named is among them."""
    query = LicenceGroup.select().where(
        LicenceGroup.account == account,
        LicenceGroup.offer == offer,
        LicenceGroup.status == GroupStatus.INSTALLED,
    )
    first = (LicenceGroup.name == named).desc()
    rows = list(query.order_by(first, LicenceGroup.display_name).limit(MOST_IN_LIST))
    return sorted(rows, key=lambda group: group.display_name.casefold())


def rename(group: LicenceGroup, typed: str, by: str) -> None:
    """Give a group another display name. Raises `Refusal` for one that is none."""
    name = read_name(typed, "display_name", missing=N_("Give the group a name."))
    if name != group.display_name:
        group.display_name = name
        group.folded = search_keys.fold_names(group)
        group.save()
        transitions.record(group, "group_renamed", by=by, note=name)


@dataclass(frozen=True)
class Origins:
    """Where a group comes from: its orders, newest first, and the contracts accepted with them."""

    orders: list[Order]
    acceptances: list[Acceptance]


def origins_of(group: LicenceGroup) -> Origins:
    """The orders that made and enlarged a group, and the acceptances of the newest version of
    each contract (three queries)."""
    added = [row[0] for row in _lines_added(group)]
    orders = list(
        Order.select()
        .join(OrderLine)
        .where(OrderLine.id.in_([group.line_id, *added]))
        .order_by(Order.id.desc())
    )
    accepted = (
        Acceptance.select(Acceptance, Contract)
        .join(Contract)
        .where(Acceptance.order.in_([order.id for order in orders]))
        .order_by(Acceptance.id)
    )
    newest: dict[tuple[str, int], Acceptance] = {}
    for row in accepted:
        newest.setdefault((row.contract.kind, row.contract.version), row)
    return Origins(orders, list(newest.values()))


def _lines_added(group: LicenceGroup) -> Any:
    query = Addition.select(Addition.line).where(Addition.group == group)
    return query.order_by(Addition.id.desc()).limit(MOST_ORDERS).tuples()
