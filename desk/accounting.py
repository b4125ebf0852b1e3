"""The accountant's corner: figures by month, the FEC, and VAT returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from flask import Response, abort, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from desk import desk
from shop import clock
from shop.accounting import fec, reporting_periods, revenue, vat_returns
from shop.accounting.vat_figures import Document
from shop.errors import Refusal
from shop.text import csv_export, formats
from shop.vat import Kind
from web.arguments import number_of
from web.files import streamed, table
from web.htmx import page
from web.languages import current_language, sentence

MOST = 500
"""The most documents that a page lists; the file has all of them."""

KINDS = {
    Kind.DOMESTIC: _l("Sales at French rates"),
    Kind.UNTAXED: _l("Guyane and Mayotte, not taxed"),
    Kind.REVERSE_CHARGE: _l("Businesses of the European Union, reverse charge"),
    Kind.OUTSIDE: _l("Outside the European Union"),
    Kind.OSS: _l("Consumers of the European Union, One Stop Shop"),
}


# --- Overview and FEC --------------------------------------------------------------------------


@desk.get("/accounting")
def accounting() -> Response:
    """Show the figures of the last twelve months, and the ways to the files."""
    return _overview()


def _overview(errors: dict[str, str] | None = None, status: int = 200) -> Response:
    today = clock.today()
    months = revenue.months_until(today)
    labels = [formats.short_day(month.last, current_language())[3:] for month in months]
    return page(
        "desk/accounting.html",
        status=status,
        months=months,
        charts=[
            ("turnover", gettext("Turnover excl. VAT, in euros"),
             _points(labels, [month.turnover_cents for month in months])),
            ("recurring", gettext("Recurring revenue excl. VAT, in euros"),
             _points(labels, [month.recurring_cents for month in months])),
            ("deferred", gettext("Deferred revenue excl. VAT, in euros"),
             _points(labels, [month.deferred_cents for month in months])),
        ],
        typed={
            "from": request.args.get("from", date(today.year, 1, 1).isoformat())[:20],
            "to": request.args.get("to", date(today.year, 12, 31).isoformat())[:20],
        },
        errors=errors or {},
        this_month=today,
    )  # fmt: skip


def _points(labels: list[str], cents: list[int]) -> list[tuple[str, int]]:
    return [(label, max(0, amount) // 100) for label, amount in zip(labels, cents, strict=True)]


@desk.get("/accounting/fec")
def fec_file() -> Response:
    """Send the file of accounting entries of a fiscal year."""
    first, last = _day("from"), _day("to")
    if first is None or last is None:
        field = "from" if first is None else "to"
        return _overview({field: gettext("Enter a day.")}, 422)
    try:
        fec.check_days(first, last)
    except Refusal as refusal:
        field = {"first": "from", "last": "to"}[refusal.field]
        return _overview({field: sentence(refusal)}, refusal.status)
    return streamed(
        _joined(fec.lines(first, last)), "text/plain; charset=iso-8859-15", fec.filename(last)
    )


def _joined(lines: Iterator[bytes]) -> Iterator[bytes]:
    while piece := b"".join(islice(lines, 200)):
        yield piece


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


# --- VAT -----------------------------------------------------------------------------------------


@desk.get("/accounting/vat")
def vat_figures() -> Response:
    """Show the figures of a month for the CA3 and the DES, and of its quarter for the OSS."""
    first, last = reporting_periods.days_of_month(_month())
    year, quarter = first.year, (first.month + 2) // 3
    return page(
        "desk/vat.html",
        first=first,
        last=last,
        month=f"{first:%Y-%m}",
        quarter=reporting_periods.quarter_of(first),
        quarter_days=reporting_periods.days_of_quarter(year, quarter),
        on_debits=vat_returns.on_debits(),
        ca3=vat_returns.ca3(first, last),
        des=vat_returns.des(first, last),
        oss=vat_returns.oss(year, quarter),
        kinds=KINDS,
    )


def _month() -> date:
    typed = request.args.get("month", "")
    try:
        return datetime.strptime(typed, "%Y-%m").replace(tzinfo=clock.PARIS).date()
    except ValueError:
        return clock.today()


@dataclass(frozen=True)
class OpenedFigure:
    """Which figure is opened: a treatment and a rate, or the VAT number of a customer."""

    first: date
    last: date
    code: str
    rate: int
    vat_number: str

    def documents(self) -> Iterator[Document]:
        """Yield what the figure is made of."""
        if self.vat_number:
            return vat_returns.documents_of_vat_number(self.vat_number, self.first, self.last)
        return vat_returns.documents_of_rate(self.code, self.rate, self.first, self.last)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of its URLs."""
        days = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        if self.vat_number:
            return {**days, "vat_number": self.vat_number}
        return {**days, "code": self.code, "rate": self.rate}


def _asked() -> OpenedFigure:
    first, last = _day("from"), _day("to")
    code, number = request.args.get("code", "")[:32], request.args.get("vat_number", "")[:20]
    if first is None or last is None or first > last or not (code or number):
        abort(404)
    if code and code.partition(":")[0] not in set(Kind):
        abort(404)
    return OpenedFigure(first, last, code, number_of(request.args, "rate"), number)


@desk.get("/accounting/vat/documents")
def vat_documents() -> Response:
    """Show the documents or movements of money that a figure is made of."""
    asked = _asked()
    rows = list(islice(asked.documents(), MOST + 1))
    return page(
        "desk/vat_documents.html",
        asked=asked,
        rows=rows[:MOST],
        is_cut=len(rows) > MOST,
        kinds=KINDS,
        back=url_for("desk.vat_figures", month=f"{asked.first:%Y-%m}"),
    )


@desk.get("/accounting/vat/documents.csv")
def vat_documents_file() -> Response:
    """Send all that a figure is made of as a table."""
    asked, language = _asked(), current_language()
    heading = (
        gettext("Date"), gettext("Number"), gettext("Customer"), gettext("Amount excl. VAT"),
        gettext("VAT"),
    )  # fmt: skip
    return table(_rows(heading, asked, language), f"vat-{asked.first}-{asked.last}.csv")


def _rows(
    heading: tuple[str, ...], asked: OpenedFigure, language: str
) -> Iterator[tuple[object, ...]]:
    yield heading
    for each in asked.documents():
        yield (
            each.day.isoformat(), each.number, each.nic_handle,
            csv_export.amount(each.base_cents, language),
            csv_export.amount(each.vat_cents, language),
        )  # fmt: skip
