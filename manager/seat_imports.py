"""Many seats at once: a CSV file's preview, import in the background and result; the export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext

from manager import manager
from models import ImportStatus, LicenceGroup, SeatImport, SeatImportLine, SeatStatus
from shop.errors import N_, Refusal
from shop.licences.seats import csv_reader, import_preview, listing
from shop.security import rate_limits
from shop.text import templates
from shop.text.pagination import page_of
from web import auth, lookups
from web.arguments import page_number
from web.files import table
from web.htmx import go_to, page
from web.languages import current, sentence

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
    return _shown(lookups.own_import(name, import_id))


def _shown(made: SeatImport, error: str = "", status: int = 200) -> Response:
    standing = (
        import_preview.count_seats_by_status(made) if made.status != ImportStatus.PREVIEW else {}
    )
    waiting, failed = (standing.get(it, 0) for it in (SeatStatus.ACTIVATING, SeatStatus.ERROR))
    only_bad = request.args.get("show") == "bad"
    shown = page_of(import_preview.results_of(made, bad=only_bad), page_number())
    settled = made.lines_done - made.lines_refused - waiting - failed
    return page(
        "manager/seat_import.html",
        "manager/_seat_import.html",
        status=status,
        group=made.group,
        file=made,
        lines=shown,
        only_bad=only_bad,
        settled=max(settled, 0),
        failed=failed,
        is_running=made.status == ImportStatus.RUNNING or bool(waiting),
        said={line.number: _problem_of(line) for line in shown.rows},
        error=error,
    )


def _problem_of(line: SeatImportLine) -> str:
    """Return what is wrong with a line, in the customer's language."""
    text = gettext(line.problem) if line.problem else ""
    return text % line.details if line.details else text


@manager.post(IMPORT + "/start")
def start_import(name: str, import_id: int) -> Response:
    """Configure the valid lines in the background."""
    made = lookups.own_import(name, import_id)
    try:
        import_preview.start_import(made, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _shown(lookups.own_import(name, import_id), sentence(refusal), refusal.status)
    return go_to(url_for("manager.seat_import", name=name, import_id=import_id))


@manager.post(IMPORT + "/abandonment")
def abandon_import(name: str, import_id: int) -> Response:
    """Abandon the import."""
    made = lookups.own_import(name, import_id)
    try:
        import_preview.abandon_import(made, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _shown(lookups.own_import(name, import_id), sentence(refusal), refusal.status)
    flash(gettext("Nothing was configured from this file."), "info")
    return go_to(url_for("manager.group", name=name))


# --- Downloads ---------------------------------------------------------------------------------


@manager.get(IMPORT + ".csv")
def import_result(name: str, import_id: int) -> Response:
    """Return the file with the outcome of each line."""
    made = lookups.own_import(name, import_id)
    heading = [
        gettext("Line"),
        gettext("First name"),
        gettext("Last name"),
        gettext("Login"),
        gettext("Result"),
    ]
    say = _Outcomes(current())
    return table(_result_rows(made, heading, say), f"{made.group.name}-import-{made.id}.csv")


def _result_rows(made: SeatImport, heading: list[str], say: _Outcomes) -> Iterator[list[Any]]:
    yield heading
    for line in import_preview.all_results(made):
        yield [line.number, line.first_name, line.last_name, line.login, say.of(line)]


class _Outcomes:
    """The outcomes of lines as texts that need no request: the file is streamed after it."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._statuses = _words()
        self._not_processed = gettext("Not processed")
        self._changed = gettext("Changed since")

    def of(self, line: SeatImportLine) -> str:
        """What became of a line."""
        if line.problem:
            return templates.translate(line.problem, self._language, **line.details)
        if not line.is_done or line.seat is None:
            return self._not_processed
        if line.seat.version != line.version:
            return self._changed
        return self._statuses[line.seat.status]


def _words() -> dict[str, str]:
    return {
        SeatStatus.UNCONFIGURED: gettext("Not configured"),
        SeatStatus.ACTIVATING: gettext("Creating"),
        SeatStatus.ACTIVE: gettext("Created"),
        SeatStatus.UPDATING: gettext("Update"),
        SeatStatus.RELEASING: gettext("Deleting"),
        SeatStatus.ERROR: gettext("Error"),
        SeatStatus.ENDED: gettext("Ended"),
    }


@manager.get("/manager/groups/<name>/seats.csv")
def export_seats(name: str) -> Response:
    """Return every seat of the group as CSV, streamed."""
    group = lookups.own_group(name)
    heading = [
        gettext("First name"),
        gettext("Last name"),
        gettext("Login"),
        gettext("Activation email"),
        gettext("Licence"),
        gettext("Status"),
    ]
    return table(_seat_rows(group, heading, _words()), f"{group.name}.csv")


def _seat_rows(
    group: LicenceGroup, heading: list[str], words: dict[str, str]
) -> Iterator[list[Any]]:
    yield heading
    for seat in listing.all_seats(group):
        yield [
            seat.first_name,
            seat.last_name,
            seat.login or "",
            f"{seat.shown_login}@{group.domain}",
            seat.number,
            words[seat.status],
        ]
