"""The confirmation of a new account's e-mail address, by the one-time link sent to it."""

from __future__ import annotations

from flask import Response, abort, flash, url_for
from flask_babel import gettext

from models import OneTimeLink
from shop.customers import email_proofs, rescue
from storefront import storefront
from web import auth
from web.htmx import go_to, page


def _link(token: str) -> OneTimeLink:
    """Return the link of a new account, or one that customer service sent to a new address."""
    link = email_proofs.find_link(token) or rescue.find_link(token)
    if link is None:
        abort(410)
    return link


@storefront.get("/<language:lang>/email-address/<token>")
def email_proof(lang: str, token: str) -> Response:
    """Show the page that the link opens; opening it changes nothing, as mail scanners do."""
    link = _link(token)
    return page("storefront/email_proof.html", account_of_link=link.account, address=link.payload)


@storefront.post("/<language:lang>/email-address/<token>")
def confirm_email(lang: str, token: str) -> Response:
    """Take the address as the customer's, and send the e-mails that waited."""
    link = _link(token)
    confirm = rescue.confirm if link.is_of_staff else email_proofs.confirm
    if not confirm(link, auth.origin()):
        abort(410)
    flash(gettext("Your email address is confirmed."), "success")
    return go_to(url_for("manager.home"))
