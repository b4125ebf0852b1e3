"""The passwords of a file of people, or of a selection: one e-mail, one file, or links."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import (
    Account,
    AccountEvent,
    Handover,
    ImportAct,
    Letter,
    LicenceGroup,
    SeatImport,
    SendTo,
)
from shop import mail
from shop.delivery import passwords_of_files
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import csv_reader, import_preview, selections
from shop.operations import audit
from shop.personal_data import retention
from shop.security import rate_limits
from tests.support import cast, groups
from tests.support.client import browser
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor
from web import files

Drain = Callable[[], int]

FILE = """Prénom;Nom;Login;E-mail
Zoé;Moreau;zoe;Zoe@Home.example
Jörg;O’Neill;joerg;
Ana;Silva;ana;nonsense
"""


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank, 5)


def run(group: LicenceGroup, send_to: str, content: str = FILE) -> SeatImport:
    made = import_preview.prepare_import(groups.fresh(group), "people.csv", content.encode())
    import_preview.start_import(made, "alice", send_to)
    queue.drain()
    return found(made)


def found(made: SeatImport) -> SeatImport:
    made = groups.fresh(made)
    made.group = groups.fresh(made.group)
    return made


def letters(kind: str) -> list[Letter]:
    return list(Letter.select().where(Letter.kind == kind).order_by(Letter.id))


def told(made: SeatImport) -> dict[str, str]:
    return {row.address: row.password for row in passwords_of_files.rows_of(made)}


def faults() -> list[str]:
    return [row for row in audit.find_faults(timedelta(0)) if "credentials" in row]


# --- The column ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["E-mail", "email", "Adresse e-mail", "Courriel", "Alternate email address"]
)
def test_a_heading_may_name_the_persons_mailboxes(name: str) -> None:
    [line] = csv_reader.read_people(f"Login;{name};Nom;Prénom\nzoe;z@home.example;M;Z\n".encode())
    assert (line.login, line.recipient) == ("zoe", "z@home.example")


@pytest.mark.parametrize("heading", ["", "Prénom;Nom;Login;E-mail d’activation\n"])
def test_no_other_column_is_taken_for_one(heading: str) -> None:
    lines = csv_reader.read_people(f"{heading}Zoé;Moreau;zoe;zoe@o365.example\n".encode())
    assert [line.recipient for line in lines] == [""]


def test_an_address_of_the_group_itself_is_none(group: LicenceGroup) -> None:
    content = f"Prénom;Nom;Login;E-mail\nZoé;M;zoe;zoe@{group.domain}\nAna;S;ana;a@home.example\n"
    made = import_preview.prepare_import(group, "people.csv", content.encode())
    assert [line.recipient for line in import_preview.results_of(made)] == ["", "a@home.example"]
    assert import_preview.count_recipients(made) == 1


# --- Who gets them ---------------------------------------------------------------------------


def test_the_customer_gets_one_email_and_one_file(group: LicenceGroup, provider: Provider) -> None:
    made = run(group, SendTo.ME)
    assert told(made) == provider.users
    assert len(provider.users) == 3
    [letter] = letters("passwords_ready")
    for password in provider.users.values():
        assert password not in mail.text_of(letter)
    assert not letters("licence_active")
    assert not letters("licence_link")
    assert faults() == []


def test_persons_with_an_address_get_links_and_the_customer_the_rest(
    group: LicenceGroup, provider: Provider
) -> None:
    made = run(group, SendTo.PERSON)
    assert [letter.recipient for letter in letters("licence_link")] == ["zoe@home.example"]
    assert {address.partition("@")[0] for address in told(made)} == {"joerg", "ana"}
    text = " ".join(mail.text_of(letters("passwords_ready")[0]).split())
    assert "2 mots de passe dans un fichier" in text
    assert "1 personne a reçu un lien" in text
    assert faults() == []


def test_nobody_gets_them(group: LicenceGroup, provider: Provider) -> None:
    made = run(group, SendTo.NOBODY)
    assert told(made) == {}
    assert not passwords_of_files.are_kept(made)
    for kind in ("passwords_ready", "licence_link", "licence_active"):
        assert not letters(kind)
    assert not Handover.select().where(Handover.secret != "").exists()
    assert faults() == []


def test_a_person_with_too_many_emails_is_left_to_the_customer(
    group: LicenceGroup, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise rate_limits.RateLimited("Too many", 60)

    monkeypatch.setattr(rate_limits, "count_unproved", refuse)
    made = run(group, SendTo.PERSON)
    assert not letters("licence_link")
    assert len(told(made)) == 3


def test_new_passwords_of_a_selection_are_in_one_file_too(
    group: LicenceGroup, provider: Provider
) -> None:
    run(group, SendTo.NOBODY)
    made = selections.prepare_selection(groups.fresh(group), ImportAct.PASSWORD, [1, 2])
    import_preview.start_import(made, "alice")
    queue.drain()
    shown = told(found(made))
    assert len(shown) == 2
    assert shown.items() <= provider.users.items()
    assert len(letters("passwords_ready")) == 1


def test_the_email_waits_for_the_last_licence(
    group: LicenceGroup, provider: Provider, clock: time_machine.Traveller
) -> None:
    provider.forgetful = 1
    run(group, SendTo.ME)
    assert not letters("passwords_ready")
    clock.shift(timedelta(minutes=5))
    queue.drain()
    assert len(letters("passwords_ready")) == 1


def test_a_password_that_was_replaced_leaves_the_file(
    group: LicenceGroup, provider: Provider
) -> None:
    made = run(group, SendTo.ME)
    seat = groups.seat_of(group, 1)
    seats.change_password(seat, seat.version, "", by="alice")
    queue.drain()
    assert {address.partition("@")[0] for address in told(made)} == {"joerg", "ana"}


def test_the_file_is_kept_for_thirty_days(
    group: LicenceGroup, provider: Provider, clock: time_machine.Traveller
) -> None:
    made = run(group, SendTo.ME)
    clock.shift(timedelta(days=29))
    retention.run_retention()
    assert len(told(made)) == 3
    clock.shift(timedelta(days=1))
    assert told(made) == {}
    assert retention.run_retention()["links"] == 3
    assert not Handover.select().exists()
    assert faults() == []


# --- The pages -------------------------------------------------------------------------------


def test_the_file_comes_after_the_customers_own_password(
    visitor: Visitor,
    alice: Account,
    group: LicenceGroup,
    provider: Provider,
    drain: Drain,
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "LINES_AT_ONCE", 1)
    visitor.log_in(alice)
    visitor.open(f"/manager/groups/{group.name}/imports")
    visitor.press("Examiner le fichier", file=(io.BytesIO(FILE.encode()), "équipe.csv"))
    assert visitor.sees("À la personne dont l’adresse e-mail est dans le fichier")
    visitor.press("Configurer 3 licences")
    drain()
    here = visitor.address
    clock.shift(timedelta(minutes=20))
    asked = visitor.client.get(f"{here}/passwords.csv")
    assert asked.status_code == 303
    assert "/confirmation" in asked.location
    visitor.open(here)
    visitor.follow("Télécharger les mots de passe (CSV)")
    visitor.press("Valider", password=cast.PASSWORD)
    rows = list(csv.reader(io.StringIO(visitor.response.text.lstrip("\ufeff")), delimiter=";"))
    assert rows[0][:4] == ["Prénom", "Nom", "Login", "Mot de passe"]
    assert {row[2]: row[3] for row in rows[1:]} == provider.users
    assert visitor.response.headers["Cache-Control"] == "no-store"
    assert AccountEvent.select().where(AccountEvent.kind == "passwords_downloaded").count() == 1


def test_a_stranger_gets_no_passwords(app: Flask, group: LicenceGroup, provider: Provider) -> None:
    made = run(group, SendTo.ME)
    visitor = Visitor(browser(app))
    visitor.log_in(cast.register(cast.CHARLIE))
    for kind in ("imports", "selections"):
        address = f"/manager/groups/{group.name}/{kind}/{made.id}/passwords.csv"
        assert visitor.client.get(address).status_code == 404
