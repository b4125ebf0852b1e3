"""« Mes commandes »: find an order again, pay it later, cancel it, ask for its delivery again."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext

from manager import manager
from shop import documents
from shop.delivery import installation
from shop.errors import Refusal
from shop.orders import orders as shop_orders
from shop.overviews import order_progress
from shop.pricing.lines import lines_of
from shop.text.pagination import page_of
from web import auth, lookups
from web.checkout import pay
from web.files import pdf
from web.htmx import go_to, page
from web.languages import current, sentence


@manager.get("/manager/account/orders")
def orders() -> Response:
    """The customer's orders, newest first, in pages."""
    query = shop_orders.orders_of(auth.customer())
    shown = page_of(query, request.args.get("page", 1, type=int))
    return page(
        "manager/orders.html",
        "manager/_orders.html",
        orders=shown,
    )


def _page(number: int, *, partial: str = "", status: int = 200, error: str = "") -> Response:
    order = lookups.own_order(number)
    return page(
        "manager/order.html",
        partial,
        status=status,
        order=order,
        lines=lines_of(order),
        tracking=order_progress.for_order(order),
        mention=documents.vat_mention(order, current()),
        error=error,
    )


@manager.get("/manager/account/orders/<int:number>")
def order(number: int) -> Response:
    """One order: its lines, its way, its documents, and what can be done with it."""
    return _page(number)


@manager.get("/manager/account/orders/<int:number>/status")
def order_status(number: int) -> Response:
    """The part of the order's page that refreshes itself."""
    return _page(number, partial="manager/_order_status.html")


@manager.get("/manager/account/orders/<int:number>.pdf")
def order_pdf(number: int) -> Response:
    """The purchase order as PDF."""
    found = lookups.own_order(number)
    return pdf(documents.purchase_order_of(found), documents.purchase_order_filename(found))


@manager.post("/manager/account/orders/<int:number>/payments")
def pay_order(number: int) -> Response:
    """Pay an order later."""
    try:
        return pay(lookups.own_order(number), here=url_for("manager.order", number=number))
    except Refusal as refusal:
        return _page(number, status=refusal.status, error=sentence(refusal))


@manager.post("/manager/account/orders/<int:number>/cancellation")
def cancel_order(number: int) -> Response:
    """Cancel an unpaid order."""
    try:
        shop_orders.cancel_order(lookups.own_order(number), by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _page(number, status=refusal.status, error=sentence(refusal))
    flash(gettext("Your order is cancelled. Nothing is due."), "success")
    return go_to(url_for("manager.order", number=number))


@manager.post("/manager/account/orders/<int:number>/delivery")
def retry_delivery(number: int) -> Response:
    """Ask for a failed delivery again."""
    try:
        installation.retry_delivery(lookups.own_order(number), by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _page(number, status=refusal.status, error=sentence(refusal))
    flash(gettext("The installation is being tried again."), "success")
    return go_to(url_for("manager.order", number=number))
