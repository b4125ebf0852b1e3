"""The confirmation of a termination, by the one-time link of an e-mail."""

from __future__ import annotations

from flask import Response, abort, flash, url_for
from flask_babel import gettext

from models import Termination
from shop.errors import Refusal
from shop.subscriptions import subscriptions, terminations
from storefront import storefront
from web.forms import ShopForm
from web.htmx import go_to, page


def _asked(token: str) -> Termination:
    termination = terminations.find_by_token(token)
    if termination is None:
        abort(410)
    return termination


@storefront.get("/<language:lang>/termination/<token>")
def termination(lang: str, token: str) -> Response:
    """Show what would end, and when; opening the link alone changes nothing."""
    return _shown(_asked(token), ShopForm())


def _shown(asked: Termination, form: ShopForm, status: int = 200) -> Response:
    subscription = subscriptions.for_group(asked.group)
    assert subscription is not None, "a group with a termination has a subscription"
    return page(
        "storefront/termination.html",
        status=status,
        form=form,
        group=asked.group,
        ends_on=subscriptions.next_end(subscription),
    )


@storefront.post("/<language:lang>/termination/<token>")
def confirm_termination(lang: str, token: str) -> Response:
    """Schedule the termination, once."""
    asked, form = _asked(token), ShopForm()
    try:
        terminations.confirm(token)
    except Refusal as refusal:
        form.refuse(refusal)
        return _shown(asked, form, refusal.status)
    flash(gettext("The end of this service is noted."), "success")
    return go_to(url_for("manager.home"))
