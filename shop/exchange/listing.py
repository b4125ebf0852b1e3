"""Lists of mailboxes: search, sorting, pagination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, fn

from records.exchange import ExchangeAccount
from shop.text import folded
from shop.text.pagination import Page, page_of

BY_ADDRESS = "address"
SORTS: dict[str, Any] = {
    BY_ADDRESS: ExchangeAccount.by_address,
    "name": ExchangeAccount.by_name,
    "size": fn.COALESCE(ExchangeAccount.size_gb, 0),
}
"""The sort expressions of a list of mailboxes, by name in the URL."""


@dataclass(frozen=True)
class ListView:
    """The search, order and page of a list of mailboxes."""

    wanted: str = ""
    sort: str = BY_ADDRESS
    descending: bool = False
    page: int = 1


def read_view(wanted: str, sort: str, page: int) -> ListView:
    """Return the view of URL parameters; invalid values are replaced by defaults."""
    name = sort.removeprefix("-")
    known = name in SORTS
    return ListView(
        wanted=" ".join(wanted.split())[:100],
        sort=name if known else BY_ADDRESS,
        descending=sort.startswith("-") and known,
        page=max(1, min(page, 1_000_000)),
    )


def page_of_accounts(query: ModelSelect[Any], view: ListView) -> Page:
    """Return the page ``view`` of ``query``, a service's mailboxes."""
    if view.wanted:
        query = query.where(folded.contains(ExchangeAccount.folded, view.wanted))
    column = SORTS[view.sort]
    first = column.desc() if view.descending else column
    return page_of(query.order_by(first, ExchangeAccount.by_address), view.page)
