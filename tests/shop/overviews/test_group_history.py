"""The history of a licence group: who did what with which licence, and for how long names stay."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from models import Account, Event, LicenceGroup, database
from records.group_history import TOLD
from shop.licences import groups as licence_groups
from shop.licences import seats
from shop.licences.seats import import_preview
from shop.overviews import group_history
from shop.overviews.group_history import Actor, Entry, Kind, View
from shop.personal_data import retention
from shop.subscriptions import give_backs, interventions
from tests.support import groups, purchases, queries, running
from tests.support.groups import CAMILLE, ZOE
from tests.support.parties import Bank, Provider

Drain = Callable[[], int]


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank)


EVERYTHING = View()


def told(group: LicenceGroup, view: View = EVERYTHING) -> list[tuple[str, Actor, int | None, str]]:
    """Return what a page of the history says, newest first."""
    entries = group_history.of_group(group, view).entries
    return [(entry.what, entry.actor, entry.licence, entry.login) for entry in entries]


def pages_of(group: LicenceGroup, kind: Kind = Kind.ALL) -> Iterator[Entry]:
    before = ""
    while True:
        page = group_history.of_group(group, View(kind, before=before))
        yield from page.entries
        if not page.older:
            return
        before = page.older


def test_the_history_says_who_did_what_with_whose_licence(
    group: LicenceGroup, drain: Drain
) -> None:
    seat = groups.configured(group, person=CAMILLE)
    seats.edit(seat, seat.version, ZOE, by="bob")
    drain()
    seat = groups.fresh(seat)
    seats.change_password(seat, seat.version, "", by="alice")
    drain()
    seat = groups.fresh(seat)
    seats.release(seat, seat.version, by="alice")
    drain()
    customer = Actor.CUSTOMER
    assert told(group) == [
        ("Licence released", customer, 1, "zoe"),
        ("Password replaced", customer, 1, "zoe"),
        ("Person’s details changed", customer, 1, "zoe"),
        ("Licence configured", customer, 1, "camille.dupont"),
        ("Service installed", Actor.NOBODY, None, ""),
    ]
    changed = group_history.of_group(group, View()).entries[2]
    assert (changed.person, changed.nic_handle) == ("Zoé Lefèvre-Ñandú", "bob")


def test_what_customer_service_did_is_told_without_its_reason(
    group: LicenceGroup, drain: Drain
) -> None:
    interventions.suspend(groups.fresh(group), "Mme Dupont ne répond pas.", by="staff:sam")
    interventions.resume(groups.fresh(group), "Elle a rappelé.", by="staff:sam")
    page = group_history.of_group(group, View(Kind.SERVICE))
    assert [(entry.what, entry.actor, entry.note, entry.nic_handle) for entry in page.entries] == [
        ("Service resumed", Actor.STAFF, "", ""),
        ("Service suspended", Actor.STAFF, "", ""),
        ("Service installed", Actor.NOBODY, "", ""),
    ]


def test_licences_ordered_given_back_and_kept_stand_in_it_and_another_name(
    group: LicenceGroup, bank: Bank, drain: Drain
) -> None:
    nic_handle = group.account.nic_handle
    purchases.pay(groups.add(group, 2), bank)
    drain()
    give_backs.give_back_seats(groups.fresh(group), [2], by=nic_handle)
    give_backs.undo(groups.fresh(group), [2], by=nic_handle)
    licence_groups.rename(groups.fresh(group), "Atelier", by=nic_handle)
    page = group_history.of_group(group, View())
    assert [(entry.what, entry.licence, entry.count, entry.note) for entry in page.entries] == [
        ("Group renamed", None, None, "Atelier"),
        ("Licence kept after all", 2, None, ""),
        ("Licence given back", 2, None, ""),
        ("Licences added", None, 2, ""),
        ("Licences ordered", None, 2, ""),
        ("Service installed", None, None, ""),
    ]
    assert page.entries[4].nic_handle == nic_handle
    assert page.licences == {2}


def test_an_import_tells_how_many_and_each_of_its_licences_whose(
    group: LicenceGroup, drain: Drain
) -> None:
    made = import_preview.prepare_import(group, "people.csv", b"Zoe,Moreau,zoe\nLou,Petit,lou\n")
    import_preview.start_import(made, by="alice")
    drain()
    entries = list(pages_of(group, Kind.PEOPLE))
    counts = [(entry.what, entry.count) for entry in entries if entry.count]
    assert counts == [("File processed", 2), ("Licences configured from a file", 2)]
    assert {(entry.person, entry.login) for entry in entries if entry.licence} == {
        ("Zoe Moreau", "zoe"), ("Lou Petit", "lou"),
    }  # fmt: skip


def test_the_history_of_one_licence_leaves_out_the_others(
    group: LicenceGroup, drain: Drain
) -> None:
    groups.configured(group, 1, CAMILLE)
    groups.configured(group, 2, ZOE)
    give_backs.give_back_seats(groups.fresh(group), [2], by="alice")
    said = [(what, licence) for what, _, licence, _ in told(group, View(licence=2))]
    assert said == [("Licence given back", 2), ("Licence configured", 2)]
    assert told(group, View(licence=9)) == []


def test_pages_follow_each_other_without_gap_and_read_no_whole_table(
    group: LicenceGroup, drain: Drain
) -> None:
    for number in range(24):
        licence_groups.rename(groups.fresh(group), f"Nom {number}", by="alice")
    groups.configured(group)
    whole = list(group_history.whole(group, View()))
    assert list(pages_of(group)) == whole[::-1]
    assert len(whole) == 26
    assert [entry.what for entry in pages_of(group, Kind.PEOPLE)] == ["Licence configured"]
    assert len(list(pages_of(group, Kind.SERVICE))) == 25
    for view in (View(), View(Kind.PEOPLE), View(Kind.SERVICE), View(licence=1)):
        read = lambda view=view: group_history.of_group(group, view)  # noqa: E731
        assert queries.scanned_by(read) == [], view
        with queries.recorded() as statements:
            read()
        assert len(statements) <= 2, view


def test_an_address_that_asks_for_nothing_known_shows_everything() -> None:
    assert group_history.read_view("x", "-1", "y") == View(Kind.ALL, None, "y")
    assert group_history.read_view("people", "", "") == View(Kind.PEOPLE)
    assert group_history.read_view("people", "3", "12") == View(Kind.ALL, 3, "12")


def test_every_event_of_a_history_has_words_and_every_word_an_event() -> None:
    assert {name.split()[0] for name in group_history.WORDS} == TOLD


def test_the_names_of_people_go_from_a_history_after_a_year(
    group: LicenceGroup, drain: Drain
) -> None:
    groups.configured(group, 1, CAMILLE)
    running.move_on(timedelta(days=200))
    groups.configured(group, 2, ZOE)
    running.move_on(timedelta(days=164))
    assert retention.run_retention()["histories"] == 0
    running.move_on(timedelta(days=2))
    assert retention.run_retention()["histories"] == 1
    assert [entry.login for entry in pages_of(group, Kind.PEOPLE)] == ["zoe", ""]
    assert retention.run_retention()["histories"] == 0


def test_the_names_of_people_go_from_a_history_thirty_days_after_its_end(
    group: LicenceGroup, drain: Drain
) -> None:
    groups.configured(group, 1, CAMILLE)
    interventions.end_service(groups.fresh(group), "Fini", by="operator")
    drain()
    assert Event.select().where(Event.person != "").exists()
    running.move_on(timedelta(days=31))
    retention.run_retention()
    assert not Event.select().where((Event.person != "") | (Event.login != "")).exists()
    assert ("Licence configured", Actor.CUSTOMER, 1, "") in told(group)


def test_the_migration_finds_whose_history_earlier_events_belong_to(
    group: LicenceGroup, bank: Bank, drain: Drain
) -> None:
    groups.configured(group)
    purchases.pay(groups.add(group, 2), bank)
    drain()
    give_backs.give_back_seats(groups.fresh(group), [2], by="alice")
    read = Event.select(Event.id, Event.name, Event.group_id, Event.number).order_by(Event.id)
    kept = [row for row in read.tuples() if row[1] != "addition_held"]
    assert {row[2] for row in kept} == {None, group.id}
    Event.update(group_id=None, number=None).execute()
    importlib.import_module("migrations.0118_group_history").fill(database)
    assert [row for row in read.tuples() if row[1] != "addition_held"] == kept
