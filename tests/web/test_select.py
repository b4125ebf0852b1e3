"""The list of countries is what WTForms would write."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms.widgets import Select

from web.customer_forms import CustomerForm
from web.forms import PlainSelect, choices

pytestmark = pytest.mark.one_database


def test_a_plain_select_is_what_wtforms_writes(app: Flask) -> None:
    with app.test_request_context():
        form = CustomerForm(MultiDict({"country": "fr"}), meta={"csrf": False})
        form.country.choices = choices(
            [("fr", "France"), ("ci", 'Côte d\'"Ivoire" & <b>'), ("", "…")]
        )
        assert isinstance(form.country.widget, PlainSelect)
        plain = str(form.country.widget(form.country))
        assert plain == str(Select()(form.country))
        assert '<option selected value="fr">France</option>' in plain
