"""Publishing at the desk: prices, announcements, contracts; erasure and evidence."""

from __future__ import annotations

import re
import zipfile
from datetime import timedelta
from html import unescape
from io import BytesIO

import pytest
from flask import Flask

from models import Account, Contract, Event, Notice, Offer, Price, Role, StaffAct
from shop import clock
from shop.orders import contracts
from shop.personal_data import evidence
from tests.support import purchases, staff
from tests.support.client import CheckingClient

SOON = timedelta(days=9)


@pytest.fixture
def admin(app: Flask) -> CheckingClient:
    """An administrator's browser."""
    return staff.desk_of(app, email="ada@nuage.example")


def test_a_price_is_set_and_taken_back(app: Flask, admin: CheckingClient) -> None:
    day = clock.today() + SOON
    wrong = staff.confirm(admin, "/desk/prices/new", offer="business", amount="9,999", day=str(day))
    assert wrong.status_code == 422
    assert "par exemple 9,90" in wrong.text
    done = staff.confirm(admin, "/desk/prices/new", offer="business", amount="9,90", day=str(day))
    assert done.location == "/desk/prices"
    price = Price.get(Price.amount_cents == 990)
    assert clock.day_of(price.valid_from) == day
    listed = admin.get("/desk/prices").text
    assert "9,90" in listed
    back = f"/desk/prices/{price.id}/taking-back"
    assert back in listed
    auditor = staff.desk_of(app, Role.AUDITOR)
    seen = auditor.get("/desk/prices").text
    assert "9,90" in seen
    assert back not in seen
    assert "/desk/prices/new" not in seen
    assert staff.confirm(admin, back).location == "/desk/prices"
    again = {"key": StaffAct.get(StaffAct.kind == "price_taken_back").key, "confirmed": "yes"}
    admin.get("/desk/prices")
    assert admin.ask("POST", back, again).location == "/desk/prices"
    assert "Le prix est retiré" in admin.get("/desk/prices").text
    assert not Price.select().where(Price.amount_cents == 990).exists()
    assert {(act.by, act.kind) for act in StaffAct.select()} == {
        ("staff:ada", "price_set"), ("staff:ada", "price_taken_back"),
    }  # fmt: skip


@pytest.mark.one_database
def test_each_price_says_whether_it_is_in_force(app: Flask, admin: CheckingClient) -> None:
    days = {820: -9, 910: SOON.days}
    for cents, later in days.items():
        day = clock.midnight(clock.today() + timedelta(days=later))
        Price.create(offer="business", amount_cents=cents, valid_from=day)
    rows = admin.get("/desk/prices").text.split('<tr role="row">')
    said = {"9,10": "À venir", "8,20": "En vigueur", "8,80": "Remplacée", "12,90": "En vigueur"}
    for amount, state in said.items():
        (row,) = [row for row in rows if amount in row]
        assert state in row, (amount, row)


def test_an_announcement_is_published_once_under_two_clicks_and_taken_back(
    app: Flask, admin: CheckingClient
) -> None:
    address, now = "/desk/announcements/new", clock.now().astimezone(clock.PARIS)
    form = {
        "text_fr": "Maintenance samedi.", "text_en": "Maintenance on Saturday.", "kind": "warning",
        "starts_at": f"{now:%Y-%m-%dT%H:%M}", "ends_at": f"{now + SOON:%Y-%m-%dT%H:%M}",
        "by_email": "yes",
    }  # fmt: skip
    assert staff.confirm(admin, address, **form, reason="").status_code == 422
    assert staff.confirm(admin, address, **form | {"text_en": ""}).status_code == 422
    assert staff.confirm(admin, address, **form).location == "/desk/announcements"
    key = StaffAct.get().key
    again = admin.ask("POST", address, form | {"key": key, "reason": "r", "confirmed": "yes"})
    assert again.location == "/desk/announcements"
    notice = Notice.get()
    assert (notice.text_en, notice.kind, notice.by_email) == (form["text_en"], "warning", True)
    assert notice.starts_at == now.replace(second=0, microsecond=0)
    assert "Affichée" in admin.get("/desk/announcements").text
    back = f"/desk/announcements/{notice.id}/taking-back"
    assert staff.confirm(admin, back).location == "/desk/announcements"
    assert "Retirée" in admin.get("/desk/announcements").text
    assert staff.confirm(admin, back).status_code == 409


@pytest.mark.one_database
def test_a_confirmation_writes_days_and_moments_as_pages_do(admin: CheckingClient) -> None:
    asked = {"key": "k" * 24, "reason": "Prévu"}
    price = {"offer": "business", "amount": "9,90", "day": "2031-01-02"}
    shown = admin.ask("POST", "/desk/prices/new", asked | price).text
    assert "<h1>À confirmer\u00a0: Fixer un prix</h1>" in shown
    assert "2 janvier 2031" in shown
    notice = {
        "text_fr": "Maintenance.", "text_en": "Maintenance.", "kind": "warning",
        "starts_at": "2031-01-02T03:04", "ends_at": "2031-07-02T03:04",
    }  # fmt: skip
    shown = admin.ask("POST", "/desk/announcements/new", asked | notice).text
    assert "02/01/2031 03:04" in shown
    assert "02/07/2031 03:04" in shown


