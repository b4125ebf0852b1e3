"""The offers at the desk: what each says, the days of its sale, and what was changed of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response, abort, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from desk import access, acts, desk
from desk.acts import Act, ActForm
from desk.publishing.offer_forms import FIELDS, PRODUCTS, DetailsForm, NewOfferForm, SaleForm
from models import Offer, OfferChange, Product
from shop import clock
from shop.publishing import offers
from shop.text import formats
from web.htmx import go_to, page
from web.languages import current_language

STATES = {
    "sold": (_l("On sale"), "good", "check"),
    "to_come": (_l("On sale soon"), "busy", "clock"),
    "over": (_l("No longer on sale"), "calm", "close"),
    "none": (_l("Not on sale"), "calm", "minus"),
}

KINDS = {
    "added": _l("Offer added"), "details": _l("Description changed"),
    "sale": _l("Days of the sale set"), "undone": _l("Last change undone"),
}  # fmt: skip


# --- Reading -----------------------------------------------------------------------------------


@desk.get("/offers")
def offer_list() -> Response:
    """List every offer, on sale or not."""
    return page("desk/offers.html", offers=offers.all_offers(), states=STATES)


@desk.get("/offers/<code>")
def offer_page(code: str) -> Response:
    """Show what an offer says, its sale, and what was changed of it."""
    offer = _found(code)
    state = STATES[offers.state_of(offer, clock.today())]
    changes = [
        (change, KINDS[change.kind], _differences(change)) for change in offers.history(offer)
    ]
    return page(
        "desk/offer.html", offer=offer, state=state, changes=changes,
        facts=_facts(offer), product=PRODUCTS[Product(offer.provider_product)],
        can_undo=offers.last_change(offer) is not None,
    )  # fmt: skip


def _found(code: str) -> Offer:
    return offers.find_offer(code) or abort(404)


def _facts(offer: Offer) -> list[tuple[str, str]]:
    return [(str(label), _said(name, getattr(offer, name))) for name, label in FIELDS.items()]


def _differences(change: OfferChange) -> list[tuple[str, str, str]]:
    """Return the label, the old and the new value of each column that a change changed."""
    old, new = offers.before(change), offers.after(change)
    return [
        (str(label), _said(name, old[name]), _said(name, new[name]))
        for name, label in FIELDS.items()
        if name in old and old[name] != new[name]
    ]


def _said(name: str, value: Any) -> str:
    """Return a column's value as text."""
    if value is None or value == "":
        return gettext("unlimited") if name == "places_limit" else "–"
    if name.startswith("on_sale"):
        return formats.day(value, current_language())
    return str(value)


# --- Adding ------------------------------------------------------------------------------------


def _adding() -> Act:
    return Act(
        title=gettext("Add an offer"),
        explanation=gettext(
            "It is not on sale yet: set a price and the days of its sale next. Its code and the "
            "product of the provider never change."
        ),
        button=gettext("Add the offer"),
        back=url_for("desk.offer_list"),
        done=gettext("The offer is added."),
        part="offers",
    )


@desk.get("/offers/new")
def new_offer() -> Response:
    """Show the form for an offer."""
    form = NewOfferForm()
    form.position.data = str(offers.next_position())
    return acts.show(form, _adding())


@desk.post("/offers/new")
def add_offer() -> Response:
    """Add an offer."""
    form = NewOfferForm()
    code, product = form.code.data or "", form.product.data

    def checked() -> Act:
        offers.read_code(code)
        return replace(_adding(), preview=form.draft(code, product))

    def do() -> None:
        details, reason = form.details(product), form.given().reason
        offers.add(code, product, details, by=access.actor(), reason=reason)

    done_once = acts.recorded_once(form, "offer_added", code, do)
    return acts.take(form, _adding(), done_once, checked=checked)


# --- Changing ----------------------------------------------------------------------------------


def _act(offer: Offer, **more: Any) -> Act:
    return Act(back=url_for("desk.offer_page", code=offer.code), part="offers", **more)


def _at(code: str, version: int) -> Offer:
    """Return an offer as its page showed it: of another version nothing can be saved."""
    offer = _found(code)
    offer.version = version
    return offer


def _moved_on(offer: Offer, version: int, endpoint: str) -> Response | None:
    """Return the way to the form of what is there now, if that is another version."""
    if offer.version == version:
        return None
    return go_to(url_for(endpoint, code=offer.code, version=offer.version))


