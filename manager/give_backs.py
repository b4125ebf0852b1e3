"""Licences given back at the next renewal: choose, review, confirm, undo in time."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext, ngettext

from manager import manager, services
from shop import clock
from shop.errors import Refusal
from shop.invoicing import receivables
from shop.licences.seats import listing
from shop.overviews import services as shop_services
from shop.overviews.services import ServiceOverview
from shop.parsing.numbers_and_json import read_integer
from shop.pricing import periods
from shop.subscriptions import give_back_choice, give_backs, subscriptions
from shop.text import formats
from web import auth, lookups
from web.arguments import page_number
from web.htmx import go_to, page
from web.languages import current_language, sentence
from web.messages import tell

MOST_AT_ONCE = 1000
"""The most licences given back with one form."""


@manager.get(services.SERVICE + "/licences")
def give_back(name: str) -> Response:
    """Show the form to choose licences: a number of unused ones, or ticked ones."""
    return _choice_page(lookups.own_service(name))


def _choice_page(found: ServiceOverview, error: str = "", status: int = 200) -> Response:
    if not found.is_open:
        return go_to(services.here(found))
    looked = listing.read_view(
        request.args.get("q", ""), "", "", page_number(),
        beside=request.args.get("beside", ""),
    )  # fmt: skip
    returned = {row.number for row in give_backs.for_group(found.group)}
    return page(
        "manager/give_back.html",
        status=status,
        service=found,
        group=found.group,
        seats=listing.page_of(found.group, looked),
        wanted=looked.wanted,
        returned=returned,
        ends_on=subscriptions.next_end(found.subscription),
        unused=request.values.get("unused", "")[:9],
        ticked=set(_numbers(request.values.getlist("licences"))),
        error=error,
    )


def numbers_typed() -> list[int]:
    """Return the numbers of the licences ticked, in a form or in the address."""
    return _numbers(request.values.getlist("licences"))


def _numbers(typed: list[str]) -> list[int]:
    good = [read_integer(one, 1, 10**9 - 1) for one in typed[:MOST_AT_ONCE]]
    return [number for number in dict.fromkeys(good) if number is not None]


@manager.get(services.SERVICE + "/licences/review")
def review_give_back(name: str) -> Response:
    """Show who loses a licence and what the renewals will cost, before the confirmation."""
    found = lookups.own_service(name)
    if not found.is_open or not request.args:
        return go_to(url_for("manager.give_back", name=name))
    try:
        return _review(found, _wanted(found))
    except Refusal as refusal:
        return _choice_page(found, sentence(refusal), refusal.status)


def _wanted(found: ServiceOverview) -> list[int]:
    """Return the numbers of the licences ticked, and of as many unused ones as requested."""
    ticked = _numbers(request.values.getlist("licences"))
    return give_back_choice.with_unused(found.group, ticked, request.values.get("unused", ""))


def _review(
    found: ServiceOverview, numbers: list[int], error: str = "", status: int = 200
) -> Response:
    ends_on = subscriptions.next_end(found.subscription)
    return page(
        "manager/give_back_review.html",
        status=status,
        service=found,
        due=receivables.unpaid_invoices(found.group.id),
        group=found.group,
        numbers=numbers,
        losing=listing.held_among(found.group, numbers),
        ends_on=ends_on,
        undo_until=periods.undo_until(ends_on, clock.now()),
        then=shop_services.preview_with_give_back(found, len(numbers)),
        error=error,
    )


@manager.post(services.SERVICE + "/licences")
def confirm_give_back(name: str) -> Response:
    """Give the licences back at the end of the period charged."""
    found, numbers = lookups.own_service(name), _numbers(request.form.getlist("licences"))
    try:
        give_backs.give_back_seats(found.group, numbers, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _choice_page(found, sentence(refusal), refusal.status)
    said = ngettext(
        "%(number)s licence is given back.", "%(number)s licences are given back.", len(numbers),
        number=formats.number(len(numbers), current_language()),
    )  # fmt: skip
    may_undo = periods.undo_until(subscriptions.next_end(found.subscription), clock.now())
    tell(
        said,
        undo=url_for("manager.keep_licences", name=name) if may_undo else "",
        fields=[("licences", str(number)) for number in numbers],
    )
    return go_to(services.here(found))


@manager.post(services.SERVICE + "/licences/keeping")
def keep_licences(name: str) -> Response:
    """Undo giving licences back, while there is time."""
    found, numbers = lookups.own_service(name), _numbers(request.form.getlist("licences"))
    try:
        give_backs.undo(found.group, numbers, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return services.shown(found, sentence(refusal), refusal.status)
    flash(gettext("These licences stay and renew with the others."), "success")
    return go_to(services.here(found))
