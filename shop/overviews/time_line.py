"""Everything that happened with a customer, in one time line: what, when, and who did it.

It is merged of the events of all that they own, their account's own events, and the notes and acts
of members of staff; each is read from an index, so that a page costs the same whatever came before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from heapq import merge
from typing import Any

from peewee import SQL, Cast, Model, Value, fn

from records.accounts import Account
from records.cards import Card
from records.disputes import Dispute
from records.events import Event
from records.groups import Addition, LicenceGroup
from records.imports import SeatImport
from records.invoices import Invoice
from records.letters import Letter
from records.notes import CustomerNote
from records.orders import Order
from records.payments import Payment
from records.refunds import Refund
from records.seats import Seat
from records.security import AccountEvent
from records.staff import StaffAct
from records.subscriptions import CARD_ALLOWED, CARD_WITHDRAWN, Subscription
from records.terminations import GiveBack, Termination
from shop.customers import activity_log
from shop.overviews import event_words

PER_PAGE = 25

ACT = "act"
"""The subject of entries that are acts of members of staff; ``what`` is then the act's kind."""

CURSOR = re.compile(r"(\d{1,18})-(\d{1,18})-(\d{1,18})-(\d{1,18})", re.ASCII)

SHOWN_AS_ACTS = ("seen_by_staff",)
"""Events of an account that an act of a member of staff tells of, too."""

NAMES_A_CARD = {CARD_ALLOWED, CARD_WITHDRAWN}
"""Events whose note is the number of a card, which tells a reader nothing."""


@dataclass(frozen=True)
class Thing:
    """What an event is about: its name, and the page that shows it (``kind`` and ``key``)."""

    text: str
    kind: str = ""
    key: str = ""


@dataclass(frozen=True)
class Entry:
    """Something that happened. ``what`` is a sentence (``msgid``), ``by`` who did it, "" if that
    is not known; ``subject`` names the kind of ``thing``, and ``ip_address`` and ``browser`` where
    a request came from.
    """

    at: datetime
    subject: str
    what: str
    by: str
    note: str = ""
    ip_address: str = ""
    browser: str = ""
    thing: Thing | None = None
    is_alarming: bool = False
    is_worded: bool = False
    """Whether ``note`` is a sentence of ours (``msgid``)."""


@dataclass(frozen=True)
class TimeLine:
    """A page of entries, newest first; ``older`` continues it, "" at the end."""

    entries: list[Entry]
    older: str = ""


@dataclass(frozen=True)
class _Read:
    """A row of one of the sources, and where the source goes on after it."""

    source: int
    row: Any

    @property
    def newest_first(self) -> float:
        return -float(self.row.at.timestamp())


def of_account(account: Account, older: str = "", size: int = PER_PAGE) -> TimeLine:
    """Return a page of a customer's time line: the newest entries, or those from ``older`` on.

    Five statements.
    """
    reached = [int(number) for number in _read_cursor(older)]
    read = [
        [_Read(place, row) for row in _rows(source, account, below, size + 1)]
        for place, (source, below) in enumerate(zip(SOURCES, reached, strict=True))
    ]
    merged = list(merge(*read, key=lambda each: each.newest_first))
    shown = merged[:size]
    for each in shown:
        reached[each.source] = each.row.id
    things = _things([each.row for each in shown if isinstance(each.row, Event)])
    entries = [_entry(each.row, account, things) for each in shown]
    return TimeLine(entries, "-".join(map(str, reached)) if len(merged) > size else "")


SOURCES: tuple[Any, ...] = (Event, AccountEvent, CustomerNote, StaffAct)
AT_THE_END = 10**17
"""More than any id: where a time line begins."""


def _read_cursor(older: str) -> tuple[Any, ...]:
    found = CURSOR.fullmatch(older)
    return found.groups() if found else (AT_THE_END,) * len(SOURCES)


def _rows(source: Any, account: Account, below: int, limit: int) -> list[Any]:
    owner = source.account_id if source is Event else source.account
    query = source.select().where(owner == account.id)
    if source is AccountEvent:
        query = query.where(AccountEvent.kind.not_in(SHOWN_AS_ACTS))
    if below < AT_THE_END:
        query = query.where(source.id < below)
    return list(query.order_by(source.id.desc()).limit(limit))


# --- Entries ---------------------------------------------------------------------------------


def _entry(row: Any, account: Account, things: dict[tuple[str, int], Thing]) -> Entry:
    if isinstance(row, CustomerNote):
        return Entry(row.at, "note", "", row.by, note=row.text)
    if isinstance(row, StaffAct):
        return Entry(row.at, ACT, row.kind, row.by, note=row.reason)
    if isinstance(row, AccountEvent):
        return _of_account(row, account)
    return Entry(
        row.at,
        row.subject,
        event_words.EVENTS.get(row.name, row.name),
        row.by,
        note="" if row.name in NAMES_A_CARD else row.note,
        thing=things.get((row.subject, row.subject_id)),
    )


