"""Offers at the desk: added, described, sold, undone; by administrators, for all to read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from models import Offer, OfferChange, Price, Role, StaffAct
from shop import clock
from shop.pricing import catalogue
from tests.support import staff
from tests.support.client import CheckingClient

MINI = {
    "code": "mini", "product": "business", "name": "Office 365 Mini", "name_fr": "Office 365 Petit",
    "applications": "Word,  Teams", "places_limit": "5", "position": "3",
}  # fmt: skip


@pytest.fixture
def admin(app: Flask) -> CheckingClient:
    """An administrator's browser."""
    return staff.desk_of(app, email="ada@nuage.example")


def saved(code: str) -> Offer:
    return Offer.get_by_id(code)


def details(code: str = "business", **changed: str) -> dict[str, str]:
    """Return the form of what an offer says, as it is now."""
    row = saved(code)
    columns = ("name", "name_fr", "applications", "places_limit", "position")
    return {name: str(getattr(row, name) or "") for name in columns} | changed


def test_an_offer_is_added_priced_and_sold(admin: CheckingClient) -> None:
    shown = admin.get("/desk/offers/new").text
    assert 'value="3"' in shown, "the place after the others"
    preview = admin.ask("POST", "/desk/offers/new", MINI | {"key": "k" * 24, "reason": "Équipes"})
    assert preview.status_code == 200
    for said in ("Office 365 Petit", "Office 365 Mini", "Teams", "jusqu’à 5 licences"):
        assert said.replace("5 l", "5\u00a0l") in preview.text, said
    assert not Offer.select().where(Offer.code == "mini").exists()
    assert staff.confirm(admin, "/desk/offers/new", **MINI).location == "/desk/offers"
    assert saved("mini").applications == "Word, Teams"
    listed = admin.get("/desk/offers").text
    assert "Office 365 Petit" in listed
    assert "Pas en vente" in listed
    sale = "/desk/offers/mini/1/sale"
    today = str(clock.today())
    unpriced = staff.confirm(admin, sale, on_sale_from=today, on_sale_until="")
    assert unpriced.status_code == 422
    assert "Il n’y a pas de prix pour le premier jour de vente" in unpriced.text
    assert f'value="{today}"' in unpriced.text
    assert "Office 365 Petit" in admin.get("/desk/prices/new").text
    Price.create(offer="mini", amount_cents=450, valid_from=catalogue.SHIPPED_FROM)
    assert staff.confirm(admin, sale, on_sale_from=today, on_sale_until="").location == (
        "/desk/offers/mini"
    )
    assert admin.get("/fr/office-365-mini").status_code == 200
    assert "En vente" in admin.get("/desk/offers/mini").text
    kinds = StaffAct.select(StaffAct.kind, StaffAct.by, StaffAct.subject).order_by(StaffAct.id)
    assert list(kinds.tuples()) == [
        ("offer_added", "staff:ada", "mini"), ("offer_sale", "staff:ada", "mini"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"code": "Mini!"}, "au plus 16\u00a0lettres minuscules"),
        ({"code": "business"}, "aucun code ne sert deux fois"),
        ({"name": "Office 365 Business"}, "Une autre offre porte ce nom."),
        ({"applications": ","}, "séparées par des virgules"),
        ({"places_limit": "301"}, "au plus 300\u00a0licences"),
        ({"places_limit": ""}, "au plus 300\u00a0licences"),
        ({"position": "first"}, "de 1 à 999"),
        ({"name": ""}, "Indiquez le nom"),
        ({"name": "x" * 65}, "x" * 64),
        ({"product": "none"}, "Choisissez l’une des options."),
    ],
)
def test_what_is_not_valid_is_said_at_its_field_and_kept(
    admin: CheckingClient, typed: dict[str, str], said: str
) -> None:
    answer = staff.confirm(admin, "/desk/offers/new", **MINI | typed)
    assert answer.status_code == 422
    assert said in answer.text
    (name,) = typed
    assert f'id="field-{name}"' in answer.text
    assert "field-invalid" in answer.text.partition(f'id="field-{name}"')[0][-120:]
    assert "Word,  Teams" in answer.text or name == "applications"
    assert not OfferChange.select().exists()


