"""One act on many seats of a group: selected, confirmed, carried out in the background."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask

from models import (
    Account,
    GiveBack,
    GroupStatus,
    ImportAct,
    ImportStatus,
    Job,
    Letter,
    LicenceGroup,
    Seat,
    SeatImport,
    SeatImportLine,
    SeatStatus,
)
from shop import transitions
from shop.errors import Conflict, Refusal
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import (
    actions,
    import_preview,
    listing,
    selection_job,
    selections,
)
from shop.sandbox_link import test_points
from shop.subscriptions import give_back_selections, give_backs
from tests.support import groups, racing
from tests.support.client import browser
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

Drain = Callable[[], int]

PEOPLE = [
    seats.Person("Zoé", "Moreau", "zoe"),
    seats.Person("Jörg", "O’Neill", "joerg"),
    seats.Person("李", "Wang", "li.wang"),
]


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """Five licences, of which three people have the first three."""
    made = groups.installed(alice, bank, 5)
    for number, person in enumerate(PEOPLE, 1):
        groups.configured(made, number, person)
    return groups.fresh(made)


def run(made: SeatImport) -> SeatImport:
    import_preview.start_import(made, by="alice")
    queue.drain()
    return groups.fresh(made)


def problems_of(made: SeatImport) -> dict[int, str]:
    return {line.number: line.problem for line in import_preview.results_of(made) if line.problem}


def logins(group: LicenceGroup) -> set[str]:
    held = Seat.select().where(Seat.group == group, Seat.login.is_null(False))
    return {seat.login for seat in held}


def kept(kind: str) -> int:
    return Letter.select().where(Letter.kind == kind).count()


def test_the_people_selected_lose_their_licences_and_nobody_else(group: LicenceGroup) -> None:
    made = run(selections.prepare_selection(group, ImportAct.RELEASE, [1, 3]))
    assert (made.status, made.lines_done, made.lines_refused) == (ImportStatus.DONE, 2, 0)
    assert logins(group) == {"joerg"}
    assert kept("licence_released") == 2
    assert import_preview.count_seats_by_status(made) == {SeatStatus.UNCONFIGURED: 2}
    groups.check_counts(group)


def test_the_people_selected_get_new_passwords(group: LicenceGroup, provider: Provider) -> None:
    before = groups.seat_of(group, 1).version
    made = run(selections.prepare_selection(group, ImportAct.PASSWORD, [1, 2]))
    assert (made.lines_done, made.lines_refused) == (2, 0)
    assert kept("seat_password_changed") == 0
    assert kept("passwords_ready") == 1
    assert groups.seat_of(group, 1).version == before + 1
    assert groups.seat_of(group, 3).version == before
    assert {seat.status for seat in Seat.select().where(Seat.number <= 3)} == {SeatStatus.ACTIVE}


def test_licences_given_back_end_with_the_period_and_one_email_lists_them(
    group: LicenceGroup,
) -> None:
    made = run(give_back_selections.prepare(group, [1, 4]))
    assert (made.status, made.lines_done, made.lines_refused) == (ImportStatus.DONE, 2, 0)
    assert {row.number for row in give_backs.for_group(group)} == {1, 4}
    assert kept("licences_given_back") == 1
    assert logins(group) == {"zoe", "joerg", "li.wang"}


def test_what_cannot_be_done_is_told_for_each_licence_and_holds_no_other_up(
    group: LicenceGroup, provider: Provider
) -> None:
    seat = groups.seat_of(group, 2)
    seats.change_password(seat, seat.version, "", by="alice")
    made = selections.prepare_selection(group, ImportAct.RELEASE, [1, 2, 4, 77])
    assert (made.lines_total, made.lines_good) == (4, 1)
    told = problems_of(made)
    assert "at work on this licence" in told[2]
    assert told[4] == selections.UNCONFIGURED
    assert told[77] == selections.UNKNOWN_SEAT
    made = run(made)
    assert (made.lines_done, made.lines_refused) == (1, 0)
    assert logins(group) == {"joerg", "li.wang"}


def test_a_licence_that_changed_hands_since_it_was_confirmed_is_not_released(
    group: LicenceGroup,
) -> None:
    made = selections.prepare_selection(group, ImportAct.RELEASE, [1, 2])
    seat = groups.seat_of(group, 1)
    seats.edit(seat, seat.version, seats.Person("Ana", "Silva", "ana"), by="bob")
    queue.drain()
    made = run(made)
    assert (made.lines_done, made.lines_refused) == (2, 1)
    assert problems_of(made) == {1: selection_job.CHANGED}
    assert logins(group) == {"ana", "li.wang"}


def test_a_licence_given_back_or_changed_meanwhile_is_told_too(group: LicenceGroup) -> None:
    give_backs.give_back_seats(group, [5], by="alice")
    made = give_back_selections.prepare(group, [1, 2, 3, 5])
    assert problems_of(made) == {5: give_back_selections.GIVEN_BACK}
    give_backs.give_back_seats(group, [1], by="bob")
    seat = groups.seat_of(group, 2)
    seats.change_password(seat, seat.version, "", by="bob")
    queue.drain()
    made = run(made)
    assert (made.lines_done, made.lines_refused) == (3, 2)
    assert problems_of(made) == {
        1: give_back_selections.GIVEN_BACK,
        2: selection_job.CHANGED,
        5: give_back_selections.GIVEN_BACK,
    }
    assert {row.number for row in give_backs.for_group(group)} == {1, 3, 5}


def test_the_last_licence_is_not_given_back(group: LicenceGroup) -> None:
    with pytest.raises(Refusal, match="At least one licence stays"):
        give_back_selections.prepare(group, [1, 2, 3, 4, 5])
    assert not SeatImport.select().exists()
    made = give_back_selections.prepare(group, [1, 2, 3, 4])
    give_backs.give_back_seats(group, [5], by="bob")
    made = run(made)
    assert set(problems_of(made).values()) == {give_backs.ONE_STAYS}
    assert {row.number for row in give_backs.for_group(group)} == {5}


def test_nothing_is_selected_and_nothing_done_in_a_suspended_group(group: LicenceGroup) -> None:
    with pytest.raises(Refusal, match="at least one licence"):
        selections.prepare_selection(group, ImportAct.RELEASE, [])
    made = selections.prepare_selection(group, ImportAct.RELEASE, [1])
    transitions.move(group, GroupStatus.SUSPENDED, by="test")
    with pytest.raises(Refusal, match="cannot be changed"):
        import_preview.start_import(made, by="alice")
    with pytest.raises(Refusal, match="cannot be changed"):
        selections.prepare_selection(groups.fresh(group), ImportAct.RELEASE, [1])
    with pytest.raises(Refusal):
        give_back_selections.prepare(groups.fresh(group), [1])


def test_a_group_suspended_after_the_start_keeps_its_people(group: LicenceGroup) -> None:
    made = selections.prepare_selection(group, ImportAct.RELEASE, [1, 2])
    import_preview.start_import(made, by="alice")
    transitions.move(group, GroupStatus.SUSPENDED, by="test")
    queue.drain()
    assert set(problems_of(made).values()) == {actions.GROUP_CLOSED}
    assert groups.fresh(made).lines_refused == 2
    assert logins(group) == {"zoe", "joerg", "li.wang"}


@pytest.mark.every_case
@pytest.mark.parametrize("act", [ImportAct.RELEASE, ImportAct.PASSWORD, ImportAct.GIVE_BACK])
def test_pressed_twice_at_the_same_moment_it_runs_once(group: LicenceGroup, act: str) -> None:
    if act == ImportAct.GIVE_BACK:
        made = give_back_selections.prepare(group, [1, 2])
    else:
        made = selections.prepare_selection(group, act, [1, 2])
    outcomes = racing.race(
        lambda: import_preview.start_import(SeatImport.get_by_id(made.id), by="alice"), 4
    )
    assert sum(outcome is None for outcome in outcomes) == 1, outcomes
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3, outcomes
    kind = import_preview.JOBS[act].kind
    assert Job.select().where(Job.kind == kind).count() == 1
    queue.drain()
    assert groups.fresh(made).lines_done == 2
    assert groups.fresh(made).lines_refused == 0
    assert kept("licence_released") == (2 if act == ImportAct.RELEASE else 0)
    assert kept("passwords_ready") == (1 if act == ImportAct.PASSWORD else 0)
    assert GiveBack.select().count() == (2 if act == ImportAct.GIVE_BACK else 0)


def test_two_workers_on_one_selection_do_each_licence_once(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection_job, "CHUNK_SIZE", 1)
    made = selections.prepare_selection(group, ImportAct.PASSWORD, [1, 2, 3])
    import_preview.start_import(made, by="alice")
    assert racing.race(lambda: selection_job.act_on_seats(made.id, "alice"), 3) == [None] * 3
    assert groups.fresh(made).lines_done == 3
    assert Job.select().where(Job.kind == "set_seat_password").count() == 3


def test_acts_on_single_licences_at_the_same_time_lose_to_it_or_win(group: LicenceGroup) -> None:
    made = selections.prepare_selection(group, ImportAct.RELEASE, [1, 2, 3])
    import_preview.start_import(made, by="alice")
    todo = [lambda: selection_job.act_on_seats(made.id, "alice")]
    for number in (3, 2, 1):
        seat = groups.seat_of(group, number)
        todo.append(lambda seat=seat: seats.change_password(seat, seat.version, "", by="bob"))
    outcomes = racing.race(lambda: todo.pop()(), 4)
    assert all(outcome is None or isinstance(outcome, (Seat, Conflict)) for outcome in outcomes), (
        outcomes
    )
    won = sum(isinstance(outcome, Seat) for outcome in outcomes)
    assert groups.fresh(made).lines_refused == won
    queue.drain()
    groups.check_counts(group)


class Killed(BaseException):
    """Stands for the end of the worker's process."""


