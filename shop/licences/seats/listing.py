"""The seats of a group in pages, searched, filtered and sorted: at the same cost for 1 and 100,000.

How many there are is kept with the group, not counted. A page is read from an index in its order,
from whichever end is nearer; a search is one range of keys, and shows its first hits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from records.batches import in_batches
from records.groups import LicenceGroup
from records.seat_states import SeatStatus
from records.seats import Seat, SeatKey
from shop.licences.seats import search_keys
from shop.text.folding import fold
from shop.text.pagination import PER_PAGE, Page

MOST_HITS = 500
"""The most seats one search lists; somebody who finds more looks for something narrower."""

SORTS: dict[str, Any] = {
    "": Seat.number,
    "first": Seat.by_first,
    "last": Seat.by_last,
    "email": Seat.by_login,
}
"""What a list may be sorted by, by its name in the address; as the seats were made by default."""


@dataclass(frozen=True)
class View:
    """How somebody looks at a list of seats."""

    wanted: str = ""
    status: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1

    @property
    def is_narrowed(self) -> bool:
        """Whether it leaves seats out."""
        return bool(self.wanted or self.status)


def view(wanted: str, status: str, sort: str, page: int) -> View:
    """A view as an address describes it; what makes no sense is left out."""
    name = sort.removeprefix("-")
    return View(
        wanted=" ".join(wanted.split())[:100],
        status=status if status in set(SeatStatus) else "",
        sort=name if name in SORTS else "",
        descending=sort.startswith("-") and bool(name in SORTS and name),
        page=max(1, min(page, 10_000_000)),
    )


@dataclass(frozen=True)
class SeatPage(Page):
    """One page of seats; ``is_cut`` where more were found than are listed."""

    is_cut: bool = False


def page_of(group: LicenceGroup, looked: View) -> SeatPage:
    """The page of ``group`` that ``looked`` asks for, each seat with its group (two queries)."""
    if fold(looked.wanted):
        return _found(group, looked)
    counts = group.seats_by_status
    total = counts[looked.status] if looked.status else group.seats_total
    number, pages = _nearest(looked.page, total)
    numbers = _numbers(group, looked, total, (number - 1) * PER_PAGE)
    rows = {row.number: row for row in _rows(group, Seat.number.in_(numbers or [0]))}
    shown = [rows[number] for number in numbers if number in rows]
    return SeatPage(shown, number, pages, total)


def find(group: LicenceGroup, number: int) -> Seat | None:
    """The seat of a group with that number, with its group."""
    seat = Seat.get_or_none(Seat.group == group, Seat.number == number)
    if seat is not None:
        seat.group = group
    return seat


def next_free(group: LicenceGroup) -> Seat | None:
    """The seat that "Add user" configures: the unconfigured one with the lowest number (guide)."""
    if not group.is_open:
        return None
    free = Seat.select().where(Seat.group == group, Seat.status == SeatStatus.UNCONFIGURED)
    seat = free.order_by(Seat.number).first()
    if seat is not None:
        seat.group = group
    return seat


def every(group: LicenceGroup) -> Iterator[Seat]:
    """All seats of a group by their number, read in batches."""
    return in_batches(Seat.select().where(Seat.group == group), Seat.number)


def held_among(group: LicenceGroup, numbers: list[int]) -> list[Seat]:
    """Those of the numbered seats that have a holder, by their number."""
    held = Seat.login.is_null(False)
    seats = Seat.select().where(Seat.group == group, Seat.number.in_(numbers), held)
    return list(seats.order_by(Seat.number))


def _nearest(number: int, total: int) -> tuple[int, int]:
    pages = max(1, -(-total // PER_PAGE))
    return min(number, pages), pages


def _numbers(group: LicenceGroup, looked: View, total: int, offset: int) -> list[int]:
    """The seat numbers of a page, counted from the nearer end of the list."""
    limit = min(PER_PAGE, total - offset)
    if limit <= 0:
        return []
    turned = offset > total // 2
    start = total - offset - limit if turned else offset
    query = Seat.select(Seat.number).where(Seat.group == group)
    if looked.status:
        query = query.where(Seat.status == looked.status)
    query = query.order_by(*_order(looked, turned)).offset(start).limit(limit)
    numbers = [row[0] for row in cast("Any", query.tuples())]
    return numbers[::-1] if turned else numbers


def _order(looked: View, turned: bool = False) -> list[Any]:
    columns = [SORTS[looked.sort], Seat.number] if looked.sort else [Seat.number]
    return [column.desc() if looked.descending != turned else column for column in columns]


def _rows(group: LicenceGroup, condition: Any) -> Any:
    """Seats with their group, which is at hand already."""
    rows = list(Seat.select().where(Seat.group == group, condition))
    for row in rows:
        row.group = group
    return rows


def _found(group: LicenceGroup, looked: View) -> SeatPage:
    """The page of a search: its hits are found by key, then sorted as the list is."""
    hits, is_cut = _hits(group, looked)
    listed = hits[:MOST_HITS]
    number, pages = _nearest(looked.page, len(listed))
    query = Seat.select().where(Seat.id.in_(listed or [0])).order_by(*_order(looked))
    rows = list(query.paginate(number, PER_PAGE))
    for row in rows:
        row.group = group
    return SeatPage(rows, number, pages, len(listed), is_cut=is_cut)


def _hits(group: LicenceGroup, looked: View) -> tuple[list[int], bool]:
    """The seats a search finds, in the order of their keys, and whether there are more."""
    bounds = search_keys.range_of(looked.wanted, group)
    if bounds is None:
        return [], False
    query = SeatKey.select(SeatKey.seat).where(
        SeatKey.group == group, SeatKey.key >= bounds[0], SeatKey.key < bounds[1]
    )
    if looked.status:
        query = query.where(SeatKey.status == looked.status)
    # A seat may be found by several of its keys, twice as a rule.
    limit = 2 * MOST_HITS
    rows = cast("Any", query.order_by(SeatKey.key, SeatKey.seat).limit(limit).tuples())
    found = [row[0] for row in rows]
    hits = list(dict.fromkeys(found))
    return hits, len(found) == limit or len(hits) > MOST_HITS
