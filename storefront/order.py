"""The order's steps: quantities, summary, contracts. The basket travels in the address."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, request, session, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from shop.errors import Refusal
from shop.orders import baskets
from shop.orders.baskets import Basket, BasketOrder, InvalidBasket, is_name, new_name, read
from shop.orders.placing import Quote
from shop.pricing import catalogue
from shop.pricing.money import TooLarge
from shop.text import templates
from storefront import storefront
from web import auth, contract_step
from web.htmx import go_to, page, wants_partial
from web.languages import sentence

Offers = dict[str, catalogue.PricedOffer]
"""The offers on sale by their codes."""


# --- The basket in the address -----------------------------------------------------------------


def basket_arguments(basket: Basket) -> dict[str, str]:
    """How a basket is written in the address of a step."""
    numbers = {code: str(number) for code, number in basket.quantities.items()}
    return {"basket": basket.name} | numbers


def typed_numbers(source: MultiDict[str, str], offers: Offers) -> dict[str, str]:
    """What was typed for each offer."""
    return {code: source.get(code, "")[:40] for code in offers}


def basket_of_address() -> Basket | None:
    """The basket the address of this step names, if it names a valid one."""
    offers = catalogue.offers()
    try:
        typed = typed_numbers(request.values, offers)
        return read(request.values.get("basket", ""), typed, offers)
    except InvalidBasket:
        return None


def step(name: str, lang: str, basket: Basket) -> str:
    """The address of a step for a basket."""
    values: dict[str, Any] = basket_arguments(basket) | {"lang": lang}
    return url_for(f"storefront.{name}", **values)


def back_to_start(lang: str) -> Response:
    """A step without a basket begins at the beginning."""
    flash(gettext("Choose your licences first."), "info")
    return make_response(redirect(url_for("storefront.quantities", lang=lang), 303))


def _remember(basket: Basket) -> None:
    session["basket"] = basket_arguments(basket)


def forget_basket(basket: Basket) -> None:
    """The basket is ordered: the order page starts afresh."""
    if session.get("basket", {}).get("basket") == basket.name:
        session.pop("basket")


# --- Quantities --------------------------------------------------------------------------------


@storefront.get("/<language:lang>/order")
def quantities(lang: str) -> Response:
    """Choose numbers of licences; a basket begun in another tab is taken up here."""
    offers = catalogue.offers()
    given = {name: request.args[name] for name in (*offers, "basket") if name in request.args}
    begun = given if given.keys() & offers.keys() else _begun(offers)
    name = given.get("basket") or begun.get("basket") or session.get("basket", {}).get("basket")
    return _quantities_page(
        {code: str(begun.get(code, "0"))[:40] for code in offers},
        name if name and is_name(name) else new_name(),
        offers,
        errors={},
    )


def _begun(offers: Offers) -> dict[str, str]:
    """The basket as it was left; whoever comes from an offer's page wants at least one of it."""
    begun: dict[str, str] = session.get("basket", {})
    offer = request.args.get("offer", "")
    wants_more = offer in offers and begun.get(offer, "0") == "0"
    return begun | {offer: "1"} if wants_more else begun


@storefront.post("/<language:lang>/order")
def choose_quantities(lang: str) -> Response:
    """Go on to the summary, or say at each field what is wrong."""
    offers = catalogue.offers()
    typed = typed_numbers(request.form, offers)
    name = request.form.get("basket", "")
    try:
        basket = read(name, typed, offers)
    except InvalidBasket as invalid:
        shown = name if is_name(name) else new_name()
        return _quantities_page(typed, shown, offers, _said(invalid), 422)
    _remember(basket)
    return go_to(step("summary", lang, basket))


def _said(invalid: InvalidBasket) -> dict[str, str]:
    return {refusal.field: sentence(refusal) for refusal in invalid.refusals}


def _quantities_page(
    typed: dict[str, str],
    basket_name: str,
    offers: Offers,
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    return page(
        "storefront/quantities.html",
        status=status,
        offers=offers,
        typed=typed,
        errors=errors,
        basket_name=basket_name,
        quote=None if errors else _quote_of(typed, offers),
    )


def _quote_of(typed: dict[str, str], offers: Offers) -> Quote | None:
    """What is typed costs; None where it is no basket, or more than the shop can charge."""
    try:
        return baskets.quote(read("", typed, offers), offers, auth.account())
    except (InvalidBasket, TooLarge):
        return None


@storefront.get("/<language:lang>/order/totals")
def totals(lang: str) -> Response:
    """The totals of what is being typed (htmx), with a sentence for what cannot be ordered."""
    offers, errors = catalogue.offers(), {}
    typed = typed_numbers(request.args, offers)
    if not wants_partial():
        # A part of a page is no page: whoever opens its address sees the whole one.
        values: dict[str, Any] = dict(typed)
        return go_to(url_for("storefront.quantities", lang=lang, **values))
    try:
        read("", typed, offers)
    except InvalidBasket as invalid:
        # While typing, an empty basket is not a mistake yet.
        errors = _said(invalid) if any(number.strip(" 0") for number in typed.values()) else {}
    return page(
        "storefront/_totals.html",
        quote=None if errors else _quote_of(typed, offers),
        errors=errors,
        typed=typed,
        offers=offers,
        live=True,
    )


# --- Summary -----------------------------------------------------------------------------------


@storefront.get("/<language:lang>/order/summary")
def summary(lang: str) -> Response:
    """What will be ordered, to change or to continue with."""
    basket = basket_of_address()
    if basket is None:
        return back_to_start(lang)
    quote = baskets.quote(basket, catalogue.offers(), auth.account())
    return page(
        "storefront/summary.html",
        basket=basket,
        basket_arguments=basket_arguments(basket),
        quote=quote,
        change_url=step("quantities", lang, basket),
    )


# --- Contracts ---------------------------------------------------------------------------------


@storefront.get("/<language:lang>/order/contracts")
def order_contracts(lang: str) -> Response:
    """Read and accept the contracts, signed in."""
    basket = basket_of_address()
    if basket is None:
        return back_to_start(lang)
    if auth.account() is None:
        return go_to(step("identification", lang, basket))
    return _contracts_page(lang, basket)


def _contracts_page(lang: str, basket: Basket, error: str = "", status: int = 200) -> Response:
    quote = baskets.quote(basket, catalogue.offers(), auth.customer())
    return page(
        "storefront/contracts.html",
        status=status,
        basket_arguments=basket_arguments(basket),
        quote=quote,
        **contract_step.shown(lang),
        error=error,
        mention=templates.vat_mention(quote.treatment, lang),
        change_url=step("quantities", lang, basket),
    )


@storefront.post("/<language:lang>/order/contracts")
def confirm(lang: str) -> Response:
    """Confirm and Pay: places the order once, and shows its purchase order (guide)."""
    basket = basket_of_address()
    if basket is None:
        return back_to_start(lang)
    if auth.account() is None:
        return go_to(step("identification", lang, basket))
    try:
        order = contract_step.place(BasketOrder(auth.customer(), basket), lang)
    except Refusal as refusal:
        return _contracts_page(lang, basket, sentence(refusal), refusal.status)
    forget_basket(basket)
    return go_to(url_for("storefront.purchase_order", lang=lang, number=order.number))
