"""The identification step: sign in or create an account, and continue the same order."""

from __future__ import annotations

from flask import Response, abort, flash, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from shop.customers import registration
from shop.errors import Refusal
from shop.orders.baskets import Basket
from storefront import storefront
from storefront.forms import RegistrationForm
from storefront.order import basket_arguments, basket_of_address, step
from web import auth, password_step, two_factor
from web.forms import CodeForm, SignInForm
from web.htmx import go_to, page
from web.languages import current_language
from web.password_step import Next


def _arguments(basket: Basket | None) -> dict[str, str]:
    return basket_arguments(basket) if basket else {}


def _after(lang: str, basket: Basket | None) -> str:
    """Return the next URL: the contracts of the order begun, or the customer area."""
    return step("order_contracts", lang, basket) if basket else url_for("manager.home")


@storefront.get("/<language:lang>/order/identification")
def identification(lang: str) -> Response:
    """Show the sign-in form and the link to create an account (guide: « Créez un compte »)."""
    basket = basket_of_address()
    if auth.account() is not None:
        return go_to(_after(lang, basket))
    session.pop(two_factor.PENDING, None)
    return _identification_page(SignInForm(), basket)


@storefront.post("/<language:lang>/order/identification")
def identify(lang: str) -> Response:
    """Sign in and continue with the same basket."""
    basket, form = basket_of_address(), SignInForm()
    if not form.validate_on_submit():
        return _identification_page(form, basket, 422)
    try:
        return _go_on(password_step.take_password(form), lang, basket)
    except Refusal as refusal:
        form.refuse(refusal)
        return _identification_page(form, basket, refusal.status)


def _go_on(next_step: Next, lang: str, basket: Basket | None) -> Response:
    if next_step is Next.SIGNED_IN:
        return go_to(_after(lang, basket))
    endpoint = "choose_account" if next_step is Next.CHOICE else "second_step"
    return go_to(_at(endpoint, lang, basket))


@storefront.get("/<language:lang>/order/identification/account")
def choose_account(lang: str) -> Response:
    """Ask which of the accounts of an e-mail address is meant, after their password."""
    basket, offered = basket_of_address(), password_step.choices()
    if not offered:
        return _from_the_start(lang)
    return page(
        "storefront/choose_account.html",
        accounts=offered,
        next="",
        basket_arguments=_arguments(basket),
        choice_address=_at("take_account", lang, basket),
        start_address=_at("identification", lang, basket),
    )


@storefront.post("/<language:lang>/order/identification/account")
def take_account(lang: str) -> Response:
    """Sign in to the account chosen, or continue to its second step, with the same basket."""
    next_step = password_step.choose(request.form.get("account", ""))
    if next_step is None:
        return _from_the_start(lang)
    return _go_on(next_step, lang, basket_of_address())


def _at(endpoint: str, lang: str, basket: Basket | None) -> str:
    return url_for(f"storefront.{endpoint}", lang=lang, **_arguments(basket))  # type: ignore[arg-type]


def _identification_page(form: SignInForm, basket: Basket | None, status: int = 200) -> Response:
    return page(
        "storefront/identification.html",
        status=status,
        form=form,
        basket_arguments=_arguments(basket),
    )


# --- The second step: the basket stays in the URL ---------------------------------------------


@storefront.get("/<language:lang>/order/identification/second-step", endpoint="second_step")
def show_second_step(lang: str) -> Response:
    """Ask for a code or a passkey, if the password was given a short time ago."""
    if two_factor.pending() is None:
        return _from_the_start(lang)
    return _second_step_page(CodeForm(), 200)


@storefront.post("/<language:lang>/order/identification/second-step")
def take_second_step(lang: str) -> ResponseReturnValue:
    """Sign in with a code and continue with the same basket."""
    if two_factor.pending() is None:
        return _from_the_start(lang)
    basket = basket_of_address()
    return two_factor.take_code(lambda: go_to(_after(lang, basket)), _second_step_page)


@storefront.post("/<language:lang>/order/identification/passkey")
def identify_by_passkey(lang: str) -> ResponseReturnValue:
    """Sign in with a passkey, alone or as second factor; continue with the same basket."""
    basket, is_second_step = basket_of_address(), two_factor.pending() is not None
    try:
        two_factor.take_passkey()
    except Refusal as refusal:
        if is_second_step:
            return _second_step_page(CodeForm.refusing(refusal), refusal.status)
        return _identification_page(SignInForm.refusing(refusal), basket, refusal.status)
    return go_to(_after(lang, basket))


def _second_step_page(form: CodeForm, status: int) -> Response:
    basket, lang = basket_of_address(), current_language()
    return page(
        "storefront/second_step.html",
        status=status,
        form=form,
        next="",
        basket_arguments=_arguments(basket),
        code_address=_at("take_second_step", lang, basket),
        passkey_address=_at("identify_by_passkey", lang, basket),
        start_address=_at("identification", lang, basket),
    )


def _from_the_start(lang: str) -> Response:
    flash(gettext("The password was given too long ago. Log in again."), "info")
    return go_to(_at("identification", lang, basket_of_address()))


# --- Registration ----------------------------------------------------------------------------


@storefront.get("/<language:lang>/order/account")
def new_account(lang: str) -> Response:
    """Show the registration form."""
    basket = basket_of_address()
    if auth.account() is not None:
        return go_to(_after(lang, basket))
    return _registration_page(RegistrationForm.empty(lang), basket)


@storefront.post("/<language:lang>/order/account")
def create_account(lang: str) -> Response:
    """Register the customer: the nic-handle is shown and e-mailed, and the order continues.

    ``only=language`` asks for the form in this language, with what was typed (without passwords).
    """
    basket, form = basket_of_address(), RegistrationForm.empty(lang)
    if request.form.get("only") == "language":
        return _registration_page(form, basket)
    try:
        form.count_attempt(auth.ip_address())
        if not form.validate_on_submit():
            return _registration_page(form, basket, 422)
        who = registration.register(form.registration(lang))
    except Refusal as refusal:
        form.refuse(refusal)
        return _registration_page(form, basket, refusal.status)
    if not two_factor.enter(who, stays=False, means="registration"):
        return go_to(_at("second_step", lang, basket))  # The form was sent again, much later.
    flash(who.nic_handle, "nic-handle")
    return go_to(_after(lang, basket))


@storefront.post("/<language:lang>/order/account/fields/<name>")
def check_registration(lang: str, name: str) -> Response:
    """Validate one field and return it with its errors (htmx, when the field is left)."""
    form = RegistrationForm.empty(lang)
    if name not in form.data or name in {"csrf_token", "form"}:
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
