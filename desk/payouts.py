"""Payouts of the bank: their list, what each is made of, and what explains a line."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from desk import acts, desk
from desk.access import actor
from desk.acts import Act, ActForm
from models import LineKind, LineProblem, Payout, PayoutLine, PayoutStatus, database
from shop import clock, settings, transitions
from shop.accounting import payouts as listed
from shop.accounting.payouts import Line
from shop.overviews import event_words
from shop.payments import held_at_bank, payout_matching
from shop.staff.acts import record_act
from shop.text import csv_export, formats
from web.arguments import number_of
from web.files import table
from web.htmx import go_to, page
from web.languages import current_language

STATUSES = {
    PayoutStatus.PENDING: _l("On its way"),
    PayoutStatus.PAID: _l("Arrived"),
    PayoutStatus.FAILED: _l("Sent back"),
}

KINDS = {
    LineKind.CHARGE: _l("Card payment"),
    LineKind.REFUND: _l("Refund"),
    LineKind.DISPUTE: _l("Dispute"),
    LineKind.FEE: _l("Bank fee"),
    LineKind.PAYOUT: _l("Payout sent back"),
    LineKind.OTHER: _l("Other movement"),
}

PROBLEMS = {
    LineProblem.UNKNOWN: _l("The shop has nothing with this reference."),
    LineProblem.UNSETTLED: _l("The shop has not recorded the money of this payment."),
    LineProblem.AMOUNT: _l("The shop has another amount."),
    LineProblem.TWICE: _l("This payment arrived in another payout already."),
    LineProblem.OTHER: _l("The bank does not say what it is for."),
}


@desk.get("/accounting/payouts")
def payouts_list() -> Response:
    """List the payouts by the day of arrival, the newest first."""
    return page(
        "desk/payouts.html",
        payouts=listed.newest_payouts(request.args.get("before", "")),
        statuses=STATUSES,
    )


@desk.get("/accounting/payments-held")
def payments_held() -> Response:
    """List the card payments that are in no payout yet, the oldest first."""
    return page(
        "desk/payments_held.html",
        held=held_at_bank.sum_up(),
        payments=listed.held_payments(request.args.get("after", "")),
        late_after=settings.current().payout_late_days,
    )


@desk.get("/accounting/payouts.csv")
def payouts_file() -> Response:
    """Send all payouts as a table."""
    language = current_language()
    heading = (
        gettext("Arrival"), gettext("Reference"), gettext("Status"), gettext("Lines"),
        gettext("Not matched"), gettext("Fees"), gettext("Amount"), gettext("Currency"),
    )  # fmt: skip
    words = {status: str(text) for status, text in STATUSES.items()}
    rows = (
        (row.arrives_on.isoformat(), row.reference, words[PayoutStatus(row.status)],
         row.line_count, row.open_lines, csv_export.amount(row.fee_cents, language),
         csv_export.amount(row.cents, language), row.currency)
        for row in listed.all_payouts()
    )  # fmt: skip
    return table(_headed(heading, rows), "payouts.csv")


def _headed(
    heading: tuple[str, ...], rows: Iterator[tuple[object, ...]]
) -> Iterator[tuple[object, ...]]:
    yield heading
    yield from rows


def _payout(number: int) -> Payout:
    found = listed.find_payout(number)
    if found is None:
        abort(404)
    return found


@desk.get("/accounting/payouts/<int:number>")
def payout(number: int) -> Response:
    """Show what a payout is made of, and what each of its lines is for."""
    row, after = _payout(number), number_of(request.args, "after")
    lines = listed.lines_of(row, after, listed.LINES_PER_PAGE + 1)
    shown = lines[: listed.LINES_PER_PAGE]
    return page(
        "desk/payout.html",
        payout=row,
        lines=shown,
        next_after=shown[-1].row.id if len(lines) > len(shown) else None,
        again=listed.paid_again(row),
        statuses=STATUSES,
        kinds=KINDS,
        problems=PROBLEMS,
        history=transitions.history(row),
        words=event_words.EVENTS,
    )


@desk.get("/accounting/payouts/<int:number>.csv")
def payout_file(number: int) -> Response:
    """Send every line of a payout as a table."""
    row, language = _payout(number), current_language()
    heading = (
        gettext("Date"), gettext("Kind"), gettext("Number"), gettext("Customer"),
        gettext("Gross"), gettext("Fee"), gettext("Net"), gettext("Reference"),
        gettext("Not matched"), gettext("Explanation"),
    )  # fmt: skip
    kinds = {kind: str(text) for kind, text in KINDS.items()}
    problems = {problem: str(text) for problem, text in PROBLEMS.items()}
    rows = (_cells(line, kinds, problems, language) for line in listed.all_lines_of(row))
    return table(_headed(heading, rows), f"payout-{row.arrives_on}-{row.id}.csv")


def _cells(
    line: Line, kinds: dict[LineKind, str], problems: dict[LineProblem, str], language: str
) -> tuple[object, ...]:
    row = line.row
    return (
        clock.day_of(row.at).isoformat(), kinds[LineKind(row.kind)], line.number,
        line.nic_handle, csv_export.amount(row.gross_cents, language),
        csv_export.amount(row.fee_cents, language), csv_export.amount(row.net_cents, language),
        row.source or row.reference, problems.get(LineProblem(row.problem), ""), row.explanation,
    )  # fmt: skip


# --- Lines that match nothing ------------------------------------------------------------------


def _line(number: int) -> PayoutLine:
    found = listed.find_line(number)
    if found is None:
        abort(404)
    return found


def _explaining(line: PayoutLine) -> Act:
    language = current_language()
    problem = PROBLEMS.get(LineProblem(line.problem))
    return Act(
        title=gettext("Explain a line of a payout"),
        explanation=gettext(
            "The reason is kept with the line, which awaits nobody any more. Nothing is booked: "
            "what the shop does not know stays on the account of the bank that takes the cards."
        ),
        button=gettext("Explain"),
        back=url_for("desk.payout", number=line.payout_id),
        done=gettext("The line is explained."),
        effects=(
            (gettext("Payout"), line.payout.reference),
            (gettext("Kind"), str(KINDS[LineKind(line.kind)])),
            (gettext("Amount"), formats.money(line.gross_cents, language, line.payout.currency)),
            (gettext("Reference"), line.source or line.reference),
            (gettext("Not matched"), str(problem or "–")),
        ),
        part="accounting",
    )  # fmt: skip


@desk.get("/accounting/payout-lines/<int:number>/explanation")
def payout_line(number: int) -> Response:
    """Show the form that explains a line that matches nothing."""
    line = _line(number)
    if not line.is_open:
        flash(gettext("This line is matched or explained already."), "info")
        return go_to(url_for("desk.payout", number=line.payout_id))
    return acts.show(ActForm(), _explaining(line))


@desk.post("/accounting/payout-lines/<int:number>/explanation")
def explain_payout_line(number: int) -> Response:
    """Explain a line that matches nothing, once it is confirmed."""
    line, form = _line(number), ActForm()

    def explain() -> None:
        given = form.given()
        with database.atomic():
            if record_act(given.key, by=actor(), kind="payout_line_explained", reason=given.reason,
                      subject=line.reference):  # fmt: skip
                payout_matching.explain(line, given.reason)

    return acts.take(form, _explaining(line), explain)