def test_a_description_is_changed_once_under_two_clicks_and_undone(
    admin: CheckingClient,
) -> None:
    address = "/desk/offers/business/1/description"
    form = details(name="Office 365 Affaires", places_limit="100")
    assert staff.confirm(admin, address, **form, reason="").status_code == 422
    assert staff.confirm(admin, address, **form).location == "/desk/offers/business"
    key = StaffAct.get().key
    again = admin.ask("POST", address, form | {"key": key, "reason": "r", "confirmed": "yes"})
    assert again.location == "/desk/offers/business"
    assert OfferChange.select().count() == 1
    assert "Office 365 Affaires" in admin.get("/fr/").text
    shown = admin.get("/desk/offers/business").text
    assert "Office 365 Business → Office 365 Affaires" in shown
    assert "300 → 100" in shown
    assert "Asked by telephone" in shown
    undoing = "/desk/offers/business/2/undoing"
    assert "Office 365 Affaires → Office 365 Business" in admin.get(undoing).text
    assert staff.confirm(admin, undoing).location == "/desk/offers/business"
    assert (saved("business").name, saved("business").places_limit) == ("Office 365 Business", 300)
    assert "/undoing" not in admin.get("/desk/offers/business").text


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    app: Flask, admin: CheckingClient
) -> None:
    address, other = "/desk/offers/business/1/description", staff.desk_of(app)
    key = {"key": "a" * 24, "reason": "Nom"}
    form = details(name="Office 365 Firmes") | key
    assert admin.ask("POST", address, form).status_code == 200
    done = staff.confirm(other, address, **details(name="Office 365 Affaires"))
    assert done.status_code == 303
    late = admin.ask("POST", address, form | {"confirmed": "yes"})
    assert late.status_code == 409
    assert "Quelqu’un d’autre vient de modifier cette offre" in late.text
    assert "Office 365 Firmes" in late.text
    assert saved("business").name == "Office 365 Affaires"
    assert StaffAct.select().count() == 1
    assert admin.get(address).location == "/desk/offers/business/2/description"


def test_a_sale_is_ended_at_once_and_taken_up_again(admin: CheckingClient) -> None:
    first, today = str(saved("business").on_sale_from), clock.today()
    address = "/desk/offers/business/1/sale"
    wrong = staff.confirm(
        admin, address, on_sale_from=first, on_sale_until=str(today - timedelta(days=1))
    )
    assert wrong.status_code == 422
    assert "au plus tôt aujourd’hui" in wrong.text
    moved = staff.confirm(admin, address, on_sale_from=str(today), on_sale_until="")
    assert "La vente a commencé" in moved.text
    done = staff.confirm(admin, address, on_sale_from=first, on_sale_until=str(today))
    assert done.location == "/desk/offers/business"
    assert "Plus en vente" in admin.get("/desk/offers").text
    assert "office-365-business" not in admin.get("/fr/").text
    assert staff.confirm(admin, "/desk/offers/business/2/undoing").status_code == 303
    assert "office-365-business" in admin.get("/fr/").text


def test_others_read_offers_and_change_none(app: Flask) -> None:
    for role in (Role.SUPPORT, Role.BILLING, Role.AUDITOR):
        reader = staff.desk_of(app, role)
        assert "Office 365 Pro Plus" in reader.get("/desk/offers").text
        shown = reader.get("/desk/offers/pro_plus").text
        assert "Power BI" in shown
        assert "/desk/offers/pro_plus/1/" not in shown
        assert "/desk/offers/new" not in reader.get("/desk/offers").text
        assert reader.get("/desk/offers/pro_plus/1/sale").status_code == 403


def test_an_unknown_offer_is_not_found(admin: CheckingClient) -> None:
    for act in ("", "/1/description", "/1/sale", "/1/undoing"):
        assert admin.get(f"/desk/offers/nothing{act}").status_code == 404


def test_the_desk_shows_offers_in_english(app: Flask) -> None:
    admin = staff.desk_of(app, language="en")
    assert "Add an offer" in admin.get("/desk/offers").text
    assert staff.confirm(admin, "/desk/offers/new", **MINI).status_code == 303
    shown = admin.get("/desk/offers/mini").text
    assert "Not on sale" in shown
    assert "Office 365 Petit" in shown