def _of_account(row: AccountEvent, account: Account) -> Entry:
    entry = Entry(
        row.at,
        "account",
        activity_log.DESCRIPTIONS.get(row.kind, row.kind),
        account.nic_handle,
        note=row.note,
        ip_address=row.ip_address,
        browser=row.browser,
        is_alarming=row.kind in activity_log.ALARMING,
    )
    if row.kind == "signed_in":
        means = activity_log.SIGN_IN_METHODS.get(row.note, row.note)
        return replace(entry, note=means, is_worded=True)
    if row.kind in event_words.BY_STAFF:
        return replace(entry, by="operator")
    return replace(entry, by="") if row.kind in event_words.BY_STRANGERS else entry


# --- What events are about -------------------------------------------------------------------


def _things(events: list[Event]) -> dict[tuple[str, int], Thing]:
    wanted: dict[str, set[int]] = {}
    for event in events:
        wanted.setdefault(event.subject, set()).add(event.subject_id)
    return things_of(wanted)


def things_of(wanted: dict[str, set[int]]) -> dict[tuple[str, int], Thing]:
    """Return what events are about, by one statement: a query for each kind, together.

    ``wanted`` are the numbers of each subject.
    """
    queries = [
        query
        for subject, ids in wanted.items()
        if subject in THINGS
        for query in THINGS[subject](subject, ids)
    ]
    if not queries:
        return {}
    together = reduce(lambda query, other: query.union_all(other), queries)
    return {
        (subject, number): Thing(text, kind, key)
        for subject, number, text, kind, key in together.tuples()
    }


def _selected(
    query: Any, subject: str, ids: set[int], table: type[Model], text: Any, kind: str, key: Any
) -> Any:
    of_subject: Any = table
    columns = (_word(subject), of_subject.id, text, _word(kind), key)
    return query.select(*columns).where(of_subject.id.in_(sorted(ids)))


def _word(word: str) -> Any:
    """Return a word as a column, of which databases know that it is text."""
    return Cast(Value(word), "VARCHAR(16)")


def _orders(subject: str, ids: set[int]) -> Iterator[Any]:
    number = Order.number
    yield _selected(Order.select(), subject, ids, Order, number, "order", number)


def _invoices(subject: str, ids: set[int]) -> Iterator[Any]:
    number = Invoice.number
    yield _selected(Invoice.select(), subject, ids, Invoice, number, "invoice", number)


def _letters(subject: str, ids: set[int]) -> Iterator[Any]:
    number = Letter.id.cast("VARCHAR(20)")
    yield _selected(Letter.select(), subject, ids, Letter, Letter.subject, "letter", number)


def _cards(subject: str, ids: set[int]) -> Iterator[Any]:
    yield _selected(Card.select(), subject, ids, Card, Card.last4, "", SQL("''"))


def _groups(subject: str, ids: set[int]) -> Iterator[Any]:
    text = LicenceGroup.display_name
    yield _selected(LicenceGroup.select(), subject, ids, LicenceGroup, text, "group",
                    LicenceGroup.name)  # fmt: skip


def _seats(subject: str, ids: set[int]) -> Iterator[Any]:
    address = Seat.login.concat("@").concat(LicenceGroup.domain)
    text = fn.COALESCE(address, LicenceGroup.display_name)
    yield _selected(Seat.select().join(LicenceGroup), subject, ids, Seat, text, "group",
                    LicenceGroup.name)  # fmt: skip


def _of_group(table: Any) -> Callable[[str, set[int]], Iterator[Any]]:
    def queries(subject: str, ids: set[int]) -> Iterator[Any]:
        query = table.select().join(LicenceGroup)
        text = LicenceGroup.display_name
        yield _selected(query, subject, ids, table, text, "group", LicenceGroup.name)

    return queries


def _of_payment(table: Any) -> Callable[[str, set[int]], Iterator[Any]]:
    """Return the function for rows of payments: what is paid is an order or an invoice."""

    def queries(subject: str, ids: set[int]) -> Iterator[Any]:
        for paid, kind in ((Order, "order"), (Invoice, "invoice")):
            query = table.select() if table is Payment else table.select().join(Payment)
            query = query.join_from(Payment, paid)
            yield _selected(query, subject, ids, table, paid.number, kind, paid.number)

    return queries


THINGS: dict[str, Callable[[str, set[int]], Iterator[Any]]] = {
    "order": _orders,
    "invoice": _invoices,
    "letter": _letters,
    "card": _cards,
    "group": _groups,
    "seat": _seats,
    **{table.event_subject: _of_group(table)
       for table in (Addition, SeatImport, Subscription, Termination, GiveBack)},
    **{table.event_subject: _of_payment(table) for table in (Payment, Refund, Dispute)},
}  # fmt: skip
"""The queries for what events of each subject are about: subject, id, text, kind and key."""
