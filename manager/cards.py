"""« Mes cartes »: the stored cards, the services charged to each, and their removal."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext

from manager import manager
from shop.overviews import cards as card_overviews
from shop.payments import cards as stored_cards
from web import auth, lookups
from web.htmx import go_to, page


@manager.get("/manager/account/cards")
def cards() -> Response:
    """List the customer's cards, and for each the services that are charged to it."""
    return page("manager/cards.html", cards=card_overviews.for_account(auth.customer()))


@manager.post("/manager/account/cards/<int:card_id>/removal")
def remove_card(card_id: int) -> Response:
    """Remove a card: it is charged no more, for any service."""
    card = lookups.own_card(card_id)
    stored_cards.remove_card(card, by=auth.customer().nic_handle)
    flash(
        gettext(
            "Your card ending in %(last4)s is removed: it is charged no more.", last4=card.last4
        ),
        "success",
    )
    return go_to(url_for("manager.cards"))
