"""Many seats at once: a CSV file's preview, import in the background and result; the export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from manager import manager, seat_lines
from manager.confirmation import confirmed_first
from models import LicenceGroup, Seat
from shop.errors import N_, Refusal
from shop.licences.seats import csv_reader, import_preview, listing
from shop.security import rate_limits
from web import auth, lookups
from web.files import table
from web.htmx import go_to, page
from web.languages import sentence

IMPORT = "/manager/groups/<name>/imports/<int:import_id>"


# --- The import --------------------------------------------------------------------------------


@manager.get("/manager/groups/<name>/imports")
def import_seats(name: str) -> Response:
    """Show the form to upload a file of people."""
    return _upload_page(lookups.own_group(name))


@manager.post("/manager/groups/<name>/imports")
def upload_seats(name: str) -> Response:
    """Read a file for a preview; no seat is configured yet."""
    group, given = lookups.own_group(name), request.files.get("file")
    try:
        if given is None or not given.filename:
            raise Refusal(N_("Choose a file."), "file")
        who = auth.customer().nic_handle
        rate_limits.count_attempt(rate_limits.IMPORTS_PER_ACCOUNT, "imports", who)
        made = import_preview.prepare_import(group, given.filename, given.read())
    except Refusal as refusal:
        return _upload_page(group, sentence(refusal), refusal.status)
    return go_to(url_for("manager.seat_import", name=name, import_id=made.id))


def _upload_page(group: LicenceGroup, error: str = "", status: int = 200) -> Response:
    return page(
        "manager/import_seats.html",
        status=status,
        group=group,
        error=error,
        most=csv_reader.MOST_LINES,
        latest=import_preview.latest_of(group),
    )


@manager.get(IMPORT)
def seat_import(name: str, import_id: int) -> Response:
    """Show an import: its preview, its progress, or its result."""
    return seat_lines.shown(lookups.own_import(name, import_id))


@manager.post(IMPORT + "/start")
def start_import(name: str, import_id: int) -> Response:
    """Configure the valid lines in the background."""
    return seat_lines.start_job(lookups.own_import(name, import_id))


@manager.post(IMPORT + "/abandonment")
def abandon_import(name: str, import_id: int) -> Response:
    """Abandon the import."""
    return seat_lines.abandon(lookups.own_import(name, import_id))


# --- Downloads ---------------------------------------------------------------------------------


@manager.get(IMPORT + ".csv")
def import_result(name: str, import_id: int) -> Response:
    """Return the file with the outcome of each line."""
    return seat_lines.result(lookups.own_import(name, import_id))


@manager.get(IMPORT + "/passwords.csv")
@confirmed_first
def import_passwords(name: str, import_id: int) -> ResponseReturnValue:
    """Return the passwords of the people of a file."""
    return seat_lines.passwords(lookups.own_import(name, import_id))


@manager.get("/manager/groups/<name>/seats.csv")
def export_seats(name: str) -> Response:
    """Return the selected seats as CSV, streamed; every seat of the group if none is selected."""
    group = lookups.own_group(name)
    numbers = seat_lines.numbers_selected(group, request.args)
    listed = listing.numbered_seats(group, numbers) if numbers else listing.all_seats(group)
    heading = [
        gettext("First name"),
        gettext("Last name"),
        gettext("Login"),
        gettext("Activation email"),
        gettext("Licence"),
        gettext("Status"),
    ]
    rows = _seat_rows(group, listed, heading, seat_lines.status_words())
    return table(rows, f"{group.name}.csv")


def _seat_rows(
    group: LicenceGroup, listed: Iterator[Seat], heading: list[str], words: dict[str, str]
) -> Iterator[list[Any]]:
    yield heading
    for seat in listed:
        yield [
            seat.first_name,
            seat.last_name,
            seat.login or "",
            f"{seat.shown_login}@{group.domain}",
            seat.number,
            words[seat.status],
        ]
