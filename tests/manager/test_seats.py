"""The manager's pages of groups and seats, without JavaScript and by htmx."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models import Account, LicenceGroup, Seat, SeatStatus
from shop.licences import groups as shop_groups
from shop.licences import seats
from tests.support import groups
from tests.support.client import CheckingClient
from tests.support.groups import CAMILLE, ZOE
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

Drain = Callable[[], int]
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank)


@pytest.fixture
def signed_in(visitor: Visitor, alice: Account, group: LicenceGroup) -> Visitor:
    visitor.log_in(alice)
    return visitor


def address_of(group: LicenceGroup, rest: str = "") -> str:
    return f"/manager/groups/{group.name}{rest}"


def test_home_says_what_needs_attention(
    signed_in: Visitor, group: LicenceGroup, provider: Provider
) -> None:
    provider.failing = "no"
    groups.configured(group)
    signed_in.open("/manager/web")
    assert signed_in.sees("1 licence en erreur")
    assert signed_in.sees("2 licences à configurer")
    signed_in.follow("1 licence en erreur")
    assert signed_in.sees("Camille")
    assert signed_in.sees("Réessayer")


def test_chips_count_the_licences_by_status_and_lead_to_them(
    signed_in: Visitor, group: LicenceGroup
) -> None:
    groups.configured(group)
    signed_in.open(address_of(group, "?q=nobody"))
    for status, number in (("Créé", 1), ("Non configuré", 2), ("Toutes les licences", 3)):
        signed_in.follow(f"{status} {number}")
        assert signed_in.sees(f"{number} licence")
        current = signed_in.find("a", **{"aria-current": "true", "class": "chip"})
        assert current is not None
        assert status in "".join(current.itertext())
        assert ("Camille" in signed_in.response.text) == (status != "Non configuré")


def test_the_menu_names_few_groups_and_leads_to_all(
    signed_in: Visitor, group: LicenceGroup, alice: Account, bank: Bank
) -> None:
    for number in range(10):
        made = groups.installed(alice, bank, 1)
        LicenceGroup.update(display_name=f"Équipe {number}").where(
            LicenceGroup.id == made.id
        ).execute()
    signed_in.open("/manager/web")
    assert signed_in.response.text.count("side-leaf") == 10
    signed_in.follow("O365")
    assert signed_in.sees("Équipe 9")


@pytest.mark.every_case
@pytest.mark.parametrize(
    "typed", ["Équipe", "équipe", "EQUIPE", "E\u0301quipe", "equipe  de l'ete", "DE L’ÉTÉ"]
)
def test_groups_are_found_however_their_name_is_written(
    typed: str, signed_in: Visitor, group: LicenceGroup, alice: Account, bank: Bank
) -> None:
    other = groups.installed(alice, bank, 1)
    signed_in.open(address_of(group))
    signed_in.follow("Modifier le nom du groupe")
    signed_in.press("Enregistrer", display_name="Équipe de l’Été")
    found = shop_groups.search_groups(alice, typed)
    assert [one.id for one in found] == [group.id]
    assert [one.id for one in shop_groups.search_groups(alice, other.name)] == [other.id]
    assert shop_groups.search_groups(alice, group.name.upper()).get().id == group.id


def test_a_group_shows_its_seats_as_configureme(signed_in: Visitor, group: LicenceGroup) -> None:
    signed_in.open(address_of(group))
    assert signed_in.response.text.count("<span>configureme</span>") == 3
    assert signed_in.sees("Non configuré")
    assert signed_in.sees(f"configureme@{group.domain}")


def test_a_seat_is_configured_from_its_menu(
    signed_in: Visitor, group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    signed_in.open(address_of(group))
    signed_in.follow("Configurer")
    signed_in.press("Valider", first_name="Camille", last_name="Dupont", login="camille")
    assert signed_in.sees("Camille Dupont : la licence est en cours de création")
    assert signed_in.sees("En création")
    drain()
    signed_in.open(address_of(group))
    assert signed_in.sees("Créé")
    assert signed_in.sees(f"camille@{group.domain}")


def test_mistakes_are_said_at_their_fields(signed_in: Visitor, group: LicenceGroup) -> None:
    signed_in.open(address_of(group, "/seats/1/configuration"))
    answer = signed_in.press("Valider", first_name="", last_name="Dupont", login="c")
    assert answer.status_code == 422
    assert signed_in.sees("Indiquez le prénom.")
    assert signed_in.sees("Un login compte de 3 à 20 caractères.")
    assert 'value="Dupont"' in answer.text
    assert groups.seat_of(group).status == SeatStatus.UNCONFIGURED


def test_a_taken_login_is_said_while_typing(
    signed_in: Visitor, client: CheckingClient, group: LicenceGroup
) -> None:
    groups.configured(group)
    answer = client.post(
        address_of(group, "/seats/2/configuration/fields/login"),
        data={"login": "Camille.Dupont", "csrf_token": client.csrf_token()}, headers=PARTIAL,
    )  # fmt: skip
    assert answer.status_code == 200
    assert "déjà utilisé" in answer.text


def test_each_act_has_its_page(
    signed_in: Visitor, group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    groups.configured(group)
    signed_in.open(address_of(group))
    signed_in.follow("Modifier")
    signed_in.press("Valider", login="zoe")
    drain()
    signed_in.open(address_of(group))
    signed_in.follow("Changer le mot de passe")
    signed_in.press("Valider", password="Chouette-42")
    drain()
    assert provider.users == {f"zoe@{group.domain}": "Chouette-42"}
    signed_in.open(address_of(group))
    signed_in.follow("Libérer la licence")
    signed_in.press("Libérer la licence")
    drain()
    assert provider.users == {}
    assert groups.seat_of(group).status == SeatStatus.UNCONFIGURED


def test_a_stale_form_shows_the_holder_and_changes_nothing(
    signed_in: Visitor, group: LicenceGroup
) -> None:
    signed_in.open(address_of(group, "/seats/1/configuration"))
    groups.configured(group)
    answer = signed_in.press("Valider", first_name="Zoé", last_name="Lefèvre", login="zoe")
    assert answer.status_code == 409
    assert signed_in.sees("Camille Dupont")
    assert signed_in.sees("Rien n’a été fait ni envoyé")
    assert groups.seat_of(group).login == CAMILLE.login


def test_an_error_offers_another_try(
    signed_in: Visitor, group: LicenceGroup, provider: Provider, drain: Drain
) -> None:
    provider.failing = "The moon is wrong."
    groups.configured(group)
    signed_in.open(address_of(group))
    assert signed_in.sees("Le fournisseur a refusé")
    assert not signed_in.sees("The moon is wrong.")
    provider.failing = ""
    signed_in.press("Réessayer")
    drain()
    assert groups.seat_of(group).status == SeatStatus.ACTIVE


def test_a_message_names_the_person_and_leads_to_the_licence_that_a_filter_hides(
    signed_in: Visitor, client: CheckingClient, group: LicenceGroup
) -> None:
    here = address_of(group, "?status=unconfigured")
    answer = client.post(
        address_of(group, "/seats/2/configuration"),
        data={
            "first_name": "Zoé", "last_name": "Lefèvre", "login": "zoe", "version": "1",
            "csrf_token": client.csrf_token(),
        },
        headers={**PARTIAL, "HX-Current-URL": f"http://localhost{here}"},
    )  # fmt: skip
    seats_shown, messages = answer.text.split('<div class="flashes"')
    assert "zoe" not in seats_shown
    assert 'id="messages"' in messages
    assert 'role="status"' in messages
    assert "Zoé Lefèvre : la licence est en cours de création" in messages
    assert f'<a href="{address_of(group, "?q=zoe")}">Voir cette licence</a>' in messages
    signed_in.open(address_of(group, "?q=zoe"))
    assert signed_in.sees("zoe@")
    assert not signed_in.sees("en cours de création"), "said once"


def test_a_list_at_work_refreshes_itself_and_a_settled_one_rests(
    signed_in: Visitor, client: CheckingClient, group: LicenceGroup, provider: Provider,
    drain: Drain,
) -> None:  # fmt: skip
    provider.pending = True
    groups.configured(group)
    part = client.get(address_of(group), headers=PARTIAL).text
    assert 'hx-trigger="every 2s"' in part
    assert "<html" not in part
    Seat.update(status="unconfigured", act="", login=None, login_key=None, secret="").execute()
    assert "every 2s" not in client.get(address_of(group), headers=PARTIAL).text


def test_the_group_is_renamed_in_place(signed_in: Visitor, group: LicenceGroup) -> None:
    signed_in.open(address_of(group))
    signed_in.follow("Modifier le nom du groupe")
    signed_in.press("Enregistrer", display_name="  Siège de   Lille ")
    assert groups.fresh(group).display_name == "Siège de Lille"
    assert signed_in.sees("Siège de Lille")
    assert signed_in.sees("Le groupe a un nouveau nom : Siège de Lille")
    signed_in.press("Annuler")
    assert groups.fresh(group).display_name == group.display_name
    signed_in.follow("Modifier le nom du groupe")
    assert signed_in.press("Enregistrer", display_name=" ").status_code == 422
    assert signed_in.sees("Donnez un nom au groupe")
    assert signed_in.press("Enregistrer", display_name="\u202egpj.exe").status_code == 422
    assert signed_in.sees("inversent le sens d’écriture")
    for name in ("👨\u200d👩\u200d👧 Équipe", "می\u200cخواهم"):
        signed_in.open(f"{address_of(group)}/name")
        signed_in.press("Enregistrer", display_name=name)
        assert groups.fresh(group).display_name == name


def test_an_invalid_address_is_not_a_fault(
    signed_in: Visitor, client: CheckingClient, group: LicenceGroup
) -> None:
    hostile = {**PARTIAL, "HX-Current-URL": "http://["}
    answer = client.post(
        f"{address_of(group)}/name",
        data={"display_name": "Lille", "csrf_token": client.csrf_token()},
        headers=hostile,
    )
    assert answer.headers["HX-Redirect"] == address_of(group)


def test_nor_is_it_one_for_strangers(client: CheckingClient) -> None:
    hostile = {**PARTIAL, "HX-Current-URL": "http://["}
    answer = client.get("/manager/account/orders", headers=hostile)
    assert answer.headers["HX-Redirect"] == "/login"


@pytest.mark.parametrize("tab", ["", "/usage", "/information", "/elsewhere"])
def test_a_new_name_stands_everywhere_on_the_page_it_was_given_on(
    signed_in: Visitor, client: CheckingClient, group: LicenceGroup, tab: str
) -> None:
    shop_groups.rename(group, "Marseille", by="alice")
    signed_in.open(address_of(group))
    here = address_of(group) + tab
    answer = client.post(
        f"{address_of(group)}/name",
        data={"display_name": "Lille", "csrf_token": client.csrf_token()},
        headers={**PARTIAL, "HX-Current-URL": f"http://localhost{here}"},
    )
    known = here if tab != "/elsewhere" else address_of(group)
    assert answer.headers["HX-Redirect"] == known
    page = client.get(known).text
    elsewhere = page.replace('value="Marseille"', "", 1)  # in the form that undoes it
    assert "Marseille" not in elsewhere, "in the title, the menu, the breadcrumbs or the heading"
    assert page.count("Lille") >= 4


def test_general_information_tells_what_there_is_to_know(
    signed_in: Visitor, group: LicenceGroup
) -> None:
    signed_in.open(address_of(group))
    signed_in.follow("Informations Générales")
    for text in (group.name, group.domain, "Non configuré", "Prochain renouvellement", "3 sur 300",
                 "Contrats acceptés", group.line.order.number):  # fmt: skip
        assert signed_in.sees(text), text


def test_add_user_opens_a_free_seat_or_an_order(
    signed_in: Visitor, group: LicenceGroup, provider: Provider
) -> None:
    signed_in.open(address_of(group))
    signed_in.press("Ajouter un utilisateur")
    assert signed_in.address.endswith("/seats/1/configuration")
    for number in (1, 2, 3):
        groups.configured(group, number, seats.Person("Zoé", "X", f"zoe{number}"))
    signed_in.open(address_of(group))
    signed_in.press("Ajouter un utilisateur")
    assert "/manager/order/office" in signed_in.address
    assert signed_in.sees("297 places") or signed_in.sees("297 sur 300")


def test_searching_finds_by_the_beginning_of_any_name_or_address(
    signed_in: Visitor, group: LicenceGroup
) -> None:
    groups.configured(group, 1, CAMILLE)
    groups.configured(group, 2, ZOE)
    for wanted, found in {
        "camille": 1, "dup": 1, "DUPONT cam": 1, "zoe": 1, "nandu": 1, "ñandú": 1, "lefevre": 1,
        f"zoe@{group.domain}": 1, "configureme": 1, "martin": 0, "zoe@elsewhere": 0,
    }.items():  # fmt: skip
        shown = signed_in.client.get(address_of(group), query_string={"q": wanted}).text
        assert shown.count('id="seat-') >= found
        assert (f"{found}\u00a0licence trouvée" in shown) == bool(found), wanted
