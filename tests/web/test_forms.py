"""Fields are written as WTForms writes them."""

from __future__ import annotations

import pytest
from flask import Flask
from markupsafe import Markup
from wtforms.widgets import Input, html_params

from shop.text import formats
from storefront.forms import RegistrationForm
from web.forms import attributes


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
