"""What a file of people and a selection of seats have in common: preview, progress and result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from models import ImportAct, LicenceGroup, SeatImport, SeatImportLine, SeatStatus, SendTo
from shop import clock, settings
from shop.customers import activity_log
from shop.delivery import passwords_of_files
from shop.errors import Refusal
from shop.licences.seats import import_preview, listing
from shop.overviews import services as shop_services
from shop.parsing.numbers_and_json import read_integer
from shop.pricing import periods
from shop.subscriptions import subscriptions
from shop.text import templates
from shop.text.pagination import page_of
from web import auth, lookups
from web.arguments import page_number
from web.files import table
from web.htmx import go_to, page
from web.languages import current_language, sentence

MOVING = (SeatStatus.ACTIVATING, SeatStatus.UPDATING, SeatStatus.RELEASING)

OF_FILE = {
    "page": "manager.seat_import",
    "start": "manager.start_import",
    "leave": "manager.abandon_import",
    "result": "manager.import_result",
    "passwords": "manager.import_passwords",
}
OF_SELECTION = {
    "page": "manager.selection",
    "start": "manager.start_selection",
    "leave": "manager.abandon_selection",
    "result": "manager.selection_result",
    "passwords": "manager.selection_passwords",
}


def url_of(made: SeatImport, to: str, **more: Any) -> str:
    """Return a URL of a file or a selection: its ``page``, or what ``start``s or ``leave``s it."""
    endpoint = (OF_FILE if made.is_of_file else OF_SELECTION)[to]
    return url_for(endpoint, name=made.group.name, import_id=made.id, **more)


def numbers_selected(group: LicenceGroup, given: MultiDict[str, str]) -> list[int]:
    """Return the numbers of the seats selected: ticked, all shown, or all of the filter.

    Raise `Refusal` if those of the filter are too many.
    """
    if given.get("all"):
        looked = listing.read_view(given.get("q", ""), given.get("status", ""), "", 1)
        return listing.numbers_in_view(group, looked)
    typed = [*given.getlist("licences"), *given.get("shown", "").split(",")]
    read = (read_integer(one, 1, 10**9 - 1) for one in typed[: 2 * listing.MOST_AT_ONCE])
    return sorted({number for number in read if number is not None})


def shown(made: SeatImport, error: str = "", status: int = 200) -> Response:
    """Show a file or a selection: its preview, its progress, or its result."""
    standing = {} if made.is_preview else import_preview.count_seats_by_status(made)
    if made.act == ImportAct.GIVE_BACK:
        standing = {}  # giving back changes nothing of the seats before the period ends
    waiting = sum(standing.get(each, 0) for each in MOVING)
    failed = standing.get(SeatStatus.ERROR, 0)
    only_bad = request.args.get("show") == "bad"
    lines = page_of(
        import_preview.results_of(made, bad=only_bad),
        page_number(),
        total=_total(made, only_bad=only_bad),
    )
    settled = made.lines_done - made.lines_refused - waiting - failed
    return page(
        "manager/seat_import.html",
        "manager/_seat_import.html",
        status=status,
        group=made.group,
        file=made,
        address=lambda to, **more: url_of(made, to, **more),
        lines=lines,
        only_bad=only_bad,
        settled=max(settled, 0),
        failed=failed,
        is_running=made.is_running or bool(waiting),
        said={line.number: _problem_of(line) for line in lines.rows},
        end=_end_of(made),
        reachable=import_preview.count_recipients(made)
        if made.is_of_file and made.is_preview
        else 0,
        has_passwords=not made.is_preview and passwords_of_files.are_kept(made),
        error=error,
    )


def _total(made: SeatImport, *, only_bad: bool) -> int | None:
    """Return how many lines are listed, where that is known without counting them."""
    if not only_bad:
        return int(made.lines_total)
    return int(made.lines_total - made.lines_good) if made.is_preview else None


def _problem_of(line: SeatImportLine) -> str:
    """Return what is wrong with a line, in the customer's language."""
    text = gettext(line.problem) if line.problem else ""
    return text % line.details if line.details else text


