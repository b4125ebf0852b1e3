"""« Mon compte »: name, postal address, e-mail address and language of the customer."""

from __future__ import annotations

from flask import Response, abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _l

from manager import manager
from manager.confirmation import confirmed_first, factor_first, form_confirmed_first
from models import OneTimeLink
from shop.customers import email_proofs
from shop.customers import profile as profiles
from shop.customers.profile import Details
from shop.errors import Refusal
from shop.security import rate_limits
from web import auth, kept_input, languages
from web.customer_forms import CustomerForm, email_field
from web.forms import ShopForm
from web.htmx import go_to, page
from web.urls import base_url


class EmailForm(ShopForm):
    """The e-mail address that the shop writes to."""

    email = email_field(_l("New email address"))


@manager.get("/manager/account")
def account() -> Response:
    """Show the customer's details and the ways to change them."""
    return page("manager/account.html")


# --- Name and address ------------------------------------------------------------------------


def _profile_form() -> CustomerForm:
    form = CustomerForm(obj=auth.customer())
    form.offer_countries(languages.current_language())
    return form


@manager.get("/manager/account/profile")
def profile() -> Response:
    """Show the form to change name, company and postal address."""
    return page("manager/profile.html", form=_profile_form())


@manager.post("/manager/account/profile")
def change_profile() -> Response:
    """Save the changed details."""
    form = _profile_form()
    if not form.validate_on_submit():
        return page("manager/profile.html", status=422, form=form)
    who = auth.customer()
    if profiles.change_details(who, Details(**form.details()), auth.origin()):
        flash(gettext("Your details are saved."), "success")
    else:
        flash(gettext("Nothing was changed."), "info")
    return go_to(url_for("manager.account"))


@manager.post("/manager/account/profile/fields/<name>")
def check_profile(name: str) -> Response:
    """Validate one field and return it with its errors (htmx, when the field is left)."""
    form = _profile_form()
    if name not in form.DETAILS:
        abort(404)
    form.validate()
    return page("manager/profile.html", "manager/_profile_field.html", form=form, name=name)


# --- The e-mail address ----------------------------------------------------------------------


@manager.get("/manager/account/email-address")
@confirmed_first
@factor_first
def email_address() -> ResponseReturnValue:
    """Show the form to change the e-mail address."""
    return page("manager/email_address.html", form=EmailForm())


@manager.post("/manager/account/email-address")
@form_confirmed_first("manager.email_address", "email")
@factor_first
def change_email_address() -> ResponseReturnValue:
    """E-mail a link to the new address, which is used once the link was followed."""
    form = EmailForm()
    if not form.validate_on_submit():
        return page("manager/email_address.html", status=422, form=form)
    who, email = auth.customer(), form.email.data or ""
    try:
        rate_limits.count_attempt(rate_limits.SEND_AGAIN_PER_ACCOUNT, "new-email", who.nic_handle)
        asked = profiles.request_email_change(who, email, base_url(), auth.origin())
    except Refusal as refusal:
        form.refuse(refusal)
        return page("manager/email_address.html", status=refusal.status, form=form)
    if asked:
        said = gettext("We have sent a link to %(address)s: follow it to confirm.", address=email)
        flash(said, "success")
    else:
        flash(gettext("This is your email address already."), "info")
    return go_to(url_for("manager.account"))


def _new_address(token: str) -> tuple[OneTimeLink, str]:
    found = profiles.find_new_email(auth.customer(), token)
    if found is None:
        abort(404)
    return found


@manager.get("/manager/account/email-address/<token>")
def new_email_address(token: str) -> Response:
    """Show the page that the link opens; opening it changes nothing, as mail scanners do."""
    _, address = _new_address(token)
    return page("manager/new_email_address.html", address=address)


@manager.post("/manager/account/email-address/<token>")
def confirm_email_address(token: str) -> Response:
    """Use the confirmed e-mail address from now on."""
    link, address = _new_address(token)
    if not profiles.confirm_email(link, address, auth.origin()):
        abort(404)
    flash(gettext("Your email address is changed. We have told the old one."), "success")
    return go_to(url_for("manager.account"))


@manager.post("/manager/account/email-address/proofs")
def ask_for_email_proof() -> Response:
    """E-mail the link that proves the address of a new account again."""
    who = auth.customer()
    try:
        if who.email_proved_at is None:
            email_proofs.request(who)
            flash(gettext("We have sent the link to %(address)s.", address=who.email), "success")
    except Refusal as refusal:
        flash(languages.sentence(refusal), "warning")
    return go_to(url_for("manager.emails"))


# --- The language ----------------------------------------------------------------------------


@manager.post("/manager/account/language")
def change_language() -> Response:
    """Change the language and redirect to the page the customer was on, with what they typed."""
    who = auth.customer()
    chosen = request.form.get("language", "")
    if profiles.change_language(who, chosen, auth.origin()):
        with force_locale(chosen):
            flash(gettext("We speak and write English with you from now on."), "success")
    wanted = request.args.get("next") or request.form.get("next")
    here = auth.safe_next(wanted, url_for("manager.account"))
    return go_to(kept_input.keep_for_other_language(here))
