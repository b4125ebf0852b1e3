"""Pagination: the database sends only the rows of the page shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from shop.prepared import Prepared

PER_PAGE = 20


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, its number from 1, the number of pages, the total of rows."""

    rows: list[Any]
    number: int
    pages: int
    total: int

    @property
    def has_previous(self) -> bool:
        """Whether there is a page before this one."""
        return self.number > 1

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.number < self.pages


def page_of_prepared(
    query: Prepared[Any], number: int, *given: Any, per_page: int = PER_PAGE
) -> Page:
    """Return what `page_of` does for a query that is built once, with its parameters' values."""
    total = query.count(*given)
    number, pages = _within(number, total, per_page)
    return Page(query.slice(per_page, (number - 1) * per_page, *given), number, pages, total)


def page_of(query: ModelSelect[Any], number: int, per_page: int = PER_PAGE) -> Page:
    """Return page ``number`` of an ordered query (two queries); the nearest one if out of range."""
    total = query.count()
    number, pages = _within(number, total, per_page)
    return Page(list(query.paginate(number, per_page)), number, pages, total)


def _within(number: int, total: int, per_page: int) -> tuple[int, int]:
    """Return the nearest page number that there is, and the number of pages."""
    pages = max(1, -(-total // per_page))
    return min(max(1, number), pages), pages
