"""One order's page and what can be done there, the same on the storefront and in the manager."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, request, session, url_for
from flask_babel import gettext

from models import Order, OrderLine
from shop import documents
from shop.errors import Refusal
from shop.licences import reservations
from shop.orders import orders
from shop.overviews import order_progress
from shop.payments import mandates
from shop.pricing.lines import lines_of
from web import auth, lookups
from web.checkout import pay
from web.files import pdf
from web.htmx import go_to, page, wants_partial
from web.languages import current_language, sentence

CHOICE = "renewals"
"""The field in which the customer chooses how renewals are paid."""

PAID_FROM = "paid_from"
"""The key in the session of the page from which the customer last went to the bank."""


@dataclass(frozen=True)
class OrderPage:
    """The page of the customer's order of a ``number``; 404 for anybody else's.

    ``template`` shows it whole, ``status_part`` the part that refreshes itself, and ``here`` is its
    address. ``returns`` says that the bank sends the customer back to it.
    """

    template: str
    status_part: str
    number: int
    here: str
    returns: bool = False

    def show(
        self, *, partial: str = "", error: str = "", unchosen: str = "", status: int = 200
    ) -> Response:
        """Show the whole page, with what was refused; ``unchosen`` is said at the choice of how
        renewals are paid."""
        order = self._order()
        lines = lines_of(order)
        return page(
            self.template,
            partial,
            status=status,
            order=order,
            lines=lines,
            change_url=_form_url(order, lines) if order.is_payable else "",
            again_url=_form_url(order, lines) if order.is_over else "",
            tracking=order_progress.for_order(order, lines),
            mention=documents.vat_mention(order, current_language()),
            error=error,
            choice=request.form.get(CHOICE, ""),
            unchosen=unchosen,
            standing=(standing := _standing(order)),
            is_part=bool(partial) and wants_partial(),
            is_changed=request.args.get("shown") != standing,
        )

    def show_status(self) -> Response:
        """Show the order's progress; the part refreshes itself until the order is final."""
        return self.show(partial=self.status_part)

    def as_pdf(self) -> Response:
        """Return the purchase order as PDF, in the language it was placed in."""
        order = self._order()
        return pdf(documents.purchase_order_of(order), documents.purchase_order_filename(order))

    def pay(self) -> Response:
        """Redirect to the bank's page to pay the order."""
        try:
            order = self._order()
            session[PAID_FROM] = self.here
            store_card = mandates.read_choice(order, request.form.get(CHOICE, ""))
            return pay(order, here=self.here, store_card=store_card, returns=self.returns)
        except Refusal as refusal:
            return self._refused(refusal)

    def cancel(self) -> Response:
        """Cancel the order while it is unpaid."""
        return self.act(orders.cancel_order, gettext("Your order is cancelled. Nothing is due."))

    def act(self, operation: Callable[[Order, str], None], done: str) -> Response:
        """Call an operation on the order, in the customer's name, and say that it is ``done``."""
        try:
            operation(self._order(), auth.customer().nic_handle)
        except Refusal as refusal:
            return self._refused(refusal)
        flash(done, "success")
        return go_to(self.here)

    def _order(self) -> Order:
        return lookups.own_order(self.number)

    def _refused(self, refusal: Refusal) -> Response:
        if refusal.field == CHOICE:
            return self.show(unchosen=sentence(refusal), status=refusal.status)
        return self.show(error=sentence(refusal), status=refusal.status)


def _standing(order: Order) -> str:
    """Return what of an order's state the steps and the document beside its status show."""
    return "due" if order.is_payable else "paid" if order.paid_at else "closed"


def _form_url(order: Order, lines: list[OrderLine]) -> str:
    """Return the address of the form that changes or repeats an order; "" if there is none.

    An order of licences for a group leads back to that group, and to no other.
    """
    if not any(line.is_addition for line in lines):
        numbers: dict[str, Any] = {line.offer.code: line.quantity for line in lines}
        basket = order.basket
        return url_for("storefront.quantities", lang=current_language(), basket=basket, **numbers)
    added = reservations.for_order(order)[0]
    group, quantity = added.group, added.line.quantity
    if not group.is_open:
        return ""
    return url_for(
        "manager.order_office",
        basket=order.basket, offer=group.offer_id, quantity=quantity, group=group.name,
    )  # fmt: skip
