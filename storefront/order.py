"""The order's steps: quantities, summary, contracts. The URL carries the basket."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from flask import Response, flash, make_response, redirect, request, session, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from shop.errors import Refusal
from shop.orders import baskets, on_sale
from shop.orders.baskets import (
    Basket,
    BasketOrder,
    InvalidBasket,
    check_basket,
    is_name,
    new_name,
    read_basket,
)
from shop.orders.placing import Quote
from shop.pricing.displayed import vat_beside_prices
from shop.text import templates
from storefront import storefront
from web import auth, contract_step, offers
from web.htmx import go_to, page, wants_partial
from web.languages import sentence
from web.offers import Offers
from web.shared_pages import do_not_keep, is_shared, keep_with, shared

# --- The basket in the URL ---------------------------------------------------------------------


def basket_arguments(basket: Basket) -> dict[str, str]:
    """Return the URL arguments that describe a basket."""
    numbers = {code: str(number) for code, number in basket.quantities.items()}
    return {"basket": basket.name} | numbers


def typed_numbers(source: MultiDict[str, str]) -> dict[str, str]:
    """Return the text typed for each offer that a form or a URL names."""
    return {code: source[code][:40] for code in offers.priced() if code in source}


def basket_of_address() -> Basket | None:
    """Return the basket in this step's URL; None if there is none or an invalid one.

    It may hold an offer that is no longer on sale: the contract step refuses that.
    """
    try:
        typed = typed_numbers(request.values)
        return read_basket(request.values.get("basket", ""), typed, offers.priced())
    except InvalidBasket:
        return None


def shown_fields(typed: dict[str, str]) -> Offers:
    """Return the offers that have a field: those on sale, and those that the customer asks for."""
    return {
        code: offer
        for code, offer in offers.priced().items()
        if offer.is_on_sale or typed.get(code, "0").strip(" 0")
    }


def step(name: str, lang: str, basket: Basket) -> str:
    """Return the URL of a step for a basket."""
    values: dict[str, Any] = basket_arguments(basket) | {"lang": lang}
    return url_for(f"storefront.{name}", **values)


def back_to_start(lang: str) -> Response:
    """Redirect to the first step: this one needs a basket."""
    flash(gettext("Choose your licences first."), "info")
    return make_response(redirect(url_for("storefront.quantities", lang=lang), 303))


def _remember(basket: Basket) -> None:
    """Keep the basket in the cookie, for other tabs, unless it was ordered.

    A link on another site changes nothing.
    """
    arguments = basket_arguments(basket)
    from_elsewhere = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if not from_elsewhere and session.get("ordered") != arguments:
        session["basket"] = arguments


def forget_basket(basket: Basket) -> None:
    """Forget an ordered basket, so that the order page starts empty.

    Its name is kept for a summary without one that the customer goes back to.
    """
    if session.get("basket", {}).get("basket") == basket.name:
        session["ordered"] = session.pop("basket")


def _known_basket(basket: Basket) -> Basket:
    """Return a basket from a page without a name, under the name it got when it was first seen.

    The same page loaded again, or gone back to after the order, must not begin a second order.
    """
    for kept in (session.get("basket", {}), session.get("ordered", {})):
        if basket_arguments(basket) | {"basket": kept.get("basket")} == kept:
            return replace(basket, name=kept["basket"])
    return basket


# --- Quantities --------------------------------------------------------------------------------


@storefront.get("/<language:lang>/order")
@shared
def quantities(lang: str) -> Response:
    """Show the fields for numbers of licences, with the basket begun in any tab.

    The form leads to the summary by GET: it changes nothing, and so needs no token. The page of a
    visitor without a session has no name of a basket either; the summary gives one.
    """
    if offer := request.args.get("offer", ""):
        keep_with(f"offer={offer}")
        if offer not in offers.priced():
            do_not_keep()
    known = offers.priced()
    given = {name: request.args[name] for name in (*known, "basket") if name in request.args}
    if picked := _picked():
        values: dict[str, Any] = given | picked
        return go_to(url_for("storefront.quantities", lang=lang, **values))
    begun = given if given.keys() & known.keys() else _begun()
    typed = {code: str(begun[code])[:40] for code in known if code in begun}
    quote, errors = _quote_of(typed)
    is_asked = bool(errors.keys() & {*given, request.args.get("offer")})
    name = _name_in_form(given.get("basket") or begun.get("basket", ""))
    return _quantities_page(typed, name, errors, 422 if is_asked else 200, quote)


def _picked() -> dict[str, str]:
    """Return the usual number that was pressed without JavaScript, by the offer; {} if none was."""
    code, _, number = request.args.get("pick", "").rpartition("-")
    is_one = code in offers.priced() and re.fullmatch("[0-9]{1,4}", number)
    return {code: number} if is_one else {}


def _name_in_form(given: str) -> str:
    """Return the name of the basket in the URL or the cookie, or a new one.

    It is "" on a page for all visitors: the summary names their baskets.
    """
    name = given or session.get("basket", {}).get("basket", "")
    return name if is_name(name) else "" if is_shared() else new_name()


def _begun() -> dict[str, str]:
    """Return the basket in the cookie; after an offer's page with at least one of that offer."""
    begun: dict[str, str] = session.get("basket", {})
    offer = request.args.get("offer", "")
    wants_more = offer in offers.priced() and begun.get(offer, "0") == "0"
    return begun | {offer: "1"} if wants_more else begun


