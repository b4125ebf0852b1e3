"""The search of the customer area, on its page and in the head of every other."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from models import Account
from shop.licences.seats import listing
from tests.support import queries
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor

SEARCH = "/manager/search"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def inside(visitor: Visitor, alices: Belongings) -> Visitor:
    visitor.log_in(alices.account)
    return visitor


def test_the_head_of_every_page_has_the_search_and_its_own_page_has_it_once(
    inside: Visitor, alices: Belongings
) -> None:
    for address in ("/manager/web", f"/manager/groups/{alices.group.name}", SEARCH):
        inside.open(address)
        assert inside.response.text.count('id="search-everywhere"') == 1, address
    inside.open("/fr/")
    assert inside.find(id="search-everywhere") is None


def test_everything_is_found_by_kind_with_links(inside: Visitor, alices: Belongings) -> None:
    inside.open("/manager/web")
    inside.open(f"{SEARCH}?q=CAMILLE")
    assert inside.sees("Utilisateurs")
    assert inside.sees(f"camille.dupont@{alices.group.domain}")
    inside.follow("Camille Dupont")
    assert inside.sees("1\u00a0licence trouvée")
    inside.open(f"{SEARCH}?q=office 365")
    assert inside.sees("Groupes de licences")
    inside.follow(alices.group.display_name)
    assert inside.address == f"/manager/groups/{alices.group.name}"
    inside.open(f"{SEARCH}?q={alices.delivered.number[:5]}")
    inside.follow(f"Commande {alices.delivered.number}")
    assert inside.address.endswith(f"/orders/{alices.delivered.number}")


def test_a_whole_number_leads_straight_to_the_document(
    inside: Visitor, alices: Belongings, client: CheckingClient
) -> None:
    answer = client.get(SEARCH, query_string={"q": f" {alices.invoice.number.lower()} "})
    assert answer.status_code == 303
    assert answer.location == f"/manager/account/bills/{alices.invoice.number}"
    inside.open(SEARCH)
    inside.press("Rechercher", q=alices.delivered.number)
    assert inside.address == f"/manager/account/orders/{alices.delivered.number}"


def test_another_customers_numbers_and_names_find_nothing(
    visitor: Visitor, alices: Belongings, charlie: Account
) -> None:
    visitor.log_in(charlie)
    for typed in (alices.delivered.number, alices.invoice.number, "camille", alices.group.name):
        visitor.open(f"{SEARCH}?q={typed}")
        assert visitor.sees(f"Nothing found for “{typed}”")
        assert visitor.sees("What can be searched:")


def test_too_long_a_text_is_refused_at_the_field_and_kept(inside: Visitor) -> None:
    typed = "a" * 10_000
    for address in (SEARCH, f"{SEARCH}/suggestions"):
        assert inside.client.get(address, query_string={"q": typed}).status_code == 422
        answer = inside.client.get(address, query_string={"q": typed}, headers=PARTIAL)
        assert answer.status_code == 422
        assert "Saisissez 100\u00a0caractères au plus." in answer.text
    inside.open(f"{SEARCH}?q={typed}")
    assert inside.response.status_code == 422
    field = inside.find("input", id="search-everywhere")
    assert field is not None
    assert field.get("value") == typed
    assert field.get("aria-describedby") == "search-everywhere-error"


def test_suggestions_are_a_part_of_pages_and_lead_to_the_results(
    inside: Visitor, client: CheckingClient, alices: Belongings
) -> None:
    answer = client.get(f"{SEARCH}/suggestions?q=camille", headers=PARTIAL)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Camille Dupont" in answer.text
    assert "Voir tous les résultats" in answer.text
    # A whole number is a link among others while it is typed.
    number = alices.delivered.number
    assert number in client.get(f"{SEARCH}/suggestions?q={number}", headers=PARTIAL).text
    assert client.get(f"{SEARCH}?q={number}", headers=PARTIAL).status_code == 200
    assert "Rien trouvé" in client.get(f"{SEARCH}/suggestions?q=zzz", headers=PARTIAL).text
    assert client.get(f"{SEARCH}/suggestions?q=", headers=PARTIAL).text.strip() == ""
    inside.open(f"{SEARCH}/suggestions?q=camille")
    assert inside.sees("Camille Dupont")
    assert inside.response.text.count('id="search-everywhere"') == 1


def test_a_search_takes_few_statements(inside: Visitor, client: CheckingClient) -> None:
    with queries.recorded() as of_suggestions:
        client.get(f"{SEARCH}/suggestions?q=camille", headers=PARTIAL)
    assert len(of_suggestions) <= 6
    with queries.recorded() as of_page:
        client.get(f"{SEARCH}?q=20261")
    assert len(of_page) <= 12


@pytest.mark.parametrize("signs", ["%", "_", "\\", "…", "\N{GRINNING FACE}", "\u200b"])
def test_signs_alone_find_nothing_in_any_list(
    inside: Visitor, alices: Belongings, signs: str
) -> None:
    group = f"/manager/groups/{alices.group.name}"
    for address, said in {
        group: "Aucune licence ne correspond",
        "/manager/groups": "Aucun groupe",
        "/manager/account/emails": "Aucun e-mail",
        f"/manager/exchange/{alices.exchange.name}/accounts": "Aucun compte",
    }.items():
        inside.open(f"{address}?{urlencode({'q': signs})}")
        assert inside.sees(said), address

    assert not listing.numbers_in_view(alices.group, listing.read_view(signs, "", "", 1))
