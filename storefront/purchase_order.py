"""The purchase order: shown, paid, followed, cancelled; and the return from the bank's page."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Response, abort, flash, url_for
from flask_babel import gettext
from flask_login import login_required

from models import Order
from shop import documents
from shop.errors import Refusal
from shop.orders import orders
from shop.overviews import order_progress
from shop.payments import outcomes, payables
from shop.payments.payables import Payable
from shop.pricing.lines import lines_of
from storefront import storefront
from web import auth, lookups
from web.checkout import pay
from web.files import pdf
from web.htmx import go_to, page
from web.languages import current, sentence


def _shown(order: Order) -> dict[str, Any]:
    return {
        "order": order,
        "lines": lines_of(order),
        "tracking": order_progress.for_order(order),
        "mention": documents.vat_mention(order, current()),
    }


@storefront.get("/<language:lang>/order/<int:number>")
@login_required
def purchase_order(lang: str, number: int) -> Response:
    """Show number, date, customer, lines, VAT, total due, expiry, and the ways to pay."""
    return page("storefront/purchase_order.html", **_shown(lookups.own_order(number)))


@storefront.get("/<language:lang>/order/<int:number>/status")
@login_required
def order_status(lang: str, number: int) -> Response:
    """Show the order's progress; the part refreshes itself until the order is final."""
    order = lookups.own_order(number)
    return page(
        "storefront/purchase_order.html",
        "storefront/_order_status.html",
        **_shown(order),
    )


@storefront.get("/<language:lang>/order/<int:number>.pdf")
@login_required
def purchase_order_pdf(lang: str, number: int) -> Response:
    """Return the purchase order as PDF, in the language it was placed in."""
    order = lookups.own_order(number)
    return pdf(documents.purchase_order_of(order), documents.purchase_order_filename(order))


@storefront.post("/<language:lang>/order/<int:number>/payments")
@login_required
def pay_order(lang: str, number: int) -> Response:
    """Redirect to the bank's page to pay the order."""
    here = url_for("storefront.purchase_order", lang=lang, number=number)
    try:
        return pay(lookups.own_order(number), here=here)
    except Refusal as refusal:
        return _refused(number, refusal)


@storefront.post("/<language:lang>/order/<int:number>/cancellation")
@login_required
def cancel(lang: str, number: int) -> Response:
    """Cancel the order while it is unpaid."""
    try:
        orders.cancel_order(lookups.own_order(number), by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _refused(number, refusal)
    flash(gettext("Your order is cancelled. Nothing is due."), "success")
    return go_to(url_for("storefront.purchase_order", lang=lang, number=number))


def _refused(number: int, refusal: Refusal) -> Response:
    return page(
        "storefront/purchase_order.html",
        status=refusal.status,
        error=sentence(refusal),
        **_shown(lookups.own_order(number)),
    )


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
    """Return the URL of the page where the customer follows what they paid."""
    paid = payable.row
    if payable.invoice:
        return url_for("manager.bill", number=paid.number)
    return url_for("storefront.purchase_order", lang=paid.language, number=paid.number)
