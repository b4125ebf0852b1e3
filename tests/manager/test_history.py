"""« Historique » of a licence group: the page and its file."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from models import Account, LicenceGroup
from shop.licences import groups as licence_groups
from shop.licences.seats import Person
from tests.support import groups
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    made = groups.installed(alice, bank)
    groups.configured(made)
    return made


def test_the_tab_tells_what_happened_and_leads_to_one_licence(
    visitor: Visitor, alice: Account, group: LicenceGroup
) -> None:
    visitor.log_in(alice)
    visitor.open(f"/manager/groups/{group.name}")
    visitor.follow("Historique")
    for said in ("Licence configurée", "Camille Dupont (camille.dupont)", "Service installé",
                 "Automatiquement"):  # fmt: skip
        assert visitor.sees(said), said
    visitor.follow("Licence 1")
    assert visitor.sees("Licence configurée")
    assert not visitor.sees("Service installé")
    visitor.open(f"/manager/groups/{group.name}/history?kind=service")
    assert not visitor.sees("Licence configurée")
    visitor.open(f"/manager/groups/{group.name}/history?licence=9")
    assert visitor.sees("Rien ne s’est encore passé")


def test_older_entries_are_a_page_further(
    visitor: Visitor, alice: Account, group: LicenceGroup
) -> None:
    for number in range(20):
        licence_groups.rename(groups.fresh(group), f"Nom {number}", by=alice.nic_handle)
    visitor.log_in(alice)
    visitor.open(f"/manager/groups/{group.name}/history")
    assert visitor.sees("Nom 19")
    assert visitor.sees(alice.nic_handle)
    assert not visitor.sees("Service installé")
    visitor.follow("Plus anciens")
    assert visitor.sees("Service installé")
    assert not visitor.sees("Nom 18")
    visitor.open(f"/manager/groups/{group.name}/history?before=1")
    assert visitor.sees("Rien de plus ancien")


def test_the_file_holds_the_whole_history_and_no_formula(
    visitor: Visitor, alice: Account, group: LicenceGroup
) -> None:
    groups.configured(group, 2, Person("=1+1", "Dupont", "somme"))
    licence_groups.rename(groups.fresh(group), "Atelier", by="staff:sam")
    visitor.log_in(alice)
    answer = visitor.client.get(f"/manager/groups/{group.name}/history.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    heading, *rows = csv.reader(StringIO(answer.text.lstrip("\ufeff")), delimiter=";")
    assert heading == [
        "Date", "Quoi", "Licence", "Nombre de licences", "Nom", "Login", "Par",
    ]  # fmt: skip
    assert [row[1:] for row in rows] == [
        ["Service installé", "", "", "", "", "Automatiquement"],
        ["Licence configurée", "1", "", "Camille Dupont", "camille.dupont", "alice"],
        ["Licence configurée", "2", "", "'=1+1 Dupont", "somme", "alice"],
        ["Groupe renommé (Atelier)", "", "", "", "", "Service client"],
    ]
