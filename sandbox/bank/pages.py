"""The bank's pages: card form, strong authentication, cancellation, ledger and payouts.

The URL of a payment page cannot be guessed and needs no cookie. Whatever the outcome, the
browser is redirected to the shop's ``return_url`` (303).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox import clock, languages, switches
from sandbox.bank import checkouts, ledger, notifications, payouts
from sandbox.bank.cards import TEST_CARDS, read_card
from sandbox.bank.models import Checkout, Status
from sandbox.reading import read_page

pages = Blueprint("bank", __name__, url_prefix="/bank")

Page = str | tuple[str, int] | Response


@pages.get("/pay/<reference>")
def pay_page(reference: str) -> Page:
    """Show the card form, or the page that fits the checkout's status."""
    checkout = _page_checkout(reference)
    if checkout.status == Status.AUTHENTICATING:
        return _redirect_to(".authentication_page", reference)
    if checkout.status != Status.OPEN:
        return _ended_page(checkout)
    return _card_form(checkout)


@pages.post("/pay/<reference>")
def submit_card(reference: str) -> Page:
    """Accept the card; a second submission gets the outcome of the first."""
    checkout = _page_checkout(reference)
    if checkout.status == Status.OPEN:
        today = clock.as_datetime(clock.now()).date()
        card, problems = read_card(request.form, today)
        if card is None:
            return _card_form(checkout, problems), 422
        checkouts.enter_card(reference, card)
    return _next_step(reference)


@pages.get("/pay/<reference>/authentication")
def authentication_page(reference: str) -> Page:
    """Show the page on which the cardholder confirms."""
    checkout = _page_checkout(reference)
    if checkout.status == Status.AUTHENTICATING:
        return render_template("bank/authentication.html", checkout=checkout)
    return _next_step(reference)


@pages.post("/pay/<reference>/authentication")
def submit_authentication(reference: str) -> Page:
    """Accept the cardholder's decision."""
    _page_checkout(reference)
    checkouts.authenticate(reference, request.form.get("decision") == "authenticate")
    return _next_step(reference)


@pages.post("/pay/<reference>/cancellation")
def cancel(reference: str) -> Page:
    """Close the checkout and redirect the customer to the shop."""
    checkout = _page_checkout(reference)
    checkouts.close_checkout(reference)
    return redirect(checkout.return_url, 303)


@pages.get("/ledger")
def ledger_page() -> Page:
    """Show the ledger."""
    languages.use_requested_language()
    page = read_page(request.args.get("page", ""))
    reference = request.args.get("reference", "").strip()
    count = ledger.count_entries(reference)
    return render_template(
        "bank/ledger.html",
        entries=ledger.list_entries(page, 25, reference),
        balances=ledger.balances(),
        page=page,
        pages=max(1, -(-count // 25)),
        count=count,
        reference=reference,
    )


@pages.get("/payouts")
def payouts_page() -> Page:
    """Show the payouts to the shop's account."""
    languages.use_requested_language()
    rows, after = payouts.list_payouts(after=request.args.get("after", ""))
    return render_template(
        "bank/payouts.html",
        payouts=rows,
        totals=payouts.totals(rows),
        held=payouts.held_cents(),
        after=after,
    )


def _page_checkout(reference: str) -> Checkout:
    """Return the checkout of this page and set its language; 404 for off-session charges."""
    checkout = checkouts.find_checkout(reference)
    if checkout.kind != "checkout":
        raise checkouts.unknown_checkout()
    languages.use_language(request.args.get("lang") or checkout.language)
    # Browsers apply form-action also to the redirect after a form.
    shop = urlsplit(checkout.return_url)
    g.form_targets = f"{shop.scheme}://{shop.netloc}"
    return checkout


def _card_form(checkout: Checkout, problems: dict[str, str] | None = None) -> str:
    return render_template(
        "bank/pay.html",
        checkout=checkout,
        problems=problems or {},
        typed=request.form,
        test_cards=TEST_CARDS,
    )


def _next_step(reference: str) -> Page:
    """Redirect after a form: to the next page, or to the shop."""
    checkout = checkouts.find_checkout(reference)
    if checkout.status == Status.OPEN:
        return _redirect_to(".pay_page", reference)
    if checkout.status == Status.AUTHENTICATING:
        return _redirect_to(".authentication_page", reference)
    if checkout.status == Status.CLOSED:
        return _ended_page(checkout)
    if switches.value("notification_timing") == "before":
        notifications.deliver_before_return(reference)
    return redirect(checkout.return_url, 303)


def _ended_page(checkout: Checkout) -> tuple[str, int]:
    closed = checkout.status == Status.CLOSED
    return render_template("bank/over.html", checkout=checkout), 410 if closed else 200


def _redirect_to(endpoint: str, reference: str) -> Response:
    return redirect(url_for(endpoint, reference=reference, lang=request.args.get("lang")), 303)
