"""The history of a licence group for its customer: what happened, with which licence, by whom.

It reads the audit log. What staff wrote, and the steps between a request and its outcome, are not
told; `records.group_history.TOLD` names the events that are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from peewee import SQL, ModelSelect

from records.batches import in_batches
from records.events import NOT_OF_PEOPLE, Event
from records.groups import LicenceGroup
from records.seats import Seat
from records.terminations import GiveBack
from shop.errors import N_
from shop.parsing.numbers_and_json import read_integer
from shop.sql.few import one_of_few, planned_for_values
from shop.text.pagination import newest_first

WORDS: dict[str, str] = {
    "seat_activating": N_("Licence configured"),
    "seat_updating": N_("Person’s details changed"),
    "seat_updating password": N_("Password replaced"),
    "seat_releasing": N_("Licence released"),
    "seat_error": N_("Refused by the provider"),
    "import_running": N_("Licences configured from a file"),
    "import_done": N_("File processed"),
    "addition_held": N_("Licences ordered"),
    "addition_installed": N_("Licences added"),
    "addition_failed": N_("Licences could not be added"),
    "addition_freed": N_("Order of licences given up"),
    "give_back_scheduled": N_("Licence given back"),
    "give_back_undone": N_("Licence kept after all"),
    "give_back_done": N_("Licence removed"),
    "give_back_withdrawn": N_("Licence given back by a withdrawal"),
    "group_installed": N_("Service installed"),
    "group_installed suspended": N_("Service resumed"),
    "group_install_failed": N_("Installation failed"),
    "group_suspended": N_("Service suspended"),
    "group_suspended unpaid": N_("Service suspended: a renewal is not paid"),
    "group_renamed": N_("Group renamed"),
    "group_terminated": N_("Service ended"),
    "group_cancelled": N_("Installation cancelled"),
    "termination_scheduled": N_("Termination of the service confirmed"),
    "termination_undone": N_("Termination of the service undone"),
    "termination_by_operator": N_("Service ended by customer service"),
    "termination_withdrawal": N_("Withdrawal from the service"),
}
"""What happened (``msgid``), by the event's name, with its note or the status before where that
makes a difference.
"""

COUNTED = ("addition", "import")
"""The subjects whose number counts licences; that of the others names one."""


class Kind(StrEnum):
    """The kinds of events that the history can be limited to."""

    ALL = ""
    PEOPLE = "people"
    SERVICE = "service"


class Actor(StrEnum):
    """Who did something: the customer, customer service, or nobody (the shop and its parties)."""

    CUSTOMER = "customer"
    STAFF = "staff"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Entry:
    """Something that happened with a group. ``what`` is a sentence (``msgid``); ``licence`` is the
    number of the licence it happened to, or ``count`` how many; ``nic_handle`` is the customer's.
    """

    at: datetime
    what: str
    actor: Actor
    nic_handle: str = ""
    licence: int | None = None
    count: int | None = None
    person: str = ""
    login: str = ""
    note: str = ""


@dataclass(frozen=True)
class View:
    """What to show of a history: a kind of events, or those of one licence, from ``before`` on."""

    kind: Kind = Kind.ALL
    licence: int | None = None
    before: str = ""


@dataclass(frozen=True)
class History:
    """A page of a history, newest first; ``older`` continues it, "" at the end.

    ``licences`` are the numbers of those of its licences that the group still has.
    """

    entries: list[Entry]
    older: str
    licences: frozenset[int]


def read_view(kind: str, licence: str, before: str) -> View:
    """Return the view that the arguments of an address ask for; invalid ones count as left out."""
    number = read_integer(licence, 1, 10**9 - 1)
    chosen = Kind(kind) if number is None and kind in tuple(Kind) else Kind.ALL
    return View(chosen, number, before)


def of_group(group: LicenceGroup, view: View) -> History:
    """Return a page of the history of a group; at most three statements."""
    found = newest_first(_events(group, view), Event.id, view.before)
    entries = [_entry(event) for event in found.rows]
    return History(entries, found.older, _alive(group, entries))


def whole(group: LicenceGroup, view: View) -> Iterator[Entry]:
    """Yield all entries that a view shows, oldest first, in bounded memory."""
    return (_entry(event) for event in in_batches(_events(group, view), Event.id))


def _events(group: LicenceGroup, view: View) -> ModelSelect[Event]:
    query = Event.select()
    if view.kind == Kind.SERVICE:
        query = query.where(SQL(NOT_OF_PEOPLE))
    elif view.kind == Kind.PEOPLE:
        query = query.where(Event.subject.in_([Seat.event_subject, "import"]))
    if view.licence is not None:
        query = query.where(_of_licence(group, view.licence))
    return query.where(SQL("group_id IS NOT NULL"), Event.group_id == group.id)


def _of_licence(group: LicenceGroup, number: int) -> Any:
    """Return the condition for the events of a licence that the group still has."""
    seat = Seat.select(Seat.id).where(Seat.group == group, Seat.number == number)
    given_back = GiveBack.select(GiveBack.id).where(GiveBack.seat == seat)
    own, back = Event.alias(), Event.alias()
    of_seat = own.select(own.id).where(own.subject == Seat.event_subject, own.subject_id == seat)
    of_return = back.select(back.id).where(
        back.subject == GiveBack.event_subject, back.subject_id.in_(given_back)
    )
    # Few of the group's events: an OR would read them all.
    return one_of_few(Event.id, of_seat.union_all(of_return))


def _entry(event: Event) -> Entry:
    actor = _actor(event.by)
    is_counted = event.subject in COUNTED
    return Entry(
        at=event.at,
        what=_what(event),
        actor=actor,
        nic_handle=event.by if actor is Actor.CUSTOMER else "",
        licence=None if is_counted else event.number,
        count=event.number if is_counted else None,
        person=event.person,
        login=event.login,
        note=event.note if event.name == "group_renamed" else "",
    )


def _what(event: Event) -> str:
    exact = (f"{event.name} {event.note}", f"{event.name} {event.from_status}", event.name)
    return next((WORDS[name] for name in exact if name in WORDS), event.name)


def _actor(by: str) -> Actor:
    if by == "operator" or by.startswith("staff:"):
        return Actor.STAFF
    return Actor.NOBODY if by in {"shop", "provider", "bank", ""} else Actor.CUSTOMER


def _alive(group: LicenceGroup, entries: list[Entry]) -> frozenset[int]:
    numbers = {entry.licence for entry in entries if entry.licence is not None}
    if not numbers:
        return frozenset()
    query = Seat.select(Seat.number).where(Seat.group == group, Seat.number.in_(sorted(numbers)))
    with planned_for_values():
        return frozenset(row[0] for row in cast("Any", query.tuples()))
