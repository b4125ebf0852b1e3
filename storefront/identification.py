"""Who orders: sign in with a nic-handle, or create an account, and stay in the same order."""

from __future__ import annotations

from flask import Response, abort, flash, url_for

from shop import accounts
from shop.baskets import Basket
from shop.errors import Refusal
from storefront import storefront
from storefront.forms import RegistrationForm
from storefront.order import basket_arguments, basket_of_address, step
from web import signin
from web.forms import SignInForm
from web.htmx import go_to, page


def _arguments(basket: Basket | None) -> dict[str, str]:
    return basket_arguments(basket) if basket else {}


def _after(lang: str, basket: Basket | None) -> str:
    """Where a customer goes on: the contracts of the order begun, or the customer area."""
    return step("order_contracts", lang, basket) if basket else url_for("manager.home")


@storefront.get("/<any(fr, en):lang>/order/identification")
def identification(lang: str) -> Response:
    """Sign in, or create an account (guide: « Créez un compte »)."""
    basket = basket_of_address()
    if signin.account() is not None:
        return go_to(_after(lang, basket))
    return _identification_page(SignInForm(), basket)


@storefront.post("/<any(fr, en):lang>/order/identification")
def identify(lang: str) -> Response:
    """Sign in and go on with the very same basket."""
    basket, form = basket_of_address(), SignInForm()
    if not form.validate_on_submit():
        return _identification_page(form, basket, 422)
    try:
        who = accounts.sign_in(*form.given(), signin.address())
    except Refusal as refusal:
        form.refuse(refusal)
        return _identification_page(form, basket, refusal.status)
    signin.sign_in(who)
    return go_to(_after(lang, basket))


def _identification_page(form: SignInForm, basket: Basket | None, status: int = 200) -> Response:
    return page(
        "storefront/identification.html",
        status=status,
        form=form,
        basket_arguments=_arguments(basket),
    )


@storefront.get("/<any(fr, en):lang>/order/account")
def new_account(lang: str) -> Response:
    """The form to become a customer."""
    basket = basket_of_address()
    if signin.account() is not None:
        return go_to(_after(lang, basket))
    return _registration_page(RegistrationForm.empty(lang), basket)


@storefront.post("/<any(fr, en):lang>/order/account")
def create_account(lang: str) -> Response:
    """Become a customer: the nic-handle is shown and sent, and the order goes on."""
    basket, form = basket_of_address(), RegistrationForm.empty(lang)
    try:
        form.count_attempt(signin.address())
        if not form.validate_on_submit():
            return _registration_page(form, basket, 422)
        who = accounts.register(form.registration(lang))
    except Refusal as refusal:
        form.refuse(refusal)
        return _registration_page(form, basket, refusal.status)
    signin.sign_in(who)
    flash(who.nic_handle, "nic-handle")
    return go_to(_after(lang, basket))


@storefront.post("/<any(fr, en):lang>/order/account/fields/<name>")
def check_registration(lang: str, name: str) -> Response:
    """One field of the form, with what is wrong with it: asked by htmx as the customer goes on."""
    form = RegistrationForm.empty(lang)
    if name not in form.data or name == "csrf_token":
        abort(404)
    form.validate()
    template = "storefront/_registration_field.html"
    return page(template, template, form=form, name=name)


def _registration_page(
    form: RegistrationForm, basket: Basket | None, status: int = 200
) -> Response:
    return page(
        "storefront/register.html",
        status=status,
        form=form,
        basket_arguments=_arguments(basket),
    )
