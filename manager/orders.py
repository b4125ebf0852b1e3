"""« Mes commandes »: list and show orders, pay, cancel, retry or refund a failed delivery."""

from __future__ import annotations

from flask import Response, url_for
from flask_babel import gettext

from manager import manager
from shop.delivery import installation
from shop.orders import orders as shop_orders
from shop.overviews import states
from shop.text.pagination import page_of_prepared
from web import auth
from web.arguments import list_key, page_number
from web.htmx import page
from web.order_page import OrderPage


@manager.get("/manager/account/orders")
def orders() -> Response:
    """Show the customer's orders, newest first, in pages."""
    before = list_key()
    shown = page_of_prepared(states.orders_of, page_number(), auth.customer(), before)
    return page("manager/orders.html", "manager/_orders.html", orders=shown, before=before)


def _page(number: int) -> OrderPage:
    here = url_for("manager.order", number=number)
    return OrderPage("manager/order.html", "manager/_order_status.html", number, here)


@manager.get("/manager/account/orders/<int:number>")
def order(number: int) -> Response:
    """Show one order: its lines, progress, documents and actions."""
    return _page(number).show()


@manager.get("/manager/account/orders/<int:number>/status")
def order_status(number: int) -> Response:
    """Return the part of the order's page that refreshes itself."""
    return _page(number).show_status()


@manager.get("/manager/account/orders/<int:number>.pdf")
def order_pdf(number: int) -> Response:
    """Return the purchase order as PDF."""
    return _page(number).as_pdf()


@manager.post("/manager/account/orders/<int:number>/payments")
def pay_order(number: int) -> Response:
    """Start a payment of an unpaid order."""
    return _page(number).pay()


@manager.post("/manager/account/orders/<int:number>/cancellation")
def cancel_order(number: int) -> Response:
    """Cancel an unpaid order."""
    return _page(number).cancel()


@manager.post("/manager/account/orders/<int:number>/delivery")
def retry_delivery(number: int) -> Response:
    """Retry a failed delivery."""
    said = gettext("The installation is being tried again.")
    return _page(number).act(installation.retry_delivery, said)


@manager.post("/manager/account/orders/<int:number>/refund")
def refund_order(number: int) -> Response:
    """Refund what was not delivered of an order, and keep what was."""
    said = gettext("What was not installed is refunded. We tell you by email.")
    return _page(number).act(shop_orders.refund_order, said)
