"""The termination of a service: explained, requested, undone in time; withdrawal of consumers."""

from __future__ import annotations

from flask import Response, flash, request
from flask_babel import gettext

from manager import manager, services
from shop import clock
from shop.errors import Refusal
from shop.invoicing import receivables
from shop.overviews.services import ServiceOverview
from shop.pricing import periods
from shop.subscriptions import (
    period_billing,
    resumption,
    subscriptions,
    terminations,
    withdrawals,
)
from web import auth, lookups
from web.htmx import go_to, page
from web.languages import sentence


@manager.get(services.SERVICE + "/termination")
def terminate(name: str) -> Response:
    """Explain what a termination means, and its day, before it is requested."""
    return _termination_page(lookups.own_service(name))


def _termination_page(found: ServiceOverview, error: str = "", status: int = 200) -> Response:
    if found.subscription.is_over:
        return go_to(services.here(found))
    return page(
        "manager/termination.html",
        status=status,
        service=found,
        due=receivables.unpaid_invoices(found.group.id),
        ends_on=subscriptions.next_end(found.subscription),
        undo_until=periods.undo_until(subscriptions.next_end(found.subscription), clock.now()),
        is_covered=period_billing.is_covered(found.subscription, found.paid_ahead),
        error=error,
    )


@manager.post(services.SERVICE + "/termination")
def ask_for_termination(name: str) -> Response:
    """Schedule the termination; a company first confirms it by a link in an e-mail."""
    found, who = lookups.own_service(name), auth.customer()
    try:
        terminations.request_termination(found.group, by=who.nic_handle)
    except Refusal as refusal:
        return _termination_page(found, sentence(refusal), refusal.status)
    if terminations.needs_link(found.group):
        said = gettext(
            "We have sent a link to %(address)s: follow it to confirm.", address=who.email
        )
        flash(said, "info")
    else:
        flash(gettext("The end of this service is noted."), "success")
    return go_to(services.here(found))


@manager.post(services.SERVICE + "/termination/undoing")
def keep_service(name: str) -> Response:
    """Undo a termination."""
    found = lookups.own_service(name)
    try:
        resumption.undo_termination(found.group, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return services.shown(found, sentence(refusal), refusal.status)
    flash(gettext("The service renews as before."), "success")
    return go_to(services.here(found))


@manager.get(services.SERVICE + "/withdrawal")
def withdrawal(name: str) -> Response:
    """Explain what withdrawing within 14 days means, for consumers."""
    return _withdrawal_page(lookups.own_service(name))


def _withdrawal_page(found: ServiceOverview, error: str = "", status: int = 200) -> Response:
    if not error and not withdrawals.can_withdraw(found.group):
        return go_to(services.here(found))
    return page(
        "manager/withdrawal.html",
        status=status,
        service=found,
        until=withdrawals.ends_at(found.group),
        error=error,
    )


@manager.post(services.SERVICE + "/withdrawal")
def withdraw(name: str) -> Response:
    """End the service at once and refund what was paid."""
    found = lookups.own_service(name)
    if request.form.get("sure") != "yes":
        return _withdrawal_page(found, gettext("Tick the box to withdraw."), 422)
    try:
        withdrawals.withdraw(found.group, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _withdrawal_page(found, sentence(refusal), refusal.status)
    flash(
        gettext("You have withdrawn from this contract. What you paid goes back to you."), "success"
    )
    return go_to(services.here(found))
