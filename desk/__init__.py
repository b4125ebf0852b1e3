"""The desk, for members of staff: every view in it needs a role that `desk.roles` gives it to."""

from __future__ import annotations

from flask import Blueprint

desk = Blueprint("desk", __name__, url_prefix="/desk")

from desk import (  # noqa: E402  (views need the blueprint)
    accounting,
    confirmation,
    customer_acts,
    customers,
    documents,
    invitations,
    languages,
    money,
    own_account,
    own_factors,
    payouts,
    personal_data,
    publishing,
    search,
    sign_in,
    staff_accounts,
    staff_emails,
    statements,
    today,
    viewing,
)