def test_a_killed_worker_is_continued(group: LicenceGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection_job, "CHUNK_SIZE", 1)
    made = selections.prepare_selection(group, ImportAct.RELEASE, [1, 2, 3])
    import_preview.start_import(made, by="alice")
    chunks: list[int] = []

    def kill_once() -> None:
        chunks.append(1)
        if len(chunks) == 2:
            raise Killed

    test_points.hook("imports.chunk", kill_once)
    with pytest.raises(Killed):
        selection_job.act_on_seats(made.id, "alice")
    assert groups.fresh(made).lines_done == 2
    selection_job.act_on_seats(made.id, "alice")
    assert len(chunks) == 3
    assert groups.fresh(made).status == ImportStatus.DONE
    queue.drain()
    assert logins(group) == set()
    assert kept("licence_released") == 3


def test_a_selection_that_cannot_be_worked_on_ends_and_says_so(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    made = selections.prepare_selection(group, ImportAct.RELEASE, [1, 2])

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(selection_job, "locked_seats", fail)
    import_preview.start_import(made, by="alice")
    for _ in range(20):
        queue.drain()
        clock.shift(2 * queue.LONGEST_DELAY.total_seconds())
    assert groups.fresh(made).status == ImportStatus.DONE
    assert set(problems_of(made).values()) == {selection_job.NOT_REACHED}


def test_all_of_a_filter_are_those_that_its_pages_list(group: LicenceGroup) -> None:
    def numbers(**view: str) -> list[int]:
        looked = listing.read_view(view.get("q", ""), view.get("status", ""), "", 1)
        return listing.numbers_in_view(group, looked)

    assert numbers() == [1, 2, 3, 4, 5]
    assert numbers(status=SeatStatus.ACTIVE) == [1, 2, 3]
    assert numbers(q="zoe") == [1]
    assert numbers(q="configureme") == [4, 5]
    assert numbers(q="nobody") == []


def test_more_licences_than_a_file_may_have_lines_are_too_many(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_AT_ONCE", 4)
    with pytest.raises(Refusal, match="At most 4 licences"):
        listing.numbers_in_view(group, listing.View())


# --- In the manager --------------------------------------------------------------------------


@pytest.fixture
def here(visitor: Visitor, alice: Account, group: LicenceGroup) -> str:
    visitor.log_in(alice)
    address = f"/manager/groups/{group.name}"
    visitor.open(address)
    return address


def test_licences_are_ticked_confirmed_and_released(
    visitor: Visitor, here: str, group: LicenceGroup, drain: Drain
) -> None:
    visitor.press("Libérer", licences=["1", "3", "4"])
    assert visitor.sees("2 licences sont concernées.")
    assert visitor.sees("1 licence est laissée de côté.")
    assert visitor.sees("Personne n’a cette licence")
    assert visitor.sees("Chaque compte est supprimé aussitôt")
    assert logins(group) == {"zoe", "joerg", "li.wang"}
    page = visitor.address
    visitor.press("Libérer 2 licences")
    assert visitor.address == page
    assert visitor.sees("0 / 2")
    visitor.open(here)
    visitor.follow("Voir l’avancement")
    assert visitor.address == page
    drain()
    visitor.open(page)
    assert visitor.sees("2 / 2")
    assert visitor.sees("C’est terminé. 1 licence a été laissée de côté.")
    result = visitor.client.get(f"{page}.csv").text
    assert "3;李;Wang;li.wang;Non configuré" in result
    assert "4;;;;Personne n’a cette licence" in result
    assert logins(group) == {"joerg"}


def test_all_on_the_page_and_all_of_the_list_need_no_script(
    visitor: Visitor, here: str, alice: Account, bank: Bank
) -> None:
    visitor.press("Réinitialiser les mots de passe", shown=True)
    assert visitor.sees("3 licences sont concernées.")
    assert visitor.sees("2 licences sont laissées de côté.")
    large = groups.installed(alice, bank, 23)
    groups.configured(large, 7)
    visitor.open(f"/manager/groups/{large.name}?status=unconfigured")
    assert visitor.sees("Sélectionner les 22 licences de cette liste")
    visitor.press("Rendre à l’échéance", all=True)
    assert visitor.sees("22 licences sont concernées.")
    assert visitor.sees("Prochain renouvellement")


def test_giving_back_says_what_it_costs_then_and_is_found_at_the_service(
    visitor: Visitor, here: str, group: LicenceGroup, drain: Drain
) -> None:
    visitor.press("Rendre à l’échéance", licences=["1"])
    assert visitor.sees("1 licence est concernée.")
    assert visitor.sees("Elles se terminent le")
    assert visitor.sees("Prochain renouvellement le")
    visitor.press("Rendre 1 licence")
    drain()
    visitor.open(visitor.address)
    assert visitor.sees("1 / 1")
    visitor.follow("Voir les licences rendues")
    assert visitor.address.endswith(f"/manager/services/{group.name}")


def test_the_licences_selected_are_exported(
    visitor: Visitor, here: str, group: LicenceGroup
) -> None:
    visitor.press("Exporter (CSV)", licences=["1", "2"])
    rows = list(csv.reader(io.StringIO(visitor.response.text), delimiter=";"))
    assert [row[2] for row in rows] == ["Login", "zoe", "joerg"]
    visitor.open(f"{here}?q=zoe")
    everything = {"act": "export", "all": "yes", "q": "zoe"}
    answer = visitor.client.ask("POST", f"{here}/selections", everything)
    lines = visitor.client.get(answer.location).text.splitlines()
    assert [line.split(";")[2] for line in lines] == ["Login", "zoe"]
    nothing = visitor.client.ask("POST", f"{here}/selections", {"act": "export"})
    assert nothing.status_code == 422


def test_without_a_choice_the_list_says_so_and_keeps_what_was_ticked(
    visitor: Visitor, here: str, group: LicenceGroup
) -> None:
    assert visitor.press("Libérer").status_code == 422
    assert visitor.sees("Choisissez au moins une licence.")
    assert visitor.press("Rendre à l’échéance", licences=list("12345")).status_code == 422
    assert visitor.sees("Un groupe garde au moins une licence.")
    assert visitor.find("input", id="select-3").get("checked") is not None
    unknown = visitor.client.ask("POST", f"{here}/selections", {"act": "eat"})
    assert unknown.status_code == 422


def test_a_selection_that_was_left_is_not_started(
    visitor: Visitor, here: str, group: LicenceGroup
) -> None:
    visitor.press("Libérer", licences=["1"])
    page = visitor.address
    visitor.press("Annuler")
    assert visitor.sees("Rien n’a été fait avec ces licences.")
    assert visitor.client.ask("POST", f"{page}/start").status_code == 409
    assert not Job.select().where(Job.kind == "act_on_seats").exists()


def test_a_stranger_finds_neither_the_licences_nor_the_selection(
    app: Flask, charlie: Account, group: LicenceGroup, bank: Bank
) -> None:
    here = f"/manager/groups/{group.name}"
    made = selections.prepare_selection(group, ImportAct.RELEASE, [1])
    theirs = groups.installed(charlie, bank, 1)
    visitor = Visitor(browser(app))
    visitor.log_in(charlie)
    for address in (
        f"{here}/selections/{made.id}",
        f"{here}/selections/{made.id}.csv",
        f"/manager/groups/{theirs.name}/selections/{made.id}",
        f"{here}/imports/{made.id}",
    ):
        assert visitor.client.get(address).status_code == 404, address
    for act in ("start", "abandonment"):
        answer = visitor.client.ask(
            "POST", f"/manager/groups/{theirs.name}/selections/{made.id}/{act}"
        )
        assert answer.status_code == 404
    # Licences are named by their number in the group of the address, never by an id of its own.
    chosen = {"act": "release", "licences": ["1"]}
    visitor.client.ask("POST", f"/manager/groups/{theirs.name}/selections", chosen)
    kept = SeatImportLine.select().where(SeatImportLine.seat_import != made)
    assert {line.seat.group_id for line in kept} == {theirs.id}
    assert groups.fresh(made).status == ImportStatus.PREVIEW


def test_pages_of_20_50_and_100(
    visitor: Visitor, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = groups.installed(alice, bank, 130)
    here = f"/manager/groups/{group.name}"
    visitor.log_in(alice)
    groups.configured(group, 7)
    for rows, pages in (("20", 7), ("50", 3), ("100", 2), ("1000", 7), ("x", 7)):
        visitor.open(f"{here}?rows={rows}")
        expected = int(rows) if rows in {"20", "50", "100"} else 20
        assert visitor.response.text.count("seat-box") == expected
        assert visitor.find("a", href=f"{here}?page={pages}") is not None or (
            f"page={pages}&amp;rows={rows}" in visitor.response.text
        )
    visitor.open(f"{here}?rows=100&page=2&status=unconfigured")
    assert visitor.response.text.count("seat-box") == 29
