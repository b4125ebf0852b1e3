"""The desk, for members of staff: every view in it needs a role that `desk.roles` gives it to."""

from __future__ import annotations

from flask import Blueprint

desk = Blueprint("desk", __name__, url_prefix="/desk")

from desk import (  # noqa: E402  (views need the blueprint)
    accounting,
    customer_acts,
    customers,
    documents,
    money,
    offers,
    own_account,
    payouts,
    personal_data,
    publishing,
    search,
    sign_in,
    staff_accounts,
    statements,
    today,
    viewing,
)
