"""On to the bank's page, for whatever is to be paid."""

from __future__ import annotations

from flask import Response, request

from shop.payments import payments
from shop.payments.payables import Debt
from web import auth
from web.htmx import go_to
from web.urls import base_url


def pay(debt: Debt, *, here: str) -> Response:
    """To the bank's page, where the customer pays ``debt``; one that is open is taken up again, so
    nobody pays twice. Back to ``here``, its own page, where the bank says that it is paid already.

    Raises `Refusal` when it cannot be paid or the bank is silent.
    """
    payment = payments.start(
        debt,
        store_card=request.form.get("store_card") == "yes",
        base_url=base_url(),
        by=auth.customer().nic_handle,
    )
    return go_to(payment.checkout_url if payment.checkout_url and payment.is_unsettled else here)
