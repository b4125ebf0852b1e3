"""The return from the bank after the registration of a card, without a charge."""

from __future__ import annotations

from contextlib import suppress

from flask import Response, abort, url_for

from shop.errors import Refusal
from shop.payments import card_setups
from storefront import storefront
from web import auth
from web.htmx import go_to, page


@storefront.get("/payment/card/<reference>")
def card_return(reference: str) -> Response:
    """Redirect to the page the customer came from; the signed reference authenticates the request.

    The browser may come without its cookie, before the bank's notification or after it.
    """
    setup = card_setups.CHECKOUTS.by_signature(reference)
    if setup is None:
        abort(404)
    # If the bank does not answer, the page they return to says that it is being confirmed.
    with suppress(Refusal):
        setup = card_setups.CHECKOUTS.refresh(setup)
    back = f"{setup.back_to}{'&' if '?' in setup.back_to else '?'}card={setup.id}"
    if auth.account() == setup.account:
        return go_to(back)
    sign_in_url = url_for("manager.login", next=back)
    return page("storefront/card_return.html", setup=setup, sign_in_url=sign_in_url)
