"""« Mes factures »: invoices and credit notes by period; pay them, download them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, abort, request, url_for
from flask_babel import gettext

from manager import manager
from models import Account
from shop import documents
from shop.errors import Refusal
from shop.invoicing import account_credits
from shop.overviews import bill_page
from shop.overviews import bills as listing
from shop.overviews.bills import Selection
from shop.pricing.lines import positions_of
from shop.text import csv_export, templates
from shop.text.pagination import page_of_prepared
from web import auth, lookups
from web.arguments import list_key, page_number
from web.checkout import keeps_card, pay
from web.files import pdf, streamed, table
from web.htmx import page, wants_partial
from web.languages import current_language, sentence


@manager.get("/manager/account/bills")
def bills() -> Response:
    """List the customer's bills, newest first, paged, for any period."""
    typed = {name: request.args.get(name, "")[:20] for name in ("from", "to")}
    selection, wrong = _selection()
    errors = {refusal.field: sentence(refusal) for refusal in wrong}
    asked = auth.customer(), selection.first, selection.last, list_key()
    shown = page_of_prepared(listing.bills_between, page_number(), *asked)
    return page(
        "manager/bills.html",
        "manager/_bills.html",
        status=422 if errors else 200,
        bills=shown,
        before=list_key(),
        on_balance=account_credits.available_of(auth.customer()),
        typed=typed,
        errors=errors,
        status_word=listing.status_word,
    )


def _selection() -> tuple[Selection, list[Refusal]]:
    return listing.read_selection(request.args.get("from", ""), request.args.get("to", ""))


def _selected() -> Selection:
    """Return the selection of a download; abort with 404 if its dates are invalid."""
    selection, wrong = _selection()
    if wrong:
        abort(404)
    return selection


def _page(number: str, *, partial: str = "", status: int = 200, error: str = "") -> Response:
    invoice = lookups.own_invoice(number)
    services = bill_page.services_of(invoice)
    return page(
        "manager/bill.html",
        partial,
        status=status,
        invoice=invoice,
        positions=positions_of(invoice),
        mention=documents.vat_mention(invoice, current_language()),
        payment=bill_page.payment_state(invoice),
        suspended=bill_page.suspended_for(invoice, services, lookups.services_owed()),
        services=services,
        runs_again=bill_page.runs_again(invoice, services),
        is_part=bool(partial) and wants_partial(),
        error=error,
    )


@manager.get("/manager/account/bills/<number>")
def bill(number: str) -> Response:
    """Show one bill: its content, its status, and the way to pay it."""
    return _page(number)


@manager.get("/manager/account/bills/<number>/status")
def bill_status(number: str) -> Response:
    """Return the part of a bill's page that refreshes itself."""
    return _page(number, partial="manager/_bill_status.html")


@manager.get("/manager/account/bills/<number>/document.pdf")
def bill_pdf(number: str) -> Response:
    """Return the bill as PDF with its data (Factur-X); the same bytes each time."""
    invoice = lookups.own_invoice(number)
    return pdf(documents.invoice_of(invoice), documents.invoice_filename(invoice))


@manager.post("/manager/account/bills/<number>/payments")
def pay_bill(number: str) -> Response:
    """Redirect to the bank's page to pay the bill."""
    try:
        here = url_for("manager.bill", number=number)
        return pay(lookups.own_invoice(number), here=here, store_card=keeps_card())
    except Refusal as refusal:
        return _page(number, status=refusal.status, error=sentence(refusal))


# --- Downloads ---------------------------------------------------------------------------------


@manager.get("/manager/account/bills.csv")
def bills_csv() -> Response:
    """Return the selected bills as CSV, streamed."""
    heading = [
        gettext("Number"),
        gettext("Purchase order"),
        gettext("Date"),
        gettext("Amount excl. VAT"),
        gettext("VAT"),
        gettext("Amount incl. VAT"),
        gettext("Balance"),
        gettext("Status"),
    ]
    return table(_rows(auth.customer(), _selected(), heading, current_language()), _filename("csv"))


def _rows(
    account: Account, selection: Selection, heading: list[str], language: str
) -> Iterator[list[Any]]:
    yield heading
    for row in listing.oldest_first(account, selection):
        sign = -1 if row.is_credit_note else 1
        amounts = (row.net_cents, row.vat_cents, row.total_cents)
        yield [
            row.number,
            row.order.number if row.order else "",
            row.issued_on.isoformat(),
            *(csv_export.amount(sign * cents, language) for cents in amounts),
            csv_export.amount(row.balance_cents, language),
            templates.translate(listing.status_word(row), language),
        ]


@manager.get("/manager/account/bills.zip")
def bills_zip() -> Response:
    """Return the PDFs of the selected bills as one ZIP file, streamed."""
    pieces = listing.zip_of(auth.customer(), _selected())
    return streamed(pieces, "application/zip", _filename("zip"))


def _filename(kind: str) -> str:
    return f"{templates.translate(documents.BILLS_NAME, current_language())}.{kind}"
