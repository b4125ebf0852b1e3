"""« Commander une plateforme › O365 »: licences for a new group or for an existing one (guide)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext

from manager import manager
from manager.forms import OrderForm
from models import LicenceGroup
from shop.errors import N_, Refusal
from shop.licences import groups, reservations
from shop.orders import additions, baskets, on_sale
from shop.orders.additions import AdditionOrder, AdditionRequest
from shop.orders.baskets import Basket, BasketOrder
from shop.orders.placing import OrderKind
from shop.pricing.catalogue import PricedOffer
from shop.pricing.displayed import vat_beside_prices
from web import auth, contract_step, lookups, offers
from web.forms import choices
from web.htmx import go_to, page
from web.languages import sentence
from web.offers import Offers

NEW_GROUP = "new"


@dataclass(frozen=True)
class Choice:
    """A customer's choice: a number of licences of an offer, for a group or a new one."""

    offer: str
    quantity: int
    group: LicenceGroup | None
    basket: str

    def arguments(self) -> dict[str, Any]:
        """Return the URL arguments that describe the choice."""
        chosen = {"offer": self.offer, "quantity": self.quantity, "basket": self.basket}
        return chosen | ({"group": self.group.name} if self.group else {})

    @cached_property
    def ordered(self) -> OrderKind:
        """Return what is ordered: a new group for a month, or licences up to a group's renewal."""
        customer = auth.customer()
        if self.group:
            return AdditionOrder(customer, AdditionRequest(self.group, self.quantity, self.basket))
        return BasketOrder(customer, Basket(self.basket, {self.offer: self.quantity}))


# --- Choosing ----------------------------------------------------------------------------------


@manager.get("/manager/order")
def order_platform() -> Response:
    """List the platforms that can be ordered: Office 365."""
    return go_to(url_for("manager.order_office"))


@manager.get("/manager/order/office")
def order_office() -> Response:
    """Show the form for type, number and group; a link on a group's page fills it in."""
    return _choice_page(_form())


@manager.get("/manager/order/office/choice")
def order_choice() -> Response:
    """Return what depends on the choice while it is made (htmx): groups, free places, price."""
    return _choice_page(_form(), partial="manager/_order_choice.html")


@manager.post("/manager/order/office")
def choose_office() -> Response:
    """Continue to the contracts, or show what is wrong at each field."""
    form = _form()
    choice = _read(form)
    if choice is None:
        return _choice_page(form, status=422)
    return go_to(url_for("manager.order_contracts", **choice.arguments()))


def _form() -> OrderForm:
    """Return the form as filled in by the URL or the customer; a chosen group sets the type."""
    given = request.values
    form, named = OrderForm(formdata=None), given.get("group") or NEW_GROUP
    wanted = given.get("offer", "")
    if named != NEW_GROUP and "offer" not in given:
        wanted = lookups.own_group(named).offer_id
    form.types = _types(wanted)
    form.offer.choices = choices((code, _type(each)) for code, each in form.types.items())
    form.offer.data = wanted if wanted in form.types else next(iter(form.types))
    form.basket.data = _basket(given.get("basket", ""))
    form.held = reservations.held_by_basket(auth.customer().id, form.basket.data)
    existing = "" if named == NEW_GROUP else named
    there = groups.groups_open_to_additions(auth.customer(), form.offer.data, existing)
    described = {
        found.name: _described(found, additions.places_free(found, form.held)) for found in there
    }
    offered = {NEW_GROUP: gettext("New group")} | described
    if described and not form.types[form.offer.data].is_on_sale:
        del offered[NEW_GROUP]
    form.group.choices = choices(offered.items())
    form.group.data = named if named in offered else next(iter(offered))
    form.quantity.data = given.get("quantity", "1")[:40]
    form.moved = form.group.data != named
    form.ended = (
        NEW_GROUP in (named, form.group.data) and not form.types[form.offer.data].is_on_sale
    )
    form.closed = form.moved and _is_of(form.offer.data, named)
    return form


def _types(wanted: str) -> Offers:
    """Return the offers that the form shows, by code.

    Those on sale, the one that the customer asks for, and others of which they have a group.
    """
    every = offers.priced()
    ended = [code for code, offer in every.items() if not offer.is_on_sale and code != wanted]
    kept = groups.offers_open_to_additions(auth.customer(), ended)
    shown = {code: each for code, each in every.items() if code not in ended or code in kept}
    return shown or every


def _type(offer: PricedOffer) -> str:
    """Return what the type of a licence is called in the manager (design)."""
    return gettext("%(offer)s licences", offer=offer.name.replace("Office 365 ", "Office "))


def _is_of(offer: str, named: str) -> bool:
    """Return whether a group of that name is the customer's, and of that offer."""
    found = groups.find_group(auth.customer(), named)
    return found is not None and found.offer_id == offer


