"""« Mes services »: each subscription's next renewal and its price, its payment, its end."""

from __future__ import annotations

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext

from manager import manager
from models import CardSetup, CardSetupStatus, Invoice
from shop import clock
from shop.errors import Refusal
from shop.invoicing import invoices, receivables
from shop.orders import withdrawal_rights
from shop.overviews import bills, resumptions
from shop.overviews import services as shop_services
from shop.overviews.services import ServiceOverview
from shop.payments import card_setups
from shop.subscriptions import (
    give_backs,
    interventions,
    period_billing,
    subscriptions,
    terminations,
)
from shop.text.pagination import page_of_prepared
from web import auth, lookups
from web.arguments import list_key, number_of, page_number
from web.checkout import keeps_card, pay
from web.htmx import go_to, page
from web.languages import sentence
from web.messages import tell
from web.urls import base_url

SERVICE = "/manager/services/<name>"

NO_CARD = "none"
"""The choice of a customer who pays each renewal themselves."""


@manager.get("/manager/services")
def services() -> Response:
    """List every service with its next renewal: price, means of payment, status."""
    who = auth.customer()
    after = list_key("after")
    shown = page_of_prepared(
        shop_services.of_account, page_number(), who, clock.today(), after,
        counted=shop_services.counted, places=shop_services.places,
    )  # fmt: skip
    listed = shop_services.for_account(who, shown.rows, shop_services.renewal_cards_of(who))
    return page("manager/services.html", "manager/_services.html", services=shown, listed=listed,
                after=after)  # fmt: skip


@manager.get(SERVICE)
def service(name: str) -> Response:
    """Show one service: the next renewal and its price in detail, card, amounts due, end."""
    return shown(lookups.own_service(name))


def shown(found: ServiceOverview, error: str = "", status: int = 200) -> Response:
    """Render the page of a service, with the message of a refusal."""
    setup = _setup_of(found)
    termination = found.termination
    returned = give_backs.for_group(found.group)
    due = receivables.unpaid_invoices(found.group.id)
    return page(
        "manager/service.html",
        status=status,
        service=found,
        due=due,
        resumption=resumptions.of_service(found, due),
        ended_for=interventions.reason_of_end(found.group) if found.subscription.is_over else "",
        given_back=returned,
        may_keep=[row.number for row in returned if give_backs.can_be_undone(row)],
        may_undo=termination is not None and terminations.can_be_undone(termination),
        undo_until=shop_services.undo_until(found),
        right=withdrawal_rights.right_of_service(found.group),
        # Of a suspended one, what is to be paid is listed above.
        papers=[] if found.subscription.is_suspended else bills.of_service(found.group),
        setup=setup,
        is_registered=bool(setup and setup.status == CardSetupStatus.SUCCEEDED),
        is_registering=bool(setup and setup.is_unsettled),
        not_registered=card_setups.failure_message(setup) if setup else "",
        error=error,
    )


def here(found: ServiceOverview) -> str:
    """Return the URL of a service's page."""
    return url_for("manager.service", name=found.group.name)


# --- The means of payment ----------------------------------------------------------------------


def _setup_of(found: ServiceOverview) -> CardSetup | None:
    """Return the card registration that the customer returns from, if any."""
    number = number_of(request.args, "card")
    return card_setups.find_setup(auth.customer(), number, here(found)) if number else None


@manager.post(SERVICE + "/cards")
def register_card(name: str) -> Response:
    """Redirect to the bank to register a card: strong authentication, no charge."""
    found, who = lookups.own_service(name), auth.customer()
    try:
        setup = card_setups.register_card(
            who, back_to=here(found), typed={}, base_url=base_url(), by=who.nic_handle,
            group=found.group,
        )  # fmt: skip
    except Refusal as refusal:
        return shown(found, sentence(refusal), refusal.status)
    return go_to(setup.checkout_url if setup.is_unsettled else here(found))


@manager.post(SERVICE + "/card")
def choose_card(name: str) -> Response:
    """Let one of the stored cards be charged for the renewals of this service, or none."""
    found, who = lookups.own_service(name), auth.customer().nic_handle
    there = {str(card.id): card for card in found.cards}
    wanted = request.form.get("card", "")
    if wanted not in there and wanted != NO_CARD:
        return shown(found, gettext("Choose one of your cards, or to pay yourself."), 422)
    try:
        subscriptions.choose_card(found.subscription, there.get(wanted), by=who)
    except Refusal as refusal:
        return shown(lookups.own_service(name), sentence(refusal), refusal.status)
    if wanted == NO_CARD:
        said = gettext("You pay the renewals of this service yourself from now on.")
    else:
        said = gettext("The renewals of this service are charged to this card from now on.")
    before = str(found.card.id) if found.card else NO_CARD
    may_undo = before != wanted and (before in there or before == NO_CARD)
    tell(
        said,
        undo=url_for("manager.choose_card", name=name) if may_undo else "",
        fields=[("card", before)],
    )
    return go_to(here(found))


# --- Paying ------------------------------------------------------------------------------------


@manager.post(SERVICE + "/payments")
def pay_service(name: str) -> Response:
    """Pay the invoice named by the button; without one, pay the next renewal in advance."""
    found = lookups.own_service(name)
    try:
        invoice = _to_pay(found, request.form.get("invoice", ""))
        if invoice is None:
            flash(gettext("This invoice is settled already: nothing more was charged."), "success")
            return go_to(here(found))
        return pay(invoice, here=here(found), store_card=keeps_card())
    except Refusal as refusal:
        return shown(lookups.own_service(name), sentence(refusal), refusal.status)


def _to_pay(found: ServiceOverview, number: str) -> Invoice | None:
    """Return the invoice that the button showed; None if it was settled since then, or by
    the balance of the account."""
    if not number:
        ahead = period_billing.bill_ahead(found.subscription)
        return ahead if ahead.is_payable else None
    due = {invoice.number: invoice for invoice in receivables.unpaid_invoices(found.group.id)}
    if number in due:
        return due[number]
    known = invoices.find_invoice(auth.customer(), number)
    if known is None or known.group_id != found.group.id:
        abort(404)
    return known if known.is_payable else None
