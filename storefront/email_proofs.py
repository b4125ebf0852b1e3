"""The confirmation of a new account's e-mail address, by the one-time link sent to it."""

from __future__ import annotations

from flask import Response, abort, flash, url_for
from flask_babel import gettext

from models import OneTimeLink
from shop.customers import email_proofs
from storefront import storefront
from web import auth
from web.htmx import go_to, page


def _link(token: str) -> OneTimeLink:
    link = email_proofs.find(token)
    if link is None:
        abort(410)
    return link


@storefront.get("/<language:lang>/email-address/<token>")
def email_proof(lang: str, token: str) -> Response:
    """Show the page that the link opens; opening it changes nothing, as mail scanners do."""
    return page("storefront/email_proof.html", account_of_link=_link(token).account)


@storefront.post("/<language:lang>/email-address/<token>")
def confirm_email(lang: str, token: str) -> Response:
    """Take the address as the customer's, and send the e-mails that waited."""
    if not email_proofs.confirm(_link(token), auth.origin()):
        abort(410)
    flash(gettext("Your email address is confirmed."), "success")
    return go_to(url_for("manager.home"))
