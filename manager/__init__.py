"""The customer area ("the manager"): every view in it requires a sign-in unless listed here."""

from __future__ import annotations

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from web import auth

manager = Blueprint("manager", __name__)

OPEN_TO_ALL = {
    "manager.login",
    "manager.log_in",
    "manager.log_out",
    "manager.choose_account",
    "manager.take_account",
    "manager.second_step",
    "manager.take_second_step",
    "manager.passkey_options",
    "manager.log_in_by_passkey",
}
"""The only views of the manager that do not need a signed-in customer."""


@manager.before_request
def _locked_by_default() -> ResponseReturnValue | None:
    if request.endpoint in OPEN_TO_ALL or auth.account() is not None:
        return None
    return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]


from manager import (  # noqa: E402  (views need the blueprint)
    account,
    account_closing,
    attach,
    bills,
    cards,
    confirmation,
    data_export,
    emails,
    exchange,
    give_backs,
    groups,
    history,
    home,
    menu,
    ordering,
    orders,
    search,
    seat_imports,
    seat_links,
    seats,
    security,
    selections,
    services,
    sign_in,
    states,
    terminations,
    two_factor,
    unused,
    usage,
    withdrawals,
)
