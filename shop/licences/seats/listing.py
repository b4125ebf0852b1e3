"""The seats of a group in pages, searched, filtered and sorted, at a cost independent of their
number.

Totals come from the group's counters. A page is read from an index in its order, from the nearer
end, or from the page beside it; a search is one range of keys and shows its first hits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from peewee import SQL, ModelSelect, Tuple, fn

from records.batches import in_batches
from records.groups import LicenceGroup
from records.seat_states import SeatStatus
from records.seats import Seat, SeatKey
from shop.errors import N_, Refusal
from shop.licences.seats import search_keys
from shop.sql.few import one_of_few, planned_for_values
from shop.text.pagination import Page

MOST_KEYS = 500
"""The most keys that one search reads, one or two of each seat that it lists; the page asks to
narrow a search that finds more."""

PAGE_SIZES = (20, 50, 100)
"""The numbers of seats a page may show; the first is the default."""

MOST_AT_ONCE = 10_000
"""The most seats that one act on all of a view may concern, as many as a file may have lines."""

FAR = 10_000
"""How many seats from either end of a list a page is counted to; others follow a seat that the page
beside them showed."""

BESIDE = re.compile(r"(after|before)-([0-9]{1,9})", re.ASCII)

SORTS: dict[str, Any] = {
    "": Seat.number,
    "first": Seat.by_first,
    "last": Seat.by_last,
    "email": Seat.by_login,
}
"""The columns a list may be sorted by, by their name in the URL; by number is the default."""


@dataclass(frozen=True)
class View:
    """Search, filter, order, page and size of the pages of a list of seats."""

    wanted: str = ""
    status: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1
    per_page: int = PAGE_SIZES[0]
    beside: str = ""
    """The seat of the page beside this one that it follows, or ends before: ``after-1``."""

    @property
    def is_narrowed(self) -> bool:
        """Whether a search or a filter leaves seats out."""
        return bool(self.wanted or self.status)


def read_view(
    wanted: str, status: str, sort: str, page: int, rows: str = "", beside: str = ""
) -> View:
    """Return the view that a URL describes; invalid values are ignored."""
    name = sort.removeprefix("-")
    return View(
        wanted=" ".join(wanted.split())[:100],
        status=status if status in set(SeatStatus) else "",
        sort=name if name in SORTS else "",
        descending=sort.startswith("-") and bool(name in SORTS and name),
        page=max(1, min(page, 10_000_000)),
        per_page=next((size for size in PAGE_SIZES if str(size) == rows), PAGE_SIZES[0]),
        beside=beside if BESIDE.fullmatch(beside) else "",
    )


@dataclass(frozen=True)
class SeatPage(Page):
    """One page of seats; ``is_cut`` if more were found than are listed."""

    is_cut: bool = False
    per_page: int = PAGE_SIZES[0]
    beside: str = ""

    def way_to(self, number: int) -> str:
        """Return what the address of page ``number`` says it is beside of; "" near an end."""
        offset = (number - 1) * self.per_page
        if not self.rows or not _is_far(offset, self.total):
            return ""
        if number == self.number:
            return self.beside
        return {
            self.number + 1: f"after-{self.rows[-1].number}",
            self.number - 1: f"before-{self.rows[0].number}",
        }.get(number, "")


def page_of(group: LicenceGroup, view: View) -> SeatPage:
    """Return the page of ``group`` that ``view`` selects, each seat with its group.

    Far from both ends it is found from the page beside it; without that, the nearest page to which
    is counted is shown. Two queries, three there.
    """
    if view.wanted:
        return _search_page(group, view)
    counts = group.seats_by_status
    total = counts[view.status] if view.status else group.seats_total
    number, pages = _nearest_page(view, total)
    beside, numbers = "", list[int]()
    if _is_far((number - 1) * view.per_page, total):
        beside, numbers = view.beside, _numbers_beside(group, view)
        number = number if numbers else _nearest_counted(number, pages, view.per_page)
    numbers = numbers or _numbers(group, view, total, (number - 1) * view.per_page)
    rows = {row.number: row for row in _rows(group, Seat.number.in_(numbers or [0]))}
    shown = [rows[number] for number in numbers if number in rows]
    return SeatPage(shown, number, pages, total, per_page=view.per_page, beside=beside)


def find_seat(group: LicenceGroup, number: int) -> Seat | None:
    """Return the seat of a group by its number, with its group; None if not found."""
    seat = Seat.get_or_none(Seat.group == group, Seat.number == number)
    if seat is not None:
        seat.group = group
    return seat


def next_free(group: LicenceGroup) -> Seat | None:
    """Return the seat that "Add user" configures: the lowest unconfigured number (guide)."""
    if not group.is_open:
        return None
    free = Seat.select().where(Seat.group == group, Seat.status == SeatStatus.UNCONFIGURED)
    seat = free.order_by(Seat.number).first()
    if seat is not None:
        seat.group = group
    return seat


def all_seats(group: LicenceGroup) -> Iterator[Seat]:
    """Yield all seats of a group by number, read in batches."""
    return in_batches(Seat.select().where(Seat.group == group), Seat.number)


def selected(group: LicenceGroup, numbers: Iterable[int]) -> dict[int, Seat]:
    """Return the seats of the group with these numbers, by number."""
    wanted, found = sorted(set(numbers)), {}
    for start in range(0, len(wanted), 500):
        for row in _rows(group, Seat.number.in_(wanted[start : start + 500])):
            found[row.number] = row
    return dict(sorted(found.items()))


def numbers_in_view(group: LicenceGroup, view: View) -> list[int]:
    """Return the numbers of the seats on all pages of a view.

    Raise `Refusal` if they are more than `MOST_AT_ONCE`.
    """
    query = Seat.select(Seat.number).where(Seat.group == group)
    if view.wanted:
        query = query.where(one_of_few(Seat.id, _keys(group, view)))
    elif view.status:
        query = query.where(Seat.status == view.status)
    rows = query.order_by(Seat.number).limit(MOST_AT_ONCE + 1).tuples()
    numbers = [row[0] for row in cast("Any", rows)]
    if len(numbers) > MOST_AT_ONCE:
        raise Refusal(
            N_("At most %(most)s licences at once: narrow the list."), most=f"{MOST_AT_ONCE}"
        )
    return numbers


def numbered_seats(group: LicenceGroup, numbers: list[int]) -> Iterator[Seat]:
    """Yield the seats of the group with these numbers, by number, read in batches."""
    for start in range(0, len(numbers), 500):
        yield from selected(group, numbers[start : start + 500]).values()


def held_among(group: LicenceGroup, numbers: list[int]) -> list[Seat]:
    """Return those of the numbered seats that have a holder, by number."""
    held = Seat.login.is_null(False)
    seats = Seat.select().where(Seat.group == group, Seat.number.in_(numbers), held)
    with planned_for_values():
        return list(seats.order_by(Seat.number))


def _nearest_page(view: View, total: int) -> tuple[int, int]:
    pages = max(1, -(-total // view.per_page))
    return min(view.page, pages), pages


def _is_far(offset: int, total: int) -> bool:
    return min(offset, total - offset) > FAR


def _nearest_counted(number: int, pages: int, per_page: int) -> int:
    """Return the page nearest to page ``number`` that is not far from both ends."""
    counted = FAR // per_page
    return counted if number <= pages // 2 else pages - counted + 1


def _numbers_beside(group: LicenceGroup, view: View) -> list[int]:
    """Return the seat numbers of a page, from a seat of the page beside it; none without one."""
    given = BESIDE.fullmatch(view.beside)
    if given is None:
        return []
    reverse, number, beside = given[1] == "before", int(given[2]), Seat.alias()
    column = SORTS[view.sort]
    reached = beside.select(getattr(beside, column.name)).where(
        beside.group == group, beside.number == number
    )
    key, place = Tuple(column, Seat.number), Tuple(reached, number)
    query = Seat.select(Seat.number).where(
        Seat.group == group, key < place if view.descending != reverse else key > place
    )
    if view.status:
        query = query.where(Seat.status == view.status)
    query = query.order_by(*_order(view, reverse)).limit(view.per_page)
    numbers = [row[0] for row in cast("Any", query.tuples())]
    return numbers[::-1] if reverse else numbers


def _numbers(group: LicenceGroup, view: View, total: int, offset: int) -> list[int]:
    """Return the seat numbers of a page, read from the nearer end of the list."""
    limit = min(view.per_page, total - offset)
    if limit <= 0:
        return []
    reverse = offset > total // 2
    start = total - offset - limit if reverse else offset
    query = Seat.select(Seat.number).where(Seat.group == group)
    if view.status:
        query = query.where(Seat.status == view.status)
    query = query.order_by(*_order(view, reverse)).offset(start).limit(limit)
    numbers = [row[0] for row in cast("Any", query.tuples())]
    return numbers[::-1] if reverse else numbers


def _order(view: View, reverse: bool = False) -> list[Any]:
    columns = [SORTS[view.sort], Seat.number] if view.sort else [Seat.number]
    return [column.desc() if view.descending != reverse else column for column in columns]


def _rows(group: LicenceGroup, condition: Any) -> Any:
    """Return seats of a group, with the group attached without a query."""
    with planned_for_values():
        rows = list(Seat.select().where(Seat.group == group, condition))
    for row in rows:
        row.group = group
    return rows


def _search_page(group: LicenceGroup, view: View) -> SeatPage:
    """Return the page of a search: seats are found by key, then sorted as the view asks."""
    keys = _keys(group, view)
    found = keys.alias("found")
    counts = found.select_from(fn.COUNT(found.c.seat_id.distinct()), fn.COUNT(SQL("1")))
    total, read = counts.scalar(as_tuple=True)
    number, pages = _nearest_page(view, total)
    query = Seat.select().where(one_of_few(Seat.id, keys)).order_by(*_order(view))
    rows = list(query.paginate(number, view.per_page)) if total else []
    for row in rows:
        row.group = group
    return SeatPage(rows, number, pages, total, is_cut=read == MOST_KEYS)


def _keys(group: LicenceGroup, view: View) -> ModelSelect[Any]:
    """Return the query for the seats that a search finds, by their keys, of which several match."""
    low, high = search_keys.key_range(view.wanted, group)
    query = SeatKey.select(SeatKey.seat).where(
        SeatKey.group == group, SeatKey.key >= low, SeatKey.key < high
    )
    if view.status:
        query = query.where(SeatKey.status == view.status)
    return query.order_by(SeatKey.key, SeatKey.seat).limit(MOST_KEYS)
