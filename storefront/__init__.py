"""The public storefront: offers, order steps, identification, purchase order, payment return."""

from flask import Blueprint

storefront = Blueprint("storefront", __name__)

from storefront import (  # noqa: E402  (the views need the blueprint)
    card_return,
    documents,
    email_proofs,
    help,
    identification,
    legal,
    licence_links,
    machines,
    offers,
    order,
    passwords,
    purchase_order,
    security_txt,
    terminations,
)
