"""The bank's pages: where a customer pays by card, confirms, or walks away; and its books.

The address of a payment page cannot be guessed and needs no cookie to be opened. Whatever
happened, the browser ends at the shop's ``return_url`` (303).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox import clock, languages, switches
from sandbox.bank import checkouts, ledger, notifications
from sandbox.bank.cards import TEST_CARDS, read_card
from sandbox.bank.models import Checkout, Status

pages = Blueprint("bank", __name__, url_prefix="/bank")

Page = str | tuple[str, int] | Response


@pages.get("/pay/<reference>")
def pay_page(reference: str) -> Page:
    """Ask for the card, unless this checkout is past that."""
    checkout = _found(reference)
    if checkout.status == Status.AUTHENTICATING:
        return _to(".authentication_page", reference)
    if checkout.status != Status.OPEN:
        return _over(checkout)
    return _card_form(checkout)


@pages.post("/pay/<reference>")
def pay(reference: str) -> Page:
    """Take the card; pressed twice, the second press finds the first one's outcome."""
    checkout = _found(reference)
    if checkout.status == Status.OPEN:
        today = clock.as_datetime(clock.now()).date()
        card, problems = read_card(request.form, today)
        if card is None:
            return _card_form(checkout, problems), 422
        checkouts.enter_card(reference, card)
    return _onward(reference)


@pages.get("/pay/<reference>/authentication")
def authentication_page(reference: str) -> Page:
    """Ask the cardholder to confirm."""
    checkout = _found(reference)
    if checkout.status == Status.AUTHENTICATING:
        return render_template("bank/authentication.html", checkout=checkout)
    return _onward(reference)


@pages.post("/pay/<reference>/authentication")
def authenticate(reference: str) -> Page:
    """Take the cardholder's yes or no."""
    _found(reference)
    checkouts.authenticate(reference, request.form.get("decision") == "authenticate")
    return _onward(reference)


@pages.post("/pay/<reference>/cancellation")
def cancel(reference: str) -> Page:
    """The customer will not pay: end the checkout and go back to the shop."""
    checkout = _found(reference)
    checkouts.close(reference)
    return redirect(checkout.return_url, 303)


@pages.get("/ledger")
def ledger_page() -> Page:
    """The books, for whoever plays the bank."""
    languages.speak_as_asked()
    page = max(1, request.args.get("page", 1, type=int))
    reference = request.args.get("reference", "").strip()
    count = ledger.count(reference)
    return render_template(
        "bank/ledger.html",
        entries=ledger.entries(page, 25, reference),
        balances=ledger.balances(),
        page=page,
        pages=max(1, -(-count // 25)),
        count=count,
        reference=reference,
    )


def _found(reference: str) -> Checkout:
    """The checkout of this page, in its language; 404 for charges, which have no page."""
    checkout = checkouts.find(reference)
    if checkout.kind != "checkout":
        raise checkouts.unknown()
    languages.speak(request.args.get("lang") or checkout.language)
    # Browsers apply form-action to the redirect that follows a form, too.
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


def _onward(reference: str) -> Page:
    """Where the browser goes after a form: to confirm, or back to the shop."""
    checkout = checkouts.find(reference)
    if checkout.status == Status.OPEN:
        return _to(".pay_page", reference)
    if checkout.status == Status.AUTHENTICATING:
        return _to(".authentication_page", reference)
    if checkout.status == Status.CLOSED:
        return _over(checkout)
    if switches.value("notification_timing") == "before":
        notifications.deliver_first(reference)
    return redirect(checkout.return_url, 303)


def _over(checkout: Checkout) -> tuple[str, int]:
    gone = checkout.status == Status.CLOSED
    return render_template("bank/over.html", checkout=checkout), 410 if gone else 200


def _to(endpoint: str, reference: str) -> Response:
    return redirect(url_for(endpoint, reference=reference, lang=request.args.get("lang")), 303)
