"""The search of the customer area: one text, and what it finds of everything the customer has.

Each kind of thing is found by an index of its own that begins with the customer, so that a search
costs the same whatever they have. Only e-mails are examined one by one, and only the newest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from peewee import SQL

from records.accounts import Account
from records.groups import GroupKey, LicenceGroup
from records.invoices import Invoice
from records.letters import Letter
from records.orders import Order
from records.seats import HAS_HOLDER, Seat, SeatKey
from shop import mail
from shop.errors import N_, Refusal
from shop.invoicing import credit_notes, invoices
from shop.orders import orders
from shop.overviews import states
from shop.text import prefix_keys
from shop.text.folding import fold

LONGEST = 100
"""The most characters of a text that is looked for."""

TOO_LONG = N_("Type at most 100 characters.")

MOST = 10
"""The most rows of a kind on the page of results."""

MOST_SUGGESTED = 4
"""The most rows of a kind while the customer types."""

KEYS_FOR_EACH = 6
"""The most keys of one licence or group that a text can begin."""

ADDRESSES_READ = 500
"""The most licences with one login that are read to find those of a domain."""

SERIES = (invoices.SERIES, credit_notes.SERIES)

_ORDER = re.compile(r"[0-9]{1,16}")
_INVOICE = re.compile(r"(FA|AV)([0-9]{0,4})(?:-?([0-9]{0,9}))?")
_YEAR = re.compile(r"20[0-9]{2}(?:-[0-9]{0,9}|[0-9]{0,9})")
_SIGN = re.compile(r"^(?:N[°ºO]\.?|NO\.|#)(?=[A-Z0-9])")


@dataclass(frozen=True)
class Found:
    """What a search found: some rows of each kind; ``cut`` names the kinds that have more."""

    people: list[Seat] = field(default_factory=list)
    groups: list[LicenceGroup] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    cut: frozenset[str] = frozenset()

    @property
    def number(self) -> int:
        """The number of rows."""
        kinds = (self.people, self.groups, self.orders, self.invoices, self.letters)
        return sum(len(rows) for rows in kinds)

    @property
    def is_cut(self) -> bool:
        """Whether there is more than these rows."""
        return bool(self.cut)

    @property
    def only_group(self) -> LicenceGroup | None:
        """The group of all the people found, if it is one."""
        groups = {seat.group.id: seat.group for seat in self.people}
        return next(iter(groups.values())) if len(groups) == 1 else None


def read_wanted(typed: str) -> str:
    """Return the text to look for. Raises `Refusal` if it is too long."""
    wanted = " ".join(typed.split())
    if len(wanted) > LONGEST:
        raise Refusal(TOO_LONG, "q")
    return wanted


def search_own_data(account: Account, wanted: str, most: int = MOST) -> Found:
    """Return what a text finds of the customer's, at most ``most`` of each kind.

    Names, subjects and numbers are found by the beginning of a word, without case and accents. At
    most five statements.
    """
    if not fold(wanted).strip(" @"):
        return Found()
    found: dict[str, list[Any]] = {
        "people": _people(account, fold(wanted), most + 1),
        "groups": _groups(account, fold(wanted), most + 1),
        "orders": _orders(account, _number(wanted), most + 1),
        "invoices": _invoices(account, _number(wanted), most + 1),
        "letters": mail.newest_found(account, wanted, most + 1),
    }
    shown = {kind: rows[:most] for kind, rows in found.items()}
    cut = frozenset(kind for kind, rows in found.items() if len(rows) > most)
    return Found(**shown, cut=cut)


def named_by(account: Account, wanted: str) -> Order | Invoice | None:
    """Return the customer's order, invoice or credit note whose number a text is (one query)."""
    number = _number(wanted)
    if _ORDER.fullmatch(number):
        return orders.find_order(account, number)
    parts = _INVOICE.fullmatch(number)
    if parts and len(parts[2]) == 4 and parts[3]:
        return invoices.find_invoice(account, f"{parts[1]}{parts[2]}-{parts[3]:0>6}")
    return None