def _describing(offer: Offer) -> Act:
    return _act(
        offer,
        title=gettext(
            "Change the description of %(offer)s", offer=offer.name_in(current_language())
        ),
        explanation=gettext(
            "Pages and new orders have it at once; orders and invoices that were made keep the "
            "name they have. Groups that hold more than a lower limit keep their licences, and "
            "none can be added to them."
        ),
        button=gettext("Change the description"),
        done=gettext("The description is changed."),
    )


@desk.get("/offers/<code>/<int:version>/description")
def offer_description(code: str, version: int) -> Response:
    """Show the form of what an offer says."""
    offer = _found(code)
    if moved := _moved_on(offer, version, "desk.offer_description"):
        return moved
    form = DetailsForm()
    for name in ("name", "name_fr", "applications", "places_limit", "position"):
        value = getattr(offer, name)
        form[name].data = "" if value is None else str(value)
    return acts.show(form, _describing(offer))


@desk.post("/offers/<code>/<int:version>/description")
def describe_offer(code: str, version: int) -> Response:
    """Change what an offer says."""
    offer, form = _at(code, version), DetailsForm()

    act, product = _describing(offer), offer.provider_product

    def checked() -> Act:
        return replace(act, preview=form.draft(code, product))

    def do() -> None:
        details, reason = form.details(product), form.given().reason
        offers.change_details(offer, details, by=access.actor(), reason=reason)

    return acts.take(
        form, act, acts.recorded_once(form, "offer_details", code, do), checked=checked
    )


def _selling(offer: Offer) -> Act:
    return _act(
        offer,
        title=gettext(
            "Set the days of the sale of %(offer)s", offer=offer.name_in(current_language())
        ),
        explanation=gettext(
            "Before and after these days nobody can order a new group of it. Groups that "
            "customers have renew, and licences can be added to them; orders that await their "
            "payment can be paid."
        ),
        button=gettext("Set the days"),
        done=gettext("The days of the sale are set."),
        effects=tuple(
            (gettext("Until now: %(what)s", what=label), _said(name, getattr(offer, name)))
            for name, label in FIELDS.items()
            if name.startswith("on_sale")
        ),
    )


@desk.get("/offers/<code>/<int:version>/sale")
def offer_sale(code: str, version: int) -> Response:
    """Show the form of the days of a sale."""
    offer = _found(code)
    if moved := _moved_on(offer, version, "desk.offer_sale"):
        return moved
    form = SaleForm()
    form.on_sale_from.data, form.on_sale_until.data = offer.on_sale_from, offer.on_sale_until
    return acts.show(form, _selling(offer))


@desk.post("/offers/<code>/<int:version>/sale")
def sell_offer(code: str, version: int) -> Response:
    """Set the days of a sale."""
    offer, form = _at(code, version), SaleForm()

    act = _selling(offer)

    def checked() -> Act:
        offers.check_sale(offer, form.sale())
        return replace(act, preview=offer)

    def do() -> None:
        offers.set_sale(offer, form.sale(), by=access.actor(), reason=form.given().reason)

    return acts.take(form, act, acts.recorded_once(form, "offer_sale", code, do), checked=checked)


def _undoing(offer: Offer) -> Act:
    change = offers.last_change(offer)
    return _act(
        offer,
        title=gettext("Undo the last change of %(offer)s", offer=offer.name_in(current_language())),
        explanation=gettext("What was there before applies again, from now on."),
        button=gettext("Undo the change"),
        done=gettext("The change is undone."),
        effects=tuple(
            (label, f"{new} → {old}")
            for label, old, new in (_differences(change) if change else ())
        ),
        is_dangerous=True,
    )


@desk.get("/offers/<code>/<int:version>/undoing")
def offer_undoing(code: str, version: int) -> Response:
    """Show the form that undoes the last change."""
    offer = _found(code)
    if moved := _moved_on(offer, version, "desk.offer_undoing"):
        return moved
    return acts.show(ActForm(), _undoing(offer))


@desk.post("/offers/<code>/<int:version>/undoing")
def undo_offer_change(code: str, version: int) -> Response:
    """Undo the last change."""
    offer, form = _at(code, version), ActForm()

    def do() -> None:
        offers.undo(offer, by=access.actor(), reason=form.given().reason)

    return acts.take(form, _undoing(offer), acts.recorded_once(form, "offer_undone", code, do))
