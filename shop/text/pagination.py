"""Pagination: the database sends only the rows of the page shown.

Numbers lead to the first `MOST_NUMBERED` rows, which are counted; from the last of them a list goes
on by its key. So each page costs the same, however long the list is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from peewee import Model, ModelSelect

from shop.parsing.numbers_and_json import read_integer
from shop.sql.few import planned_for_values
from shop.sql.prepared import Prepared

PER_PAGE = 20

MOST_NUMBERED = 1_000
"""How many rows of a list are counted, and found by the number of their page."""

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, its number from 1, the number of pages, the total of rows.

    ``goes_on_after`` is the id of its last row where the list is longer than its numbered pages and
    this is the last one of them; else None.
    """

    rows: list[Any]
    number: int
    pages: int
    total: int
    goes_on_after: int | None = None

    @property
    def has_previous(self) -> bool:
        """Whether there is a page before this one."""
        return self.number > 1

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.number < self.pages


def page_of_prepared(
    query: Prepared[Any], number: int, *given: Any, counted: Prepared[Any] | None = None,
    places: Prepared[Any] | None = None, per_page: int = PER_PAGE,
) -> Page:  # fmt: skip
    """Return what `bounded_page_of` does for a query that is built once, with its values.

    ``counted`` finds as many rows with less work, where there is such a query, and ``places`` only
    their ids: then a page goes on after the one before, and no rows are read to be left out (three
    queries). The last of the values is the id after which the query goes on.
    """

    def read(limit: int, offset: int) -> list[Any]:
        if places is None or not offset:
            return query.slice(limit, offset, *given)
        before = places.slice(1, offset - 1, *given)
        return query.slice(limit, 0, *given[:-1], before[0].id) if before else []

    def count() -> int:
        # A plan for all customers would count those of a small one among everybody's.
        with planned_for_values():
            return (counted or query).count(*given, most=MOST_NUMBERED + 1)

    return _page(read, count, number, per_page)


def bounded_page_of(query: ModelSelect[Any], number: int, per_page: int = PER_PAGE) -> Page:
    """Return page ``number`` of an ordered query, among the first `MOST_NUMBERED` rows.

    The nearest page if out of range; two queries, or one where a first page has room left.
    """
    with planned_for_values():
        return _page(
            lambda limit, offset: list(query.limit(limit).offset(offset)),
            lambda: query.order_by().limit(MOST_NUMBERED + 1).count(),
            number,
            per_page,
        )


def page_of(
    query: ModelSelect[Any], number: int, per_page: int = PER_PAGE, total: int | None = None
) -> Page:
    """Return page ``number`` of an ordered query of few rows; the nearest one if out of range.

    Two queries, or one where the ``total`` is known.
    """
    if total is None:
        total = query.count()
    number, pages = _within(number, total, per_page)
    return Page(list(query.paginate(number, per_page)), number, pages, total)


def _page(
    read: Callable[[int, int], list[Any]], count: Callable[[], int], number: int, per_page: int
) -> Page:
    """Return a page of the numbered rows, of which ``count`` may say one too many."""
    rows = read(per_page, 0) if number <= 1 else []
    if number <= 1 and len(rows) < per_page:
        return Page(rows, 1, 1, len(rows))
    counted = count()
    total = min(counted, MOST_NUMBERED)
    number, pages = _within(number, total, per_page)
    rows = rows or read(per_page, (number - 1) * per_page)
    is_longer = counted > total and number == pages and rows
    return Page(rows, number, pages, total, rows[-1].id if is_longer else None)


def _within(number: int, total: int, per_page: int) -> tuple[int, int]:
    """Return the nearest page number that there is, and the number of pages."""
    pages = max(1, -(-total // per_page))
    return min(max(1, number), pages), pages


# --- Lists that go on after the last row shown -----------------------------------------------


@dataclass(frozen=True)
class Stretch(Generic[Row]):
    """A stretch of a list; ``older`` is the key from which the next one goes on, "" at the end."""

    rows: list[Row]
    older: str = ""


def newest_first(
    query: ModelSelect[Row], key: Any, before: str = "", per_page: int = PER_PAGE
) -> Stretch[Row]:
    """Return a stretch of a list by its unique ``key``, a number, the greatest first (one query).

    It begins after the row with the key ``before``; at the beginning if that is no number.
    """
    number = read_integer(before)
    if number is not None:
        query = query.where(key < max(0, min(number, 2**31 - 1)))
    rows = list(query.order_by(key.desc()).limit(per_page + 1))
    shown = rows[:per_page]
    more = len(rows) > per_page
    return Stretch(shown, str(getattr(shown[-1], key.name)) if more else "")
