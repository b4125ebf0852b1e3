"""Office Attach: choose mailboxes (guide); `manager.attach.review` is the next step."""

from __future__ import annotations

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from manager import manager
from models import MOST_ATTACHED, ExchangeAccount, ExchangeService
from shop.errors import Refusal
from shop.exchange import listing, services
from shop.licences.seats import csv_reader
from shop.orders import attach, on_sale
from shop.parsing.numbers_and_json import read_integer
from web import lookups, offers
from web.arguments import MOST_PAGES
from web.htmx import go_to, page
from web.languages import sentence

ATTACH = "/manager/exchange/<name>/attach"
MOST_TYPED = 300
"""Characters kept of a field: more than any field allows."""

PARTS = csv_reader.COLUMNS
"""The fields for a mailbox's holder."""

Given = MultiDict[str, str]


def on_offer(name: str) -> ExchangeService | Response:
    """Return the service; a redirect to its page if the offer was used, or is no longer on sale."""
    service = lookups.own_exchange_service(name)
    if service.is_used:
        flash(gettext(attach.ALREADY_SUBSCRIBED), "info")
    elif not offers.is_on_sale(attach.OFFER):
        flash(gettext(on_sale.NOT_ON_SALE, offer=offers.name_of(attach.OFFER)), "info")
    else:
        return service
    return go_to(url_for("manager.exchange_service", name=name))


@manager.get(ATTACH)
def attach_accounts(name: str) -> Response:
    """Show the mailboxes to choose: searchable, paged, keeping the choice across pages."""
    service = on_offer(name)
    if isinstance(service, Response):
        return service
    return _choice_page(service, request.args)


@manager.post(ATTACH)
def choose_again(name: str) -> Response:
    """Return from the review to the list, with what was typed there."""
    service = on_offer(name)
    if isinstance(service, Response):
        return service
    return _choice_page(service, request.form)


def _is_new(given: Given) -> bool:
    """Return whether the form holds no choice yet, so that the preselection applies."""
    return "chosen" not in given and "kept" not in given


def ids_of(given: Given, service: ExchangeService) -> list[int]:
    """Return the ids of the mailboxes in the form; of the preselected ones if it is new."""
    if _is_new(given):
        return [account.id for account in attach.preselected_mailboxes(service)]
    typed = given.getlist("chosen")[: 10 * MOST_ATTACHED]
    numbers = [read_integer(one, high=10**9 - 1) for one in typed]
    if None in numbers:
        abort(404)
    return [number for number in dict.fromkeys(numbers) if number is not None]


def _choice_page(
    service: ExchangeService, given: Given, error: str = "", status: int = 200
) -> Response:
    """The list, with what is chosen of the mailboxes still there and what was typed for them."""
    chosen = attach.remaining_mailboxes(service, ids_of(given, service))
    asked = request.args
    is_new = asked.get("q", "") != asked.get("was", "")
    number = 1 if is_new else read_integer((asked.getlist("page") or [""])[-1], 1, MOST_PAGES) or 1
    looked = listing.read_view(asked.get("q", ""), listing.BY_ADDRESS, number)
    shown = listing.page_of_accounts(services.active_accounts(service), looked)
    visible = {account.id for account in shown.rows}
    return page(
        "manager/attach_accounts.html",
        "manager/_attach_accounts.html",
        status=status,
        service=service,
        view=looked,
        accounts=shown,
        chosen={account.id for account in chosen},
        elsewhere=[account.id for account in chosen if account.id not in visible],
        typed=_typed_for(chosen, given),
        most=MOST_ATTACHED,
        error=error,
    )


def _typed_for(chosen: list[ExchangeAccount], given: Given) -> list[tuple[str, str]]:
    """Return the review's fields that differ from what would be proposed, by name."""
    typed = [("owners", "yes")] if "owners" in given else []
    for proposal in attach.propose_holders(chosen[: 2 * MOST_ATTACHED]):
        account = proposal.account
        for field in PARTS:
            name = f"{field}-{account.id}"
            value = given.get(name, "")[:MOST_TYPED]
            if value not in ("", getattr(proposal, field)):
                typed.append((name, value))
        if f"owner-{account.id}" in given:
            typed.append((f"owner-{account.id}", "yes"))
    return typed


def chosen_of(
    service: ExchangeService, given: Given
) -> tuple[list[ExchangeAccount], Response | None]:
    """Return the mailboxes chosen; or the list again, with what is wrong with the choice."""
    first = attach.preselected_mailboxes(service) if _is_new(given) else []
    if first:
        return first, None
    ids = ids_of(given, service)
    try:
        return attach.chosen_mailboxes(service, ids), None
    except Refusal as refusal:
        return [], _choice_page(service, given, sentence(refusal), refusal.status)
