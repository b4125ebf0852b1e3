"""Queries for a customer's licence groups, their names, orders and contracts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, Tuple, fn

from records.accounts import Account
from records.base import database
from records.catalogue import Contract, Offer
from records.groups import Addition, GroupKey, GroupStatus, LicenceGroup
from records.orders import Acceptance, Order, OrderLine
from shop import transitions
from shop.errors import N_
from shop.licences import group_keys
from shop.licences.seats import search_keys
from shop.sql.few import one_of_few
from shop.sql.prepared import prepared
from shop.text import folded, prefix_keys
from shop.text.folding import fold
from shop.text.names import read_name

MOST_READ = 200
"""How many groups a search reads through, and how many more it finds by their keys."""

MOST_ORDERS = 50
MOST_IN_LIST = 200


def find_group(account: Account, name: str) -> LicenceGroup | None:
    """Return the customer's group with that technical name, and its offer; None if not found."""
    found: LicenceGroup | None = (
        _groups_of_account(account).where(LicenceGroup.name == name).first()
    )
    if found is not None:
        found.account = account
    return found


def _groups_of_account(account: Account) -> ModelSelect[Any]:
    return _by_name().where(LicenceGroup.account == account)


def _by_name() -> ModelSelect[Any]:
    query = LicenceGroup.select(LicenceGroup, Offer).join(Offer)
    return query.order_by(LicenceGroup.display_name, LicenceGroup.id)


def groups_of(order: Order) -> list[LicenceGroup]:
    """Return the groups that an order created, in the order of its lines."""
    return _of_order.rows(order)


@prepared
def _of_order(order: Order) -> ModelSelect[LicenceGroup]:
    return (
        LicenceGroup.select()
        .join(OrderLine)
        .where(OrderLine.order == order)
        .order_by(OrderLine.position)
    )


def search_groups(account: Account, wanted: str) -> ModelSelect[Any]:
    """Return the query for the customer's groups whose name contains a text, by name.

    Case and accents make no difference. Only the `MOST_READ` newest groups are read through; of
    the others those are found whose name has a word that begins with the text.
    """
    low, high = prefix_keys.range_of(fold(wanted))
    read, known = LicenceGroup.alias(), LicenceGroup.alias()
    newest = read.select(read.id, read.folded).where(read.account == account)
    newest = newest.order_by(read.id.desc()).limit(MOST_READ).alias("newest")
    keys = GroupKey.select(GroupKey.group).where(
        GroupKey.account == account, GroupKey.key >= low, GroupKey.key < high
    )
    keys = keys.order_by(GroupKey.key, GroupKey.group).limit(MOST_READ)
    containing = newest.select_from(newest.c.id).where(folded.contains(newest.c.folded, wanted))
    beginning = known.select(known.id).where(known.id.in_(keys))
    # Both find groups of the account alone: named again, it would have SQLite look at all of them.
    return _by_name().where(one_of_few(LicenceGroup.id, containing.union(beginning)))


@prepared
def groups_by_name(account: Account, after: int | None = None) -> ModelSelect[LicenceGroup]:
    """Return the query for the customer's groups by name, for its pages.

    ``after`` is the id of the group after which it goes on.
    """
    return _after(_groups_of_account(account), account, after)


@prepared
def counted(account: Account, after: int | None = None) -> ModelSelect[LicenceGroup]:
    """Return a query that finds as many rows as `groups_by_name`."""
    query = LicenceGroup.select(LicenceGroup.id).where(LicenceGroup.account == account)
    return _after(query.order_by(LicenceGroup.display_name, LicenceGroup.id), account, after)


def _after(query: ModelSelect[Any], account: Account, after: int | None) -> ModelSelect[Any]:
    """Return a query of groups by name that goes on after a group."""
    if after is None:
        return query
    reached = LicenceGroup.alias()
    name = reached.select(reached.display_name).where(
        reached.account == account, reached.id == after
    )
    return query.where(Tuple(LicenceGroup.display_name, LicenceGroup.id) > Tuple(name, after))


def groups_open_to_additions(account: Account, offer: str, named: str = "") -> list[LicenceGroup]:
    """Return groups of an offer that licences can be added to, by name.

    The group named ``named`` is always included, even if there are more than `MOST_IN_LIST`.
    """
    query = _groups_of_account(account).where(
        LicenceGroup.offer == offer, LicenceGroup.status == GroupStatus.INSTALLED
    )
    rows = list(query.order_by(LicenceGroup.display_name).limit(MOST_IN_LIST))
    if named and all(group.name != named for group in rows):
        rows.extend(query.where(LicenceGroup.name == named))
    return sorted(rows, key=lambda group: group.display_name.casefold())


def offers_open_to_additions(account: Account, among: Iterable[str]) -> set[str]:
    """Return those of the offers ``among`` of which the customer has a group to add licences to."""
    codes = list(among)
    if not codes:
        return set()
    there = LicenceGroup.select(LicenceGroup.id).where(
        LicenceGroup.account == account,
        LicenceGroup.offer == Offer.code,
        LicenceGroup.status == GroupStatus.INSTALLED,
    )
    rows: Any = Offer.select(Offer.code).where(Offer.code.in_(codes), fn.EXISTS(there)).tuples()
    return {code for (code,) in rows}


def rename(group: LicenceGroup, typed: str, by: str) -> None:
    """Change the display name of a group. Raises `Refusal` if the name is not valid."""
    name = read_name(typed, "display_name", missing=N_("Give the group a name."))
    if name != group.display_name:
        group.display_name = name
        group.folded = search_keys.fold_names(group)
        with database.atomic():
            group.save()
            group_keys.replace(group)
            transitions.record(group, "group_renamed", by=by, note=name)


@dataclass(frozen=True)
class Origins:
    """The orders of a group, newest first, and the contracts accepted with them."""

    orders: list[Order]
    acceptances: list[Acceptance]


def origins_of(group: LicenceGroup) -> Origins:
    """Return the orders that created and enlarged a group, and the accepted contracts.

    Of each version of a contract only the first acceptance. Three queries.
    """
    added = [row[0] for row in _added_lines_of(group)]
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


def _added_lines_of(group: LicenceGroup) -> Any:
    query = Addition.select(Addition.line).where(Addition.group == group)
    return query.order_by(Addition.id.desc()).limit(MOST_ORDERS).tuples()