def _end_of(made: SeatImport) -> dict[str, Any] | None:
    """Return when licences to be given back end and what then renews; None for anything else."""
    if made.act != ImportAct.GIVE_BACK or not made.is_preview or not made.group.is_open:
        return None
    found = lookups.own_service(made.group.name)
    ends_on = subscriptions.next_end(found.subscription)
    return {
        "on": ends_on,
        "undo_until": periods.undo_until(ends_on, clock.now()),
        "then": shop_services.preview_with_give_back(found, made.lines_good),
    }


def start_job(made: SeatImport) -> Response:
    """Begin with the valid lines, in the background."""
    try:
        typed = request.form.get("send_to", "")
        send_to = typed if typed in set(SendTo) else SendTo.ME
        import_preview.start_import(made, auth.customer().nic_handle, send_to)
    except Refusal as refusal:
        return _refused(made, refusal)
    return go_to(url_of(made, "page"))


def abandon(made: SeatImport) -> Response:
    """Leave it: nothing is done."""
    try:
        import_preview.abandon_import(made, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _refused(made, refusal)
    said = (
        gettext("Nothing was configured from this file.")
        if made.is_of_file
        else gettext("Nothing was done with these licences.")
    )
    flash(said, "info")
    return go_to(url_for("manager.group", name=made.group.name))


def _refused(made: SeatImport, refusal: Refusal) -> Response:
    find = lookups.own_import if made.is_of_file else lookups.own_selection
    return shown(find(made.group.name, made.id), sentence(refusal), refusal.status)


# --- The result as a file ----------------------------------------------------------------------


def result(made: SeatImport) -> Response:
    """Return the outcome of each line as CSV, streamed."""
    heading = [
        gettext("Line") if made.is_of_file else gettext("Licence"),
        gettext("First name"),
        gettext("Last name"),
        gettext("Login"),
        gettext("Result"),
    ]
    kind = "import" if made.is_of_file else "licences"
    rows = _result_rows(made, heading, _Outcomes(made, current_language()))
    return table(rows, f"{made.group.name}-{kind}-{made.id}.csv")


def _result_rows(made: SeatImport, heading: list[str], say: _Outcomes) -> Iterator[list[Any]]:
    yield heading
    for line in import_preview.all_results(made):
        yield [line.number, line.first_name, line.last_name, line.login, say.of(line)]


def passwords(made: SeatImport) -> Response:
    """Return the passwords that are kept for the customer as CSV, streamed."""
    activity_log.record(auth.customer(), "passwords_downloaded", auth.origin())
    heading = [
        gettext("First name"),
        gettext("Last name"),
        gettext("Login"),
        gettext("Password"),
        gettext("Office portal"),
    ]
    portal = settings.current().portal_sign_in_url
    rows = _password_rows(made, heading, portal)
    return table(rows, f"{made.group.name}-passwords-{made.id}.csv")


def _password_rows(made: SeatImport, heading: list[str], portal: str) -> Iterator[list[Any]]:
    yield heading
    for row in passwords_of_files.rows_of(made):
        yield [row.seat.first_name, row.seat.last_name, row.address, row.password, portal]


class _Outcomes:
    """The outcomes of lines as texts that need no request: the file is streamed after it."""

    def __init__(self, made: SeatImport, language: str) -> None:
        self._language = language
        self._statuses = status_words()
        self._not_processed = gettext("Not processed")
        self._changed = gettext("Changed since")
        self._given_back = gettext("Given back") if made.act == ImportAct.GIVE_BACK else ""

    def of(self, line: SeatImportLine) -> str:
        """What became of a line."""
        if line.problem:
            return templates.translate(line.problem, self._language, **line.details)
        if line.is_done and self._given_back:
            return self._given_back
        if not line.is_done or line.seat is None:
            return self._not_processed
        if line.seat.version != line.version:
            return self._changed
        return self._statuses[line.seat.status]


def status_words() -> dict[str, str]:
    """Return what each status of a seat is called, in the customer's language."""
    return {
        SeatStatus.UNCONFIGURED: gettext("Not configured"),
        SeatStatus.ACTIVATING: gettext("Creating"),
        SeatStatus.ACTIVE: gettext("Created"),
        SeatStatus.UPDATING: gettext("Update"),
        SeatStatus.RELEASING: gettext("Deleting"),
        SeatStatus.ERROR: gettext("Error"),
        SeatStatus.ENDED: gettext("Ended"),
    }
