"""Licence groups: the list, a group's seats, its general information, its display name."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from flask import Response, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from manager import manager, states
from models import LicenceGroup, SeatStatus
from shop import clock
from shop.delivery import seat_jobs
from shop.errors import Refusal
from shop.licences import groups
from shop.licences.seats import import_preview, listing
from shop.licences.seats.listing import View
from shop.overviews import seat_notes, services
from shop.overviews import states as order_states
from shop.subscriptions import unused
from shop.text.pagination import bounded_page_of, page_of_prepared
from web import auth, lookups
from web.arguments import list_key, page_number
from web.htmx import go_to, page, page_of_request, wants_partial
from web.languages import sentence
from web.messages import tell


@manager.get("/manager/groups", endpoint="groups")
def groups_page() -> Response:
    """List the groups by name, paged, searchable by name."""
    wanted, after = request.args.get("q", "").strip()[:100], list_key("after")
    if wanted:
        shown = bounded_page_of(groups.search_groups(auth.customer(), wanted), page_number())
    else:
        shown = page_of_prepared(
            groups.groups_by_name, page_number(), auth.customer(), after, counted=groups.counted
        )
    return page(
        "manager/groups.html",
        "manager/_groups.html",
        groups=shown,
        states=states.of_groups(shown.rows),
        wanted=wanted,
        after=after,
    )


# --- The seats of a group ----------------------------------------------------------------------


@manager.get("/manager/groups/<name>")
def group(name: str) -> Response:
    """List the group's seats: search, filter, order, pages; pending rows refresh themselves."""
    found = lookups.own_group(name)
    running = None if wants_partial() else import_preview.running_of(found)
    idle = None if wants_partial() or not found.is_open else unused.of_group(found)
    shown = seats_shown(found, request.args, running_import=running, unused=idle)
    return page("manager/group.html", "manager/_seats.html", **shown)


def seats_shown(found: LicenceGroup, arguments: MultiDict[str, str], **more: Any) -> dict[str, Any]:
    """Return the template's variables for the list of seats that the URL arguments select."""
    looked = listing.read_view(
        arguments.get("q", ""),
        arguments.get("status", ""),
        arguments.get("sort", ""),
        page_number(arguments),
        arguments.get("rows", ""),
        arguments.get("beside", ""),
    )
    shown = listing.page_of(found, looked)
    notes = seat_notes.of_seats(shown.rows)
    return {
        "group": found,
        "view": looked,
        "seats": shown,
        "here": list_address(found, looked, page=shown.number, beside=shown.way_to(shown.number)),
        "address_of": lambda **changes: list_address(found, looked, **changes),
        "page_sizes": listing.PAGE_SIZES,
        "statuses": [each for each in SeatStatus if (each == SeatStatus.ENDED) == found.is_over],
        "error_words": seat_jobs.ERROR_SENTENCES,
        "error_otherwise": seat_jobs.OTHER_ERROR,
        "links": notes.links,
        "now": clock.now(),
        "ending": notes.ending,
        "is_moving": any(seat.is_moving for seat in shown.rows) or not found.is_settled,
        **more,
    }


def list_address(found: LicenceGroup, looked: View, **changes: Any) -> str:
    """Return the URL of the list of seats in the given view, with changes to it."""
    sort = f"-{looked.sort}" if looked.descending else looked.sort
    values: dict[str, Any] = {
        "q": looked.wanted,
        "status": looked.status,
        "sort": sort,
        "page": 1,
        "rows": looked.per_page,
    } | changes
    usual = ("", 1, listing.PAGE_SIZES[0])
    kept = {name: value for name, value in values.items() if value not in usual}
    return url_for("manager.group", name=found.name, **kept)


def arguments_of_current_page(found: LicenceGroup) -> MultiDict[str, str]:
    """Return the list's URL arguments on the page that sent the htmx request."""
    parts = page_of_request()
    if parts.path != url_for("manager.group", name=found.name):
        return MultiDict()
    return MultiDict(parse_qs(parts.query))


# --- The display name --------------------------------------------------------------------------


@manager.get("/manager/groups/<name>/name")
def group_name(name: str) -> Response:
    """Show the form for another display name, in place of the name."""
    found = lookups.own_group(name)
    return _name_form(found, found.display_name)


@manager.post("/manager/groups/<name>/name")
def rename_group(name: str) -> Response:
    """Change the group's display name."""
    found, typed = lookups.own_group(name), request.form.get("display_name", "")
    before = found.display_name
    try:
        groups.rename(found, typed, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _name_form(found, typed, sentence(refusal), refusal.status)
    tell(
        gettext("The group has a new name: %(name)s", name=lookups.own_group(name).display_name),
        undo=url_for("manager.rename_group", name=name),
        fields=[("display_name", before)],
    )
    return go_to(_page_of_group(found))


def _page_of_group(found: LicenceGroup) -> str:
    """Return the URL of the group's page that sent the htmx request, else of its first one."""
    here = page_of_request().path
    tabs = ("manager.group", "manager.usage", "manager.group_information", "manager.history")
    addresses = [url_for(tab, name=found.name) for tab in tabs]
    return here if here in addresses else addresses[0]


@manager.get("/manager/groups/<name>/name/kept")
def keep_group_name(name: str) -> Response:
    """Return the unchanged name, in place of the form."""
    found = lookups.own_group(name)
    if wants_partial():
        return page("manager/_group_name.html", "manager/_group_name.html", group=found, new=True)
    return go_to(url_for("manager.group", name=name))


def _name_form(found: LicenceGroup, typed: str, error: str = "", status: int = 200) -> Response:
    return page(
        "manager/group_name.html",
        "manager/_group_name_form.html",
        status=status,
        group=found,
        typed=typed,
        error=error,
    )


# --- General information -----------------------------------------------------------------------


@manager.get("/manager/groups/<name>/information")
def group_information(name: str) -> Response:
    """Show names, offer, status, seats, renewal, contracts and orders of the group."""
    found = lookups.own_group(name)
    origins = groups.origins_of(found)
    order_states.mark_confirming(origins.orders)
    return page(
        "manager/group_information.html",
        group=found,
        service=services.find_service(auth.customer(), name, lookups.services_owed()),
        today=clock.today(),
        origins=origins,
    )