def _number(wanted: str) -> str:
    """Return a text as numbers are written: "fa2026 - 12" is "FA2026-12"."""
    return _SIGN.sub("", "".join(wanted.split()).upper())


# --- People and groups, by keys --------------------------------------------------------------


def _people(account: Account, folded: str, most: int) -> list[Seat]:
    """Return the licences whose holder's name, login or address begins with a text."""
    local, at, domain = folded.partition("@")
    low, high = prefix_keys.range_of(local + at)
    keys = (
        SeatKey.select(SeatKey.seat)
        .where(SQL(HAS_HOLDER), SeatKey.account == account, SeatKey.key >= low, SeatKey.key < high)
        .order_by(SeatKey.key, SeatKey.seat)
        .limit(ADDRESSES_READ if domain else KEYS_FOR_EACH * most)
    )
    # Found twice, by two of its keys, a licence is one row.
    seats = (
        Seat.select(Seat, LicenceGroup)
        .join(LicenceGroup)
        .where(Seat.id.in_(keys))
        .order_by(Seat.by_last, Seat.id)
    )
    if not domain:
        return list(seats.limit(most))
    return list(_at_domain(seats, domain))[:most]


def _at_domain(seats: Iterable[Seat], domain: str) -> Iterator[Seat]:
    return (seat for seat in seats if fold(seat.group.domain).startswith(domain))


def _groups(account: Account, folded: str, most: int) -> list[LicenceGroup]:
    """Return the groups whose name has a word, or whose domain is one, that begins with a text."""
    low, high = prefix_keys.range_of(folded.removeprefix("@"))
    keys = (
        GroupKey.select(GroupKey.group)
        .where(GroupKey.account == account, GroupKey.key >= low, GroupKey.key < high)
        .order_by(GroupKey.key, GroupKey.group)
        .limit(KEYS_FOR_EACH * most)
    )
    query = LicenceGroup.select().where(LicenceGroup.id.in_(keys))
    return list(query.order_by(LicenceGroup.display_name, LicenceGroup.id).limit(most))


# --- Orders and invoices, by numbers ---------------------------------------------------------


def _orders(account: Account, number: str, most: int) -> list[Order]:
    """Return the orders whose number begins with a text, the newest first."""
    if not _ORDER.fullmatch(number):
        return []
    query = Order.select().where(Order.account == account, *_begins(Order.number, number))
    return list(states.with_confirming(query).order_by(Order.number).limit(most))


def _invoices(account: Account, number: str, most: int) -> list[Invoice]:
    """Return the invoices and credit notes whose number begins with a text, in their order."""
    beginnings = list(_beginnings(number))
    if not beginnings:
        return []
    ranges = [_all_of(_begins(Invoice.number, beginning)) for beginning in beginnings]
    matches = ranges[0] if len(ranges) == 1 else ranges[0] | ranges[1]
    query = Invoice.select().where(Invoice.account == account, matches)
    return list(query.order_by(Invoice.number).limit(most))


def _beginnings(number: str) -> Iterator[str]:
    """Yield the beginnings of numbers of invoices that a text may stand for."""
    if _YEAR.fullmatch(number):
        for series in SERIES:
            yield from _beginnings(f"{series}{number}")
    elif parts := _INVOICE.fullmatch(number):
        series, year, count = parts.groups()
        if not count:
            yield f"{series}{year}"
        elif len(year) == 4:
            yield f"{series}{year}-{count}"


def _begins(column: Any, beginning: str) -> list[Any]:
    """Return the conditions that ``column``, a number, begins with a text.

    Numbers of one kind have digits in the same places, so that every collation orders them alike.
    """
    kept = beginning.rstrip("9-")
    conditions = [column >= beginning]
    if kept:
        conditions.append(column < kept[:-1] + chr(ord(kept[-1]) + 1))
    return conditions


def _all_of(conditions: list[Any]) -> Any:
    return conditions[0] if len(conditions) == 1 else conditions[0] & conditions[1]