def _chosen(form: OrderForm) -> LicenceGroup | None:
    """Return the group that the licences are for; None for a new one."""
    return lookups.own_group(form.group.data) if form.group.data != NEW_GROUP else None


def _described(found: LicenceGroup, free: int | None) -> str:
    if free is None:
        return gettext("%(name)s (unlimited)", name=found.display_name)
    return gettext("%(name)s (%(free)d free places)", name=found.display_name, free=free)


def _basket(name: str) -> str:
    return name if baskets.is_name(name) else baskets.new_name()


def _read(form: OrderForm, *, typing: bool = False) -> Choice | None:
    """Return the choice; None if it is invalid, with a message at its field.

    While ``typing``, a change of the type leads to a new group. The link to change an order of
    licences for a group never does.
    """
    if form.ended and not (typing and form.group.data != NEW_GROUP):
        form.refuse(_at_offer(form.types[form.offer.data]))
        return None
    if form.closed:
        form.refuse(Refusal(reservations.CLOSED, "group"))
        return None
    if form.moved and not typing:
        form.refuse(Refusal(N_("Choose a group of this type, or a new one."), "group"))
        return None
    code = form.offer.data
    group = _chosen(form)
    try:
        quantity = _quantity(form, group)
        choice = Choice(code, quantity, group, form.basket.data or "")
        choice.ordered.check_amount()
    except Refusal as refusal:
        form.refuse(refusal if refusal.field == "group" else _at_quantity(refusal))
        return None
    return choice


def _at_offer(ended: PricedOffer) -> Refusal:
    return Refusal(on_sale.CHOOSE_ANOTHER, "offer", offer=ended.name)


def _at_quantity(refusal: Refusal) -> Refusal:
    return Refusal(refusal.sentence, "quantity", **refusal.values)


def _quantity(form: OrderForm, group: LicenceGroup | None) -> int:
    typed = form.quantity.data or ""
    if not typed.strip():
        raise Refusal(N_("Choose at least one licence."))
    if group is not None:
        return additions.read_quantity(typed, group, form.held, form.types[group.offer_id])
    quantity = baskets.read_quantity(typed, form.types[form.offer.data])
    if not quantity:
        raise Refusal(N_("Choose at least one licence."))
    return quantity


def _choice_page(form: OrderForm, *, partial: str = "", status: int = 200) -> Response:
    choice = _read(form, typing=True) if status == 200 else None
    group = choice.group if choice else _chosen(form)
    return page(
        "manager/order_office.html",
        partial,
        status=status,
        form=form,
        quote=choice.ordered.quote if choice else None,
        chosen=group,
        free=additions.places_free(group, form.held) if group else None,
        renewal=additions.renewal_of(group) if choice and group else None,
        offer=form.types[form.offer.data],
        offers=form.types,
        shown_vat=vat_beside_prices(auth.account()),
    )


# --- Contracts and confirmation ----------------------------------------------------------------


def _choice_of_address() -> Choice | None:
    """Return the choice in the URL of the contract step; None if it is not valid any more."""
    return _read(_form())


@manager.get("/manager/order/office/contracts")
def order_contracts() -> Response:
    """Show the contracts to accept, the amount charged, and the end of the period."""
    choice = _choice_of_address()
    if choice is None:
        return go_to(url_for("manager.order_office", **_given()))
    return _contracts_page(choice)


def _given() -> dict[str, Any]:
    names = ("offer", "quantity", "group", "basket")
    return {name: request.values[name][:100] for name in names if name in request.values}


@manager.post("/manager/order/office/contracts")
def confirm_office() -> Response:
    """Place the order, once, and show it (guide: « Générer le bon de commande »)."""
    choice = _confirmed_choice()
    try:
        order = contract_step.place(choice.ordered, auth.customer().language)
    except Refusal as refusal:
        return _contracts_page(choice, sentence(refusal), refusal.status)
    return go_to(url_for("manager.order", number=order.number))


def _confirmed_choice() -> Choice:
    """Return the choice being confirmed, without checking the places left.

    Placing the order checks them: the same order may have been placed by an earlier click.
    """
    named, form = request.values.get("group") or NEW_GROUP, _form()
    group = lookups.own_group(named) if named != NEW_GROUP else None
    code = group.offer_id if group else form.offer.data
    quantity = baskets.read_quantity(form.quantity.data or "", offers.priced()[code])
    return Choice(code, max(quantity, 1), group, form.basket.data or "")


def _contracts_page(choice: Choice, error: str = "", status: int = 200) -> Response:
    return page(
        "manager/order_contracts.html",
        status=status,
        choice=choice,
        arguments=choice.arguments(),
        quote=choice.ordered.quote,
        renewal=additions.renewal_of(choice.group) if choice.group else None,
        **contract_step.shown(auth.customer().language),
        error=error,
    )