def test_a_contract_is_compared_before_it_is_published(admin: CheckingClient) -> None:
    address = "/desk/contracts/general_terms/new"
    shown = admin.get(address).text
    texts = re.findall(r"<textarea[^>]*>\r?\n?(.*?)</textarea>", shown, re.DOTALL)
    bodies = [unescape(each) for each in texts]
    key = re.search(r'name="key"[^>]*value="([^"]+)"', shown)[1]
    first = contracts.first_day_after_notice()
    form = {
        "title_fr": "Conditions générales", "title_en": "General terms",
        "body_fr": bodies[0] + "\r\n\r\nUn alinéa de plus.", "body_en": bodies[1] + "\n\nOne more.",
        "applies_on": str(first), "reason": "Arrêt du 3 mars", "key": key,
    }  # fmt: skip
    early = admin.ask("POST", address, form | {"applies_on": str(first - timedelta(days=1))})
    assert early.status_code == 422
    compared = admin.ask("POST", address, form)
    assert compared.status_code == 200
    added = re.findall(r"<ins[^>]*>(.*?)</ins>", compared.text, re.DOTALL)
    assert [re.sub(r"<.*?>|\s+", " ", each).split()[-1] for each in added] == ["plus.", "more."]
    assert "<del" not in compared.text
    number = Contract.select().count()
    for _ in range(2):
        done = admin.ask("POST", address, form | {"confirmed": "yes"})
        assert done.location == "/desk/contracts"
    assert Contract.select().count() == number + 2
    version = Contract.select().order_by(Contract.version.desc()).get().version
    assert f"/desk/contracts/general_terms/{version}" in admin.get("/desk/contracts").text
    assert "Un alinéa de plus." in admin.get(f"/desk/contracts/general_terms/{version}").text
    assert admin.get("/desk/contracts/general_terms/99").status_code == 404
    assert admin.get("/desk/contracts/menu/new").status_code == 404


def test_a_customer_is_erased_once_nothing_is_owed(
    app: Flask, admin: CheckingClient, alice: Account
) -> None:
    nic = alice.nic_handle
    found = admin.get(f"/desk/data?nic={nic.upper()}")
    assert found.location == f"/desk/customers/{nic}/erasure"
    assert "Il n’y a pas de client nobody" in admin.get("/desk/data?nic=nobody").text
    shown = admin.get(found.location).text
    assert "Lefèvre" in shown
    assert "pendant dix ans" in shown
    assert staff.confirm(admin, found.location, reason="Demande").location == "/desk/data"
    assert Account.get_by_id(alice.id).last_name == ""
    act = StaffAct.get()
    assert (act.kind, act.reason, act.account_id) == ("account_erased", "Demande", alice.id)
    assert admin.get(found.location).status_code == 404
    sent = {"key": act.key, "reason": "Demande", "confirmed": "yes"}
    admin.get("/desk/data")
    assert admin.ask("POST", found.location, sent).location == "/desk/data"
    assert "Le client est effacé" in admin.get("/desk/data").text
    assert admin.ask("POST", found.location, sent | {"key": "another"}).status_code == 404
    support = staff.desk_of(app, Role.SUPPORT)
    assert "Effacer un client" not in support.get("/desk/data").text


def test_the_evidence_of_an_order_is_downloaded_and_on_record(app: Flask, alice: Account) -> None:
    order = purchases.place(alice, purchases.basket(business=1))
    auditor = staff.desk_of(app, Role.AUDITOR, email="eva@nuage.example")
    address = f"/desk/orders/{order.number}/evidence"
    assert auditor.get(f"/desk/data?number={order.number}").location == address
    assert evidence.public_key() in auditor.get(address).text
    file = auditor.get(f"{address}.zip")
    assert file.headers["Content-Disposition"].endswith(f'"evidence-{order.number}.zip"')
    assert evidence.check_pack(file.data).faults == ()
    assert "order.json" in zipfile.ZipFile(BytesIO(file.data)).namelist()
    assert Event.get(Event.name == "evidence_made").by == "staff:eva"
    assert auditor.get("/desk/orders/nothing/evidence").status_code == 404


@pytest.mark.one_database
def test_the_contracts_say_what_of_the_offers_they_do_not_name(admin: CheckingClient) -> None:
    title = "Ce que disent les offres, et pas le texte le plus récent"
    assert title not in unescape(admin.get("/desk/contracts").text)
    Offer.create(
        code="mini", name="Office 365 Mini", name_fr="Office 365 Petit", product="business",
        applications="Word, Teams", places_limit=77, position=3, on_sale_from=clock.today(),
    )  # fmt: skip
    Offer.create(code="old", name="Office 365 Old", applications="Word", product="business")
    shown = unescape(admin.get("/desk/contracts").text)
    assert title in shown
    assert "Office 365 Petit, Teams, 77, Office 365 Mini" in shown
    assert "Office 365 Old" not in shown
