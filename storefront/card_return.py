"""Back from the bank, where a card was registered and nothing charged."""

from __future__ import annotations

from contextlib import suppress

from flask import Response, abort, url_for

from shop.errors import Refusal
from shop.payments import cards
from storefront import storefront
from web import auth
from web.htmx import go_to, page


@storefront.get("/payment/card/<reference>")
def card_return(reference: str) -> Response:
    """Known by the signed reference alone, then on to where the customer came from.

    The browser may come without its cookie, before the bank's notification, or after it.
    """
    setup = cards.CHECKOUTS.by_signature(reference)
    if setup is None:
        abort(404)
    # Where the bank is silent, the page they come back to says that it is being confirmed.
    with suppress(Refusal):
        setup = cards.CHECKOUTS.refresh(setup)
    back = f"{setup.back_to}{'&' if '?' in setup.back_to else '?'}card={setup.id}"
    if auth.account() == setup.account:
        return go_to(back)
    sign_in_url = url_for("manager.login", next=back)
    return page("storefront/card_return.html", setup=setup, sign_in_url=sign_in_url)
