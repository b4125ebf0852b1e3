"""The purchase order: shown, paid, followed, cancelled; and the return from the bank's page."""

from __future__ import annotations

from contextlib import suppress

from flask import Response, abort, session, url_for
from flask_login import login_required

from shop.errors import Refusal
from shop.licences import reservations
from shop.payments import outcomes, payables
from shop.payments.payables import Payable
from storefront import storefront
from web import auth
from web.htmx import go_to, page
from web.order_page import PAID_FROM, OrderPage


def _page(lang: str, number: int) -> OrderPage:
    here = url_for("storefront.purchase_order", lang=lang, number=number)
    return OrderPage(
        "storefront/purchase_order.html", "storefront/_order_status.html", number, here
    )


@storefront.get("/<language:lang>/order/<int:number>")
@login_required
def purchase_order(lang: str, number: int) -> Response:
    """Show number, date, customer, lines, VAT, total due, expiry, and the ways to pay."""
    return _page(lang, number).show()


@storefront.get("/<language:lang>/order/<int:number>/status")
@login_required
def order_status(lang: str, number: int) -> Response:
    """Show the order's progress; the part refreshes itself until the order is final."""
    return _page(lang, number).show_status()


@storefront.get("/<language:lang>/order/<int:number>.pdf")
@login_required
def purchase_order_pdf(lang: str, number: int) -> Response:
    """Return the purchase order as PDF, in the language it was placed in."""
    return _page(lang, number).as_pdf()


@storefront.post("/<language:lang>/order/<int:number>/payments")
@login_required
def pay_order(lang: str, number: int) -> Response:
    """Redirect to the bank's page to pay the order."""
    return _page(lang, number).pay()


@storefront.post("/<language:lang>/order/<int:number>/cancellation")
@login_required
def cancel(lang: str, number: int) -> Response:
    """Cancel the order while it is unpaid."""
    return _page(lang, number).cancel()


@storefront.get("/payment/return/<reference>")
def payment_return(reference: str) -> Response:
    """Redirect to the page of what was paid; the signed reference authenticates the request.

    The browser may come without its cookie, before the bank's notification or after it.
    """
    payment = outcomes.CHECKOUTS.by_signature(reference)
    if payment is None:
        abort(404)
    known = payment.status
    # If the bank does not answer, the order's page says that the payment is being confirmed.
    with suppress(Refusal):
        payment = outcomes.CHECKOUTS.refresh(payment)
    payable = payables.paid_by(payment)
    target = _page_of(payable)
    if auth.account() == payable.row.account:
        return go_to(target)
    if payment.status != known:
        # The outcome was applied in this request; a second one shows it, and can be repeated.
        return go_to(url_for("storefront.payment_return", reference=reference))
    return page(
        "storefront/payment_return.html",
        order=payment.order,
        invoice=payment.invoice,
        payment=payment,
        sign_in_url=url_for("manager.login", next=target),
    )


def _page_of(payable: Payable) -> str:
    """Return the URL of the page where the customer follows what they paid.

    Licences added to a group are ordered in the customer area, and followed there.
    """
    order = payable.order
    if order is None:
        return url_for("manager.bill", number=payable.row.number)
    in_manager = url_for("manager.order", number=order.number)
    if session.get(PAID_FROM) == in_manager or reservations.for_order(order):
        return in_manager
    return url_for("storefront.purchase_order", lang=order.language, number=order.number)
