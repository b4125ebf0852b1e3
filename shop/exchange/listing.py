"""Lists of mailboxes: searched, sorted, in pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, fn

from records.exchange import ExchangeAccount
from shop.text.folding import fold
from shop.text.pagination import Page, page_of

BY_ADDRESS = "address"
SORTS: dict[str, Any] = {
    BY_ADDRESS: ExchangeAccount.by_address,
    "name": ExchangeAccount.by_name,
    "size": fn.COALESCE(ExchangeAccount.size_gb, 0),
}
"""What a list of mailboxes may be sorted by, by its name in the address."""


@dataclass(frozen=True)
class View:
    """How somebody looks at a list of mailboxes."""

    wanted: str = ""
    sort: str = BY_ADDRESS
    descending: bool = False
    page: int = 1


def view(wanted: str, sort: str, page: int) -> View:
    """A view as an address describes it; what makes no sense is left out."""
    name = sort.removeprefix("-")
    known = name in SORTS
    return View(
        wanted=" ".join(wanted.split())[:100],
        sort=name if known else BY_ADDRESS,
        descending=sort.startswith("-") and known,
        page=max(1, min(page, 1_000_000)),
    )


def page_of_accounts(query: ModelSelect[Any], looked: View) -> Page:
    """The page of ``query``, mailboxes of one service, that ``looked`` asks for."""
    folded = fold(looked.wanted)
    if folded:
        query = query.where(ExchangeAccount.folded.contains(folded))
    column = SORTS[looked.sort]
    first = column.desc() if looked.descending else column
    return page_of(query.order_by(first, ExchangeAccount.by_address), looked.page)
