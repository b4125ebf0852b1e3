"""The language of the desk is chosen on each page, and no form loses what was typed by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest
from flask import Flask

from models import Account, Contract, Role, StaffAccount
from tests.desk.test_acts import pages, written
from tests.shop.operations.test_today import have_a_bad_day
from tests.support import staff
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient
from tests.support.strict_html import Reader

pytestmark = pytest.mark.one_database

Typed = dict[str, str]

READER = Reader()
LEFT_ALONE = {"hidden", "password", "file", "search"}
"""Fields that nobody types in, that hold a secret, and those that no page can be sent with."""
WORTH = {
    "date": "2027-03-01", "datetime-local": "2027-03-01T08:30", "textarea": "Une moitié de texte",
    "text": "Tapé à moitié", "email": "zoe@", "checkbox": "yes",
}  # fmt: skip


def forms(shown: str) -> Iterator[Element]:
    """Return the forms of a page's main part that change something."""
    root, _ = READER.read(shown, is_partial=False)
    main = next(each for each in root.iter("main"))
    for form in main.iter("form"):
        if form.get("method") == "post" and "hidden" not in form.attrib:
            yield form


def fields(form: Element) -> Iterator[tuple[str, Element]]:
    """Return the kind of each field somebody fills in, with the field."""
    for each in form.iter():
        kind = each.get("type", "text") if each.tag == "input" else each.tag
        if kind in {*WORTH, "select"} and kind not in LEFT_ALONE:
            yield kind, each


def half_filled(form: Element) -> Typed:
    """Return what a member types in each field, and what the form sends by itself."""
    hidden = {
        each.get("name", ""): each.get("value", "")
        for each in form.iter("input")
        if each.get("type") == "hidden" and each.get("name") != "csrf_token"
    }
    return hidden | {
        each.get("name", ""): list(each.iter("option"))[-1].get("value", "")
        if kind == "select" else WORTH[kind]
        for kind, each in fields(form)
    }  # fmt: skip


def kept(form: Element) -> Typed:
    """Return what the fields of a form hold."""
    return {each.get("name", ""): _held(kind, each) for kind, each in fields(form)}


def _held(kind: str, field: Element) -> str:
    if kind == "textarea":
        return (field.text or "").removeprefix("\n").replace("\r", "")
    if kind == "checkbox":
        return field.get("value", "") if "checked" in field.attrib else ""
    if kind == "select":
        options = list(field.iter("option"))
        chosen = [each for each in options if "selected" in each.attrib] or options[:1]
        return chosen[0].get("value", "")
    return field.get("value", "")


def choose(client: CheckingClient, shown: str, form: Element, typed: Typed, code: str) -> str:
    """Press a language beside a half-filled form of a page; return the page that comes."""
    button = rf'form="{form.attrib["id"]}"\s+name="in_language"\s+value="{code}"'
    assert re.search(button, shown), form.get("action")
    answer = client.ask("POST", form.attrib["action"], typed | {"in_language": code})
    assert answer.status_code == 200, form.get("action")
    assert f'<html lang="{code}"' in answer.text
    return answer.text


def test_every_form_comes_back_as_it_was_left(app: Flask, alices: Belongings) -> None:
    have_a_bad_day(alices)
    client = staff.desk_of(app, Role.ADMINISTRATOR)
    found = pages(client, alices)
    before, tried = written(), 0
    for address, shown in found.items():
        for form in forms(shown):
            typed = half_filled(form)
            if not kept(form):
                continue
            back = choose(client, shown, form, typed, "en")
            [again] = [each for each in forms(back) if each.get("id") == form.get("id")]
            assert kept(again) == {name: typed[name] for name in kept(form)}, address
            assert 'aria-invalid="true"' not in back, address
            choose(client, back, again, typed, "fr")
            tried += 1
    assert written() == before
    assert tried > 20


def filled_in(client: CheckingClient, address: str, **values: str) -> tuple[str, Typed]:
    """Return the step that confirms an act, and what its form sends."""
    [form] = forms(client.get(address).text)
    typed = half_filled(form) | {"reason": "Asked by telephone"} | values
    return client.ask("POST", address, typed).text, typed | {"confirmed": "yes"}


def test_a_step_that_confirms_is_shown_in_the_other_language(
    app: Flask, alices: Belongings
) -> None:
    client = staff.desk_of(app, Role.SUPPORT)
    address = f"/desk/customers/{alices.account.nic_handle}/acts/block"
    shown, sent = filled_in(client, address)
    assert "À confirmer" in shown
    [form] = forms(shown)
    before = written()
    english = choose(client, shown, form, sent, "en")
    assert "To be confirmed" in english
    assert "Asked by telephone" in english
    assert written() == before
    [form] = forms(english)
    assert client.ask("POST", form.attrib["action"], half_filled(form)).status_code == 303
    assert Account.get_by_id(alices.account.id).blocked_at


def test_a_contract_of_any_length_is_kept(app: Flask) -> None:
    client = staff.desk_of(app, Role.ADMINISTRATOR)
    address = "/desk/contracts/general_terms/new"
    texts = {"body_fr": "Texte. " * 9999 + "fin", "body_en": "Text. " * 9999 + "end"}
    before = Contract.select().count()
    shown = client.get(address).text
    [form] = forms(shown)
    half = half_filled(form) | {"applies_on": "", "reason": ""} | texts
    back = choose(client, shown, form, half, "en")
    [again] = forms(back)
    assert {name: kept(again)[name] for name in texts} == texts
    full = half | {"applies_on": "2029-01-01", "reason": "New law"}
    compared = client.ask("POST", address, full).text
    [form] = forms(compared)
    french = choose(client, compared, form, half_filled(form), "fr")
    assert "À confirmer" in french
    assert {name: half_filled(next(forms(french)))[name] for name in texts} == texts
    assert Contract.select().count() == before


def test_the_way_back_is_kept_where_the_password_is_asked_for(app: Flask) -> None:
    client = staff.desk_of(app, Role.AUDITOR)
    shown = client.get("/desk/account/confirmation?next=/desk/account/application").text
    [form] = forms(shown)
    back = choose(client, shown, form, half_filled(form) | {"password": "halfway"}, "en")
    assert half_filled(next(forms(back)))["next"] == "/desk/account/application"
    assert "halfway" not in back


def test_a_page_without_a_form_has_one_for_the_language(app: Flask) -> None:
    client = staff.desk_of(app, Role.AUDITOR)
    answer = client.ask("POST", "/desk/language", {"language": "en", "next": "/desk/money"})
    assert answer.location == "/desk/money"
    assert '<html lang="en"' in client.get("/desk/money").text
    assert StaffAccount.get().language == "en"


def test_no_language_but_ours_is_chosen(app: Flask) -> None:
    client = staff.desk_of(app, Role.SUPPORT)
    client.ask("POST", "/desk/account/confirmation", {"in_language": "de"})
    assert StaffAccount.get().language == "fr"


def test_no_other_site_chooses_a_language(app: Flask) -> None:
    client = staff.desk_of(app, Role.SUPPORT)
    forged = {"X-CSRFToken": "forged"}
    answer = client.post("/desk/account/confirmation", headers=forged, data={"in_language": "en"})
    assert answer.status_code == 400
    assert StaffAccount.get().language == "fr"
