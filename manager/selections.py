"""Several seats of a group at once: released, given new passwords, given back, or exported."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from manager import manager, seat_lines
from manager.confirmation import confirmed_first
from manager.groups import seats_shown
from models import ImportAct, LicenceGroup, SeatImport
from shop.errors import N_, Refusal
from shop.licences.seats import selections
from shop.security import rate_limits
from shop.subscriptions import give_back_selections
from web import auth, lookups
from web.htmx import go_to, page
from web.languages import sentence

SELECTION = "/manager/groups/<name>/selections/<int:import_id>"

EXPORT = "export"

ACTS = {EXPORT, ImportAct.RELEASE, ImportAct.PASSWORD, ImportAct.GIVE_BACK}
"""What may be done with the seats selected."""


@manager.post("/manager/groups/<name>/selections")
def select_seats(name: str) -> Response:
    """Keep which seats are selected and what for, and lead to the page that asks to confirm."""
    group, act = lookups.own_group(name), request.form.get("act", "")
    try:
        if act not in ACTS:
            raise Refusal(N_("Choose what is to be done with the licences."))
        numbers = seat_lines.numbers_selected(group, request.form)
        if act == EXPORT:
            return _export(group, numbers)
        who = auth.customer().nic_handle
        rate_limits.count_attempt(rate_limits.IMPORTS_PER_ACCOUNT, "selections", who)
        made = _prepare(group, act, numbers)
    except Refusal as refusal:
        return _list_page(group, refusal)
    made.group = group
    return go_to(seat_lines.url_of(made, "page"))


def _prepare(group: LicenceGroup, act: str, numbers: list[int]) -> SeatImport:
    if act == ImportAct.GIVE_BACK:
        return give_back_selections.prepare(group, numbers)
    return selections.prepare_selection(group, act, numbers)


def _export(group: LicenceGroup, numbers: list[int]) -> Response:
    """Lead to the file of the seats selected."""
    if not numbers:
        raise Refusal(selections.NOTHING_SELECTED)
    if request.form.get("all"):
        given = {key: request.form.get(key, "") for key in ("all", "q", "status")}
        chosen: dict[str, Any] = {key: value for key, value in given.items() if value}
        return go_to(url_for("manager.export_seats", name=group.name, **chosen))
    listed = ",".join(map(str, numbers))
    return go_to(url_for("manager.export_seats", name=group.name, shown=listed))


def _list_page(group: LicenceGroup, refusal: Refusal) -> Response:
    """Show the list again, with what was ticked, and why nothing is done with it."""
    shown = seats_shown(group, request.form, error=sentence(refusal))
    ticked = set(request.form.getlist("licences"))
    return page("manager/group.html", status=refusal.status, ticked=ticked, **shown)


@manager.get(SELECTION)
def selection(name: str, import_id: int) -> Response:
    """Show a selection: what will happen, the progress, or the result."""
    return seat_lines.shown(lookups.own_selection(name, import_id))


@manager.post(SELECTION + "/start")
def start_selection(name: str, import_id: int) -> Response:
    """Begin with the seats selected, in the background."""
    return seat_lines.start_job(lookups.own_selection(name, import_id))


@manager.post(SELECTION + "/abandonment")
def abandon_selection(name: str, import_id: int) -> Response:
    """Leave the selection: nothing is done with its seats."""
    return seat_lines.abandon(lookups.own_selection(name, import_id))


@manager.get(SELECTION + ".csv")
def selection_result(name: str, import_id: int) -> Response:
    """Return the outcome of each seat selected as CSV."""
    return seat_lines.result(lookups.own_selection(name, import_id))


@manager.get(SELECTION + "/passwords.csv")
@confirmed_first
def selection_passwords(name: str, import_id: int) -> ResponseReturnValue:
    """Return the new passwords of the seats selected."""
    return seat_lines.passwords(lookups.own_selection(name, import_id))