@storefront.post("/<language:lang>/order")
def choose_quantities(lang: str) -> Response:
    """Continue to the summary, or show what is wrong at each field.

    Pages of the release before this one, open in browsers, send their form here.
    """
    typed, name = typed_numbers(request.form), request.form.get("basket", "")
    try:
        basket, _ = baskets.read_and_quote(name, typed, offers.priced(), auth.account())
    except InvalidBasket as invalid:
        shown = name if is_name(name) else new_name()
        return _quantities_page(typed, shown, _messages(invalid), 422)
    _remember(basket)
    return go_to(step("summary", lang, basket))


def _messages(invalid: InvalidBasket) -> dict[str, str]:
    return {refusal.field: sentence(refusal) for refusal in invalid.refusals}


def _quantities_page(
    typed: dict[str, str],
    basket_name: str,
    errors: dict[str, str],
    status: int = 200,
    quote: Quote | None = None,
) -> Response:
    shown = shown_fields(typed)
    return page(
        "storefront/quantities.html",
        status=status,
        offers=shown,
        shown_vat=vat_beside_prices(auth.account()),
        typed={code: typed.get(code, "0") for code in shown},
        errors=errors,
        basket_name=basket_name,
        quote=quote,
    )


def _quote_of(typed: dict[str, str]) -> tuple[Quote | None, dict[str, str]]:
    """Return the price of what was typed, or what is not on sale of it.

    There is neither if it is invalid, or beyond what can be charged.
    """
    known = offers.priced()
    try:
        return baskets.read_and_quote("", typed, known, auth.account())[1], {}
    except InvalidBasket as invalid:
        over = [each for each in invalid.refusals if each.sentence == on_sale.LEAVE_OUT]
        return None, {refusal.field: sentence(refusal) for refusal in over}


@storefront.get("/<language:lang>/order/totals")
def totals(lang: str) -> Response:
    """Return the totals while the customer types (htmx), or the reason why there are none."""
    errors: dict[str, str] = {}
    quote, typed = None, typed_numbers(request.args)
    if not wants_partial():
        # This URL returns a part of a page; opened in a browser, it leads to the whole page.
        values: dict[str, Any] = dict(typed)
        return go_to(url_for("storefront.quantities", lang=lang, **values))
    try:
        _, quote = baskets.read_and_quote("", typed, offers.priced(), auth.account())
    except InvalidBasket as invalid:
        # While typing, an empty basket is not an error yet.
        errors = _messages(invalid) if any(number.strip(" 0") for number in typed.values()) else {}
    return page(
        "storefront/_totals.html",
        quote=quote,
        errors=errors,
        typed=typed,
        offers=typed,
        live=True,
    )


# --- Summary -----------------------------------------------------------------------------------


@storefront.get("/<language:lang>/order/summary")
def summary(lang: str) -> Response:
    """Show what will be ordered, to change or to continue, or what is wrong at each field."""
    typed, name = typed_numbers(request.args), request.args.get("basket", "")
    if not typed:
        return back_to_start(lang)
    try:
        basket, quote = baskets.read_and_quote(name, typed, offers.priced(), auth.account())
    except InvalidBasket as invalid:
        return _quantities_page(typed, _name_in_form(name), _messages(invalid), 422)
    if not is_name(name):
        basket = _known_basket(basket)
    _remember(basket)
    following = "order_contracts" if auth.account() else "identification"
    return page(
        "storefront/summary.html",
        basket=basket,
        next_url=url_for(f"storefront.{following}", lang=lang),
        basket_arguments=basket_arguments(basket),
        quote=quote,
        change_url=step("quantities", lang, basket),
    )


# --- Contracts ---------------------------------------------------------------------------------


@storefront.get("/<language:lang>/order/contracts")
def order_contracts(lang: str) -> Response:
    """Show the contracts to accept; requires a sign-in."""
    basket = basket_of_address()
    if basket is None:
        return back_to_start(lang)
    if auth.account() is None:
        return go_to(step("identification", lang, basket))
    try:
        check_basket(basket, offers.priced())
    except InvalidBasket:
        return go_to(step("summary", lang, basket))  # which says what is no longer on sale
    return _contracts_page(lang, basket)


def _contracts_page(lang: str, basket: Basket, error: str = "", status: int = 200) -> Response:
    quote = baskets.quote(basket, offers.priced(), auth.customer())
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
    """Place the order, once, and show its purchase order (guide: « Confirmer et Payer »)."""
    basket = basket_of_address()
    if basket is None:
        return back_to_start(lang)
    if auth.account() is None:
        return go_to(step("identification", lang, basket))
    try:
        order = contract_step.place(BasketOrder(auth.customer(), basket), lang)
    except Refusal as refusal:
        if refusal.field in basket.quantities:
            typed = {code: str(number) for code, number in basket.quantities.items()}
            errors = {refusal.field: sentence(refusal)}
            return _quantities_page(typed, basket.name, errors, refusal.status)
        return _contracts_page(lang, basket, sentence(refusal), refusal.status)
    forget_basket(basket)
    return go_to(url_for("storefront.purchase_order", lang=lang, number=order.number))
