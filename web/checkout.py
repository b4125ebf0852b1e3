"""Redirects to the bank's page, to pay an order or an invoice."""

from __future__ import annotations

from flask import Response, request

from shop.payments import payments
from shop.payments.payables import Debt
from web import auth
from web.htmx import go_to
from web.urls import base_url


def pay(debt: Debt, *, here: str, store_card: bool, returns: bool = False) -> Response:
    """Redirect to the bank's page to pay ``debt``; an open payment is reused, never a second made.

    ``store_card`` asks the bank to keep the card, for renewals of the services that ``debt`` is
    for. If the bank reports it as paid already, redirect to ``here``, the page of what was to be
    paid; ``returns`` says that the bank sends the customer back to that page itself.

    Raises `Refusal` when it cannot be paid or the bank does not answer.
    """
    payment = payments.start_payment(
        debt,
        store_card=store_card,
        base_url=base_url(),
        page=here if returns else "",
        by=auth.customer().nic_handle,
    )
    return go_to(payment.checkout_url if payment.checkout_url and payment.is_unsettled else here)


def keeps_card() -> bool:
    """Return whether the customer ticked that this card is charged for the further renewals of the
    service whose invoice it pays."""
    return request.form.get("store_card") == "yes"
