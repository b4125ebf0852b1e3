"""The list of countries is what WTForms would write, and nothing else is accepted."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import Form, SelectField
from wtforms.validators import InputRequired

from web.forms import LongSelectField, Options, choices

pytestmark = pytest.mark.one_database

OFFERED = [("fr", "France"), ("ci", 'Côte d\'"Ivoire" & <b>'), ("<&>", "…"), ("f", "France")]


class Both(Form):
    """The same select, written by the shop and by WTForms."""

    long = LongSelectField("", [InputRequired()], choices=(), name="country", id="country")
    plain = SelectField("", [InputRequired()], name="country", id="country")


def both(*typed: str) -> Both:
    """Return the forms to which ``typed`` was sent."""
    form = Both(MultiDict([("country", each) for each in typed]))
    form.long.options, form.plain.choices = Options(OFFERED), choices(OFFERED)
    return form


@pytest.mark.parametrize("typed", ["fr", "f", "ci", "<&>", "", "xx", 'fr">France', "None"])
def test_a_long_select_is_what_wtforms_writes(app: Flask, typed: str) -> None:
    with app.test_request_context():
        form = both(typed)
        written = str(form.long(class_="select", data_x='"'))
        assert written == str(form.plain(class_="select", data_x='"'))
        assert written.count("selected") == (typed in dict(OFFERED))


@pytest.mark.parametrize("typed", [["fr"], ["<&>"], ["xx"], [""], [], ["xx", "fr"], ["fr", "xx"]])
def test_a_long_select_takes_what_wtforms_takes(app: Flask, typed: list[str]) -> None:
    with app.test_request_context():
        form = both(*typed)
        assert form.validate() == (typed[:1] in (["fr"], ["<&>"]))
        assert form.long.errors == form.plain.errors
