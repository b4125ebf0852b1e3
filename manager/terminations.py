"""The termination of a service: explained, requested, undone in time."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext

from manager import manager, services
from shop import clock
from shop.errors import Refusal
from shop.invoicing import receivables
from shop.overviews.services import ServiceOverview
from shop.pricing import periods
from shop.subscriptions import period_billing, resumption, subscriptions, terminations
from web import auth, lookups
from web.htmx import go_to, page
from web.languages import sentence
from web.messages import tell


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
        may_undo = periods.undo_until(subscriptions.next_end(found.subscription), clock.now())
        tell(
            gettext("The end of this service is noted."),
            undo=url_for("manager.keep_service", name=name) if may_undo else "",
        )
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
