"""The prices of offers: set, listed, taken back."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired

from desk import access, acts, desk
from desk.acts import Act, ActForm
from shop import clock
from shop.publishing import offers, prices
from shop.text import formats
from web.forms import choices, stripped
from web.htmx import page
from web.languages import current_language


class PriceForm(ActForm):
    """The price of an offer from a day on."""

    offer = SelectField(_l("Offer"))
    amount = StringField(
        _l("Price of a licence a month, excl. VAT (€)"),
        [InputRequired(_l("Enter the price."))],
        filters=[stripped],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    day = DateField(_l("From the day"), [InputRequired(_l("Enter the day it applies from."))])


@desk.get("/prices")
def price_list() -> Response:
    """List every price of every offer, the newest first."""
    return page("desk/prices.html", prices=prices.all_prices())


def _pricing() -> Act:
    return Act(
        title=gettext("Set a price"),
        explanation=gettext(
            "New orders have it from that day on. Running services follow at a renewal that we "
            "announce to their customers 30 days before."
        ),
        button=gettext("Set the price"),
        back=url_for("desk.price_list"),
        done=gettext("The price is set."),
        part="prices",
    )


def _price_form() -> PriceForm:
    form = PriceForm()
    form.offer.choices = choices(
        (each.offer.code, each.offer.name_in(current_language())) for each in offers.all_offers()
    )
    return form


@desk.get("/prices/new")
def new_price() -> Response:
    """Show the form for a price."""
    return acts.show(_price_form(), _pricing())


@desk.post("/prices/new")
def set_price() -> Response:
    """Set a price."""
    form = _price_form()

    def do() -> None:
        assert form.day.data is not None
        cents = prices.read_euros(form.amount.data or "")
        prices.set_price(
            form.offer.data, cents, form.day.data, by=access.actor(), reason=form.given().reason
        )

    subject = f"{form.offer.data} {form.amount.data}"
    return acts.take(form, _pricing(), acts.recorded_once(form, "price_set", subject, do))


def _price_to_take_back(price_id: int) -> tuple[Any, Act]:
    price = prices.find_price(price_id)
    if price is None:
        abort(404)
    lang = current_language()
    act = Act(
        title=gettext("Take a price back"),
        explanation=gettext("It will not apply. The price before it goes on."),
        button=gettext("Take it back"),
        back=url_for("desk.price_list"),
        done=gettext("The price is taken back."),
        effects=(
            (gettext("Offer"), price.offer.name),
            (gettext("Price excl. VAT"), formats.money(price.amount_cents, lang)),
            (gettext("From the day"), formats.day(clock.day_of(price.valid_from), lang)),
        ),
        is_dangerous=True,
        part="prices",
    )
    return price, act


@desk.get("/prices/<int:price_id>/taking-back")
def price_taking_back(price_id: int) -> Response:
    """Show the form that takes a price back."""
    return acts.show(ActForm(), _price_to_take_back(price_id)[1])


@desk.post("/prices/<int:price_id>/taking-back")
def take_price_back(price_id: int) -> Response:
    """Take a price back that does not apply yet and was announced to nobody."""
    before = acts.done_before(gettext("The price is taken back."), url_for("desk.price_list"))
    if before is not None:
        return before
    price, act = _price_to_take_back(price_id)
    form = ActForm()

    def do() -> None:
        prices.take_back(price, by=access.actor(), reason=form.given().reason)

    return acts.take(form, act, acts.recorded_once(form, "price_taken_back", price.offer_id, do))
