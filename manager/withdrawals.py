"""« Se rétracter »: consumers withdraw from an order, or from a service, within 14 days."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext

from manager import give_backs, manager, services
from models import Order
from shop.delivery import installation
from shop.errors import Refusal
from shop.licences.seats import listing
from shop.orders import withdrawal_rights, withdrawals
from shop.overviews.services import ServiceOverview
from shop.subscriptions import give_backs as shop_give_backs
from shop.subscriptions import terminations, withdrawn
from web import auth, lookups
from web.arguments import page_number
from web.htmx import go_to, page
from web.languages import sentence

ORDER = "/manager/account/orders/<int:number>"


# --- From a service --------------------------------------------------------------------------


@manager.get(services.SERVICE + "/withdrawal")
def withdrawal(name: str) -> Response:
    """Explain what withdrawing from a service within 14 days means, for consumers."""
    return _service_page(lookups.own_service(name))


def _service_page(found: ServiceOverview, error: str = "", status: int = 200) -> Response:
    order = terminations.order_of(found.group)
    until = withdrawal_rights.open_until(order, living=found.group.is_installed)
    if not error and until is None:
        return go_to(services.here(found))
    if order.is_undelivered:
        return go_to(url_for("manager.order_withdrawal", number=order.number))
    return page(
        "manager/withdrawal.html",
        status=status,
        service=found,
        order=order,
        content=withdrawal_rights.content_of(order, found.group),
        until=until,
        error=error,
    )


@manager.post(services.SERVICE + "/withdrawal")
def withdraw(name: str) -> Response:
    """End the service at once and refund what was paid."""
    found = lookups.own_service(name)
    if request.form.get("sure") != "yes":
        return _service_page(found, gettext("Tick the box to withdraw."), 422)
    try:
        withdrawals.withdraw_from_service(found.group, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _service_page(found, sentence(refusal), refusal.status)
    flash(_said(), "success")
    return go_to(services.here(found))


def _said() -> str:
    return gettext("You have withdrawn from this contract. What you paid goes back to you.")


# --- From an order ---------------------------------------------------------------------------


@manager.get(ORDER + "/withdrawal")
def order_withdrawal(number: int) -> Response:
    """Explain what withdrawing from an order means, and which licences of a group would end."""
    return _order_page(lookups.own_order(number))


def _order_page(order: Order, error: str = "", status: int = 200) -> Response:
    content = withdrawal_rights.content_of(order)
    until = withdrawal_rights.open_until(order, living=bool(content.lines))
    if not error and (until is None or installation.refund_is_under_way(order)):
        return go_to(_here(order))
    seats = _seats(order)
    if seats.pop("too_many", False):
        error, status = gettext("You have ticked more licences than end."), 422
    return page(
        "manager/withdrawal.html",
        status=status,
        service=None,
        order=order,
        content=content,
        until=until,
        error=error,
        **seats,
    )


def _here(order: Order) -> str:
    return url_for("manager.order", number=order.number)


def _seats(order: Order) -> dict[str, Any]:
    """Return which licences end of a group that stays, if any."""
    addition = withdrawal_rights.addition_of(order)
    if addition is None:
        return {}
    ticked = give_backs.numbers_typed()
    seats = withdrawn.suggested(addition, ticked)
    return {
        "too_many": len(ticked) > len(seats),
        "group": addition.group,
        "numbers": [seat.number for seat in seats],
        "losing": [seat for seat in seats if seat.full_name],
    }


@manager.post(ORDER + "/withdrawal")
def withdraw_from_order(number: int) -> Response:
    """Withdraw from an order: what was delivered ends, and what was paid goes back."""
    order = lookups.own_order(number)
    if request.form.get("sure") != "yes":
        return _order_page(order, gettext("Tick the box to withdraw."), 422)
    try:
        withdrawals.withdraw(
            order, by=auth.customer().nic_handle, numbers=give_backs.numbers_typed() or None
        )
    except Refusal as refusal:
        return _order_page(order, sentence(refusal), refusal.status)
    flash(_said(), "success")
    return go_to(_here(order))


@manager.get(ORDER + "/withdrawal/licences")
def withdrawn_licences(number: int) -> Response:
    """Choose which licences of the group end in place of those suggested."""
    order = lookups.own_order(number)
    addition = withdrawal_rights.addition_of(order)
    if addition is None or withdrawal_rights.open_until(order, living=True) is None:
        return go_to(_here(order))
    looked = listing.read_view(
        request.args.get("q", ""), "", "", page_number(),
        beside=request.args.get("beside", ""),
    )  # fmt: skip
    suggested = withdrawn.suggested(addition, give_backs.numbers_typed())
    return page(
        "manager/withdrawn_licences.html",
        order=order,
        group=addition.group,
        seats=listing.page_of(addition.group, looked),
        wanted=looked.wanted,
        returned={row.number for row in shop_give_backs.for_group(addition.group)},
        ticked={seat.number for seat in suggested},
        number=len(suggested),
    )
