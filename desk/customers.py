"""A customer's pages: how things stand, what they own, and everything that happened."""

from __future__ import annotations

import secrets

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext

from desk import desk, languages
from desk.access import actor
from desk.words import ACT_WORDS
from models import Account
from shop import mail
from shop.customers import notes
from shop.errors import Refusal
from shop.overviews import bills, customer_pages, event_words, time_line
from web import user_agents
from web.htmx import go_to, page
from web.languages import sentence

CUSTOMER = "/customers/<nic>"

LATEST = 5
"""The rows of each list on the customer's first page."""


def find_or_404(nic: str) -> Account:
    """Return the customer with a nic-handle; 404 if there is none."""
    found = customer_pages.find_customer(nic.lower())
    if found is None:
        abort(404)
    return found


def _before() -> str:
    return request.args.get("before", "")


@desk.get(CUSTOMER)
def customer(nic: str) -> Response:
    """Show how things stand with a customer, and what happened last."""
    who = find_or_404(nic)
    return _overview(who)


def _overview(who: Account, typed: str = "", error: str = "", status: int = 200) -> Response:
    return page(
        "desk/customer.html",
        status=status,
        customer=who,
        tab="overview",
        standing=customer_pages.standing_of(who),
        groups=customer_pages.groups_of(who, per_page=LATEST),
        orders=customer_pages.orders_of(who, per_page=LATEST),
        notes=notes.notes_about(who, per_page=LATEST),
        line=time_line.of_account(who, size=2 * LATEST),
        subjects=event_words.SUBJECTS,
        act_words=ACT_WORDS,
        browser_name=user_agents.name_of,
        typed=typed,
        error=error,
        note_key=secrets.token_urlsafe(24),
    )


@desk.get(CUSTOMER + "/time-line")
def customer_time_line(nic: str) -> Response:
    """Show everything that happened with a customer, newest first."""
    who = find_or_404(nic)
    line = time_line.of_account(who, _before())
    return page(
        "desk/time_line.html", customer=who, tab="time_line", line=line,
        subjects=event_words.SUBJECTS,
        act_words=ACT_WORDS,
        browser_name=user_agents.name_of,
    )  # fmt: skip


@desk.get(CUSTOMER + "/services")
def customer_services(nic: str) -> Response:
    """Show a customer's licence groups with their seats by status."""
    who = find_or_404(nic)
    groups = customer_pages.groups_of(who, _before())
    return page("desk/services.html", customer=who, tab="services", groups=groups)


@desk.get(CUSTOMER + "/orders")
def customer_orders(nic: str) -> Response:
    """Show a customer's orders, each with every attempt to pay it."""
    who = find_or_404(nic)
    orders = customer_pages.orders_of(who, _before())
    return page(
        "desk/orders.html", customer=who, tab="orders", orders=orders,
        attempts=customer_pages.attempts_at(orders.rows),
    )  # fmt: skip


@desk.get(CUSTOMER + "/invoices")
def customer_invoices(nic: str) -> Response:
    """Show a customer's invoices and credit notes, with balance and attempts to pay."""
    who = find_or_404(nic)
    invoices = customer_pages.invoices_of(who, _before())
    return page(
        "desk/invoices.html", customer=who, tab="invoices", invoices=invoices,
        attempts=customer_pages.attempts_at(invoices.rows),
        status_word=bills.status_word,
    )  # fmt: skip


@desk.get(CUSTOMER + "/emails")
def customer_emails(nic: str) -> Response:
    """Show the e-mails to a customer."""
    who = find_or_404(nic)
    letters = customer_pages.letters_of(who, _before())
    return page("desk/emails.html", customer=who, tab="emails", letters=letters)


@desk.get(CUSTOMER + "/sessions")
def customer_sessions(nic: str) -> Response:
    """Show where a customer is signed in."""
    who = find_or_404(nic)
    sessions = customer_pages.sessions_of(who, _before())
    return page(
        "desk/sessions.html", customer=who, tab="sessions", sessions=sessions,
        browser_name=user_agents.name_of,
    )  # fmt: skip


@desk.get(CUSTOMER + "/notes")
def customer_notes(nic: str) -> Response:
    """Show what members of staff noted about a customer."""
    who = find_or_404(nic)
    found = notes.notes_about(who, _before())
    return page("desk/notes.html", customer=who, tab="notes", notes=found)


@desk.post(CUSTOMER + "/notes")
def write_note(nic: str) -> Response:
    """Write a note about a customer, which other members of staff read."""
    who, typed = find_or_404(nic), request.form.get("text", "")
    key = request.form.get("key") or None
    if languages.is_chosen():
        return _overview(who, typed)
    try:
        notes.write_note(who, typed, by=actor(), key=key)
    except Refusal as refusal:
        return _overview(who, typed, sentence(refusal), 422)
    flash(gettext("The note is written."), "success")
    return go_to(url_for("desk.customer", nic=who.nic_handle))


@desk.get("/emails/<int:letter_id>")
def email(letter_id: int) -> Response:
    """Show an e-mail; never the secret in it."""
    letter = customer_pages.find_letter(letter_id)
    if letter is None:
        abort(404)
    return page(
        "desk/email.html",
        customer=letter.account,
        tab="emails",
        letter=letter,
        text="" if letter.is_secret else mail.text_of(letter),
        attachments=mail.attachments_of(letter),
        reason=mail.failure_reason(letter),
    )
