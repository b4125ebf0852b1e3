"""Fields are written as WTForms writes them, and refuse values in the shop's words."""

from __future__ import annotations

from typing import Any

import pytest
from babel.support import Translations
from flask import Flask
from markupsafe import Markup
from wtforms import DateField, DateTimeLocalField, IntegerField, RadioField, SelectField
from wtforms.fields.core import UnboundField
from wtforms.i18n import messages_path
from wtforms.widgets import Input, html_params

from shop.text import formats
from storefront.forms import RegistrationForm
from web.forms import LongSelectField, ShopForm, attributes, choices


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "city", "value": "L’Haÿ-les-Roses", "id": "field-city"},
        {"value": "\"<b>\" & 'c'"},
        {"value": Markup('&amp; "quoted"')},
        {"class_": "a b", "for_": "x", "data_a_b": 1, "aria_label_": "c", "max_length": 3},
        {"required": True, "disabled": False, "checked": None, "size": 0, "value": ""},
    ],
)
def test_attributes_are_those_of_wtforms(given: dict[str, object]) -> None:
    written = attributes(**given)
    assert written == html_params(**given)
    assert isinstance(written, Markup)


def test_a_form_is_written_with_them(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.test_request_context("/fr/order/account"):
        form = RegistrationForm.empty("fr")
        ours = [str(field()) for field in form]
        monkeypatch.setattr(Input, "html_params", staticmethod(html_params))
        assert ours == [str(field()) for field in form]


def test_countries_are_written_in_the_language_of_the_page(app: Flask) -> None:
    for language, germany in (("fr", "Allemagne"), ("en", "Germany"), ("fr", "Allemagne")):
        with app.test_request_context(f"/{language}/order/account"):
            form = RegistrationForm.empty(language)
            written = str(form.country())
        assert f'<option value="DE">{germany}</option>' in written
        assert '<option selected value="FR">' in written
        assert written.count("<option") == len(formats.countries(language))


def every_field() -> list[UnboundField[Any]]:
    """Return the fields of every form of the shop."""
    waiting = [ShopForm]
    found: list[UnboundField[Any]] = []
    while waiting:
        form = waiting.pop()
        waiting += form.__subclasses__()
        found += [field for field in vars(form).values() if isinstance(field, UnboundField)]
    return found


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_value_that_a_field_cannot_read_is_refused_in_a_sentence_of_the_shop(
    app: Flask, language: str
) -> None:
    foreign = {
        sentence
        for catalogue in ("fr", "en")
        for message in Translations.load(messages_path(), [catalogue], "wtforms")._catalog.items()
        for sentence in message
        if sentence
    }
    assert "Not a valid choice." in foreign
    kinds = {field.field_class for field in every_field()}
    refused = set()
    for kind in kinds:
        offered = {"choices": choices([("a", "A")])} if issubclass(kind, SelectField) else {}
        field = kind("Field", **offered)
        form_class = type("ProbeForm", (ShopForm,), {"probe": field})
        with app.test_request_context(f"/{language}/", method="POST", data={"probe": "<forged>"}):
            form = form_class()
            form.validate()
            said = form.errors.get("probe", [])
        assert not foreign.intersection(map(str, said)), kind
        assert not any("'" in sentence for sentence in said), kind
        refused |= {kind} if said else set()
    readers = {SelectField, LongSelectField, RadioField, DateField, IntegerField}
    assert {*readers, DateTimeLocalField} <= refused
