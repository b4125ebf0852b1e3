"""« Emails reçus »: every e-mail to the customer, as sent."""

from __future__ import annotations

import re

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext

from manager import manager
from shop import mail
from shop.customers import email_proofs
from shop.errors import Refusal
from shop.mail.archive import SEARCH_LIMIT
from shop.security import rate_limits
from shop.text.pagination import bounded_page_of, page_of_prepared
from web import auth, lookups
from web.arguments import list_key, page_number
from web.files import pdf
from web.htmx import go_to, page
from web.languages import sentence


@manager.get("/manager/account/emails")
def emails() -> Response:
    """List the customer's e-mails, newest first, paged, searchable by subject."""
    who, wanted = auth.customer(), request.args.get("q", "").strip()[:100]
    before = list_key()
    found = mail.search_letters(who, wanted, before) if wanted else None
    shown = (
        bounded_page_of(found.letters, page_number())
        if found
        else page_of_prepared(mail.letters_for_page, page_number(), who, before)
    )
    return page(
        "manager/emails.html",
        "manager/_emails.html",
        letters=shown,
        wanted=wanted,
        before=before,
        searched=SEARCH_LIMIT,
        older=found.before if found else None,
    )


@manager.get("/manager/account/emails/<int:letter_id>")
def email(letter_id: int) -> Response:
    """Show one e-mail: its text, its HTML in a frame, and its attachments."""
    letter = lookups.own_letter(letter_id)
    text = mail.text_of(letter) if mail.is_shown(letter) else ""
    return page(
        "manager/email.html",
        letter=letter,
        text=text,
        facts=mail.facts_of(letter, text),
        frame_steps=_frame_steps(text),
        attachments=mail.attachments_of(letter),
        is_outdated=mail.is_outdated(letter),
        reason=mail.failure_reason(letter),
    )


FRAME_STEPS = range(6, 21)
"""The heights of an e-mail's frame (`static/css/pages.css`)."""

CHARACTERS_IN_STEP, CHARACTERS_OF_LINE = 250, 55


def _frame_steps(text: str) -> int:
    """Return the height of an e-mail's frame, in steps.

    Nothing of the shop can look into the frame (its sandbox), but an e-mail's height follows from
    its text: each line takes the room of some characters more, for the space around it. URLs are
    links in HTML.
    """
    lines = [line for line in re.sub(r"https?://\S+", "", text).splitlines() if line.strip()]
    characters = sum(len(line) + CHARACTERS_OF_LINE for line in lines)
    steps = -(-characters // CHARACTERS_IN_STEP)
    return min(max(steps, FRAME_STEPS[0]), FRAME_STEPS[-1])


@manager.get("/manager/account/emails/<int:letter_id>/html")
def email_html(letter_id: int) -> Response:
    """Return the e-mail's HTML for the frame, under a policy that allows nothing else."""
    letter = lookups.own_letter(letter_id)
    if not mail.is_shown(letter):
        abort(404)
    response = Response(mail.html_of(letter), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; object-src 'none'; base-uri 'none'; "
        "style-src 'unsafe-inline'; img-src data:; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    return response


@manager.get("/manager/account/emails/<int:letter_id>/documents/<int:attachment_id>")
def email_document(letter_id: int, attachment_id: int) -> Response:
    """Return an attachment of an e-mail."""
    attachment = mail.find_attachment(lookups.own_letter(letter_id), attachment_id)
    if attachment is None:
        abort(404)
    return pdf(mail.content_of(attachment), attachment.filename)


@manager.post("/manager/account/emails/<int:letter_id>/sendings")
def send_email_again(letter_id: int) -> Response:
    """Send an e-mail again."""
    letter, who = lookups.own_letter(letter_id), auth.customer().nic_handle
    try:
        rate_limits.count_attempt(rate_limits.SEND_AGAIN_PER_ACCOUNT, "send-again", who)
        if letter.kind in mail.TO_UNPROVED | mail.TO_STRANGERS:
            email_proofs.count_confirmation(letter.recipient)
    except Refusal as refusal:
        flash(sentence(refusal), "warning")
        return go_to(url_for("manager.email", letter_id=letter_id))
    if mail.send_again(letter, by=who):
        flash(gettext("The email is on its way again."), "success")
    else:
        flash(gettext("The email is being sent already."), "info")
    return go_to(url_for("manager.email", letter_id=letter_id))
