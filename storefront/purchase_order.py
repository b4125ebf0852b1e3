"""The purchase order: shown, paid, followed, cancelled; and the return from the bank's page."""

from __future__ import annotations

from contextlib import suppress

from flask import Response, abort, request, session, url_for
from flask_login import login_required

from models import Order, Payment
from shop.errors import Refusal
from shop.licences import reservations
from shop.payments import outcomes, payables
from shop.payments.payables import Payable
from storefront import storefront
from web import auth, viewing
from web.htmx import go_to, page
from web.order_page import PAID_FROM, OrderPage
from web.urls import page_url


def _page(lang: str, number: int) -> OrderPage:
    here = page_url("storefront.purchase_order", lang=lang, number=number)
    return OrderPage(
        "storefront/purchase_order.html", "storefront/_order_status.html", number, here, True
    )


@storefront.get("/<language:lang>/order/<int:number>")
def purchase_order(lang: str, number: int) -> Response:
    """Show number, date, customer, lines, VAT, total due, expiry, and the ways to pay.

    The bank sends the customer back here with a signed reference to the payment, maybe without the
    browser's cookie, before its notification or after it.
    """
    payment = _payment_of_address()
    paid = payment.order if payment else None
    if payment is None or paid is None or paid.number != str(number):
        return _own_page(lang, number)
    return _returned(payment, paid) or _own_page(lang, number)


@login_required
def _own_page(lang: str, number: int) -> Response:
    return _page(lang, number).show()


def _payment_of_address() -> Payment | None:
    """Return the payment with which the bank sends the customer back, if it does."""
    reference = request.args.get(outcomes.CHECKOUTS.return_argument)
    if reference is None or viewing.current_viewing() is not None:
        return None
    return outcomes.CHECKOUTS.by_signature(reference)


def _returned(payment: Payment, order: Order) -> Response | None:
    """Apply what the bank says of a payment; return what is shown instead of the order, if any.

    Only the customer sees the order. One who last paid it from the customer area returns there.
    """
    if not payment.has_succeeded:
        payment = _refreshed(payment)
    account = auth.account()
    if account is None or account.id != order.account_id:
        return _told(payment, request.path)
    in_manager = url_for("manager.order", number=order.number)
    return go_to(in_manager) if session.get(PAID_FROM) == in_manager else None


def _refreshed(payment: Payment) -> Payment:
    # If the bank does not answer, the order's page says that the payment is being confirmed.
    with suppress(Refusal):
        return outcomes.CHECKOUTS.refresh(payment)
    return payment


def _told(payment: Payment, target: str) -> Response:
    """Show what became of a payment to who is not signed in; ``target`` is the customer's page."""
    return page(
        "storefront/payment_return.html",
        order=payment.order,
        invoice=payment.invoice,
        payment=payment,
        sign_in_url=url_for("manager.login", next=target),
    )


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
    payment = _refreshed(payment)
    payable = payables.paid_by(payment)
    target = _page_of(payable)
    if auth.account() == payable.row.account:
        return go_to(target)
    if payment.status != known:
        # The outcome was applied in this request; a second one shows it, and can be repeated.
        return go_to(url_for("storefront.payment_return", reference=reference))
    return _told(payment, target)


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
