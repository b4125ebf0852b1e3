"""« Microsoft › Exchange »: the customer's Exchange services and their mailboxes (guide)."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from manager import manager
from models import ExchangeService
from shop.exchange import attached_licences, listing, services
from shop.exchange.listing import ListView
from shop.orders.attach import OFFER
from shop.text.pagination import page_of
from web import auth, lookups, offers
from web.arguments import page_number
from web.htmx import go_to, page


@manager.get("/manager/exchange")
def exchange_services() -> Response:
    """List the customer's Exchange services, by name."""
    shown = page_of(
        services.services_with_mailbox_counts(auth.customer()),
        page_number(),
    )
    return page("manager/exchange_services.html", "manager/_exchange_services.html", services=shown)


@manager.get("/manager/exchange/<name>")
def exchange_service(name: str) -> Response:
    """Show « Informations Générales »: the service's details, and Office Attach or its progress."""
    return service_page(lookups.own_exchange_service(name))


def service_page(found: ExchangeService, error: str = "", status: int = 200) -> Response:
    """Render a service's general information, with the message of a refusal if there is one."""
    attach = attached_licences.attach_of(found) if found.is_used else None
    group = attached_licences.group_of(attach) if attach else None
    number = services.active_accounts(found).count()
    return page(
        "manager/exchange_service.html",
        "manager/_exchange_information.html",
        status=status,
        service=found,
        number=number,
        attach=attach,
        group=group,
        is_moving=attached_licences.is_in_progress(attach, group),
        is_offered=attach is None and bool(number) and offers.is_on_sale(OFFER),
        renewal=attached_licences.first_renewal(group),
        error=error,
    )


# --- « Comptes E-mail » --------------------------------------------------------------------------


@manager.get("/manager/exchange/<name>/accounts")
def exchange_accounts(name: str) -> Response:
    """Show « Comptes E-mail »: searchable, sortable, paged; accounts with a licence are marked."""
    found, asked = lookups.own_exchange_service(name), request.args
    looked = listing.read_view(asked.get("q", ""), asked.get("sort", ""), page_number(asked))
    shown = listing.page_of_accounts(services.all_accounts(found), looked)
    return page(
        "manager/exchange_accounts.html",
        "manager/_exchange_accounts.html",
        service=found,
        view=looked,
        accounts=shown,
        licences=attached_licences.licences_of(shown.rows),
        address_of=lambda **changes: _list_address(found, looked, **changes),
        is_offered=offers.is_on_sale(OFFER) and attached_licences.is_offered(found),
    )


def _list_address(found: ExchangeService, looked: ListView, **changes: Any) -> str:
    """Return the URL of the list of mailboxes in the given view, with changes to it."""
    sort = f"-{looked.sort}" if looked.descending else looked.sort
    values: dict[str, Any] = {"q": looked.wanted, "sort": sort, "page": 1} | changes
    kept = {
        name: value for name, value in values.items() if value not in ("", 1, listing.BY_ADDRESS)
    }
    return url_for("manager.exchange_accounts", name=found.name, **kept)


# --- The banner --------------------------------------------------------------------------------


@manager.post("/manager/exchange/<name>/offer/dismissal")
def dismiss_offer(name: str) -> Response:
    """Stop showing the banner on this service."""
    services.hide_offer(lookups.own_exchange_service(name))
    return go_to(url_for("manager.exchange_service", name=name))
