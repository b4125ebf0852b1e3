"""Sending: by the worker, again and again, and never in the way of the shop."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import structlog

from records.accounts import Account
from records.base import database
from records.jobs import Job
from records.letters import Letter, LetterStatus
from shop import clock, jobs, settings, transitions
from shop.errors import N_
from shop.jobs import kinds, queue
from shop.mail import smtp
from shop.mail.archive import attachments_of, finished
from shop.mail.composing import compose

log = structlog.get_logger()

ATTEMPTS = 12
FIRST_DELAY = timedelta(seconds=10)
"""Doubled after each attempt, up to an hour: a mail server may be away for three hours."""

UNSUPPORTED = N_("Our mail server cannot write to an address with special letters before the @.")
"""Why a letter was not sent that will never be, in words for the customer."""

TO_ONE_ADDRESS = {"email_changed", "email_confirmation", "licence_for_owner"}
"""Letters that are meant for the address they were written to, and for no other one."""


def send_again(letter: Letter, by: str) -> bool:
    """Put a letter back in the queue; False if it stands there already.

    It goes to the customer's address of now: nobody's password follows an address that was given
    up.
    """
    if letter.status == LetterStatus.QUEUED:
        return False
    kept = letter.kind in TO_ONE_ADDRESS
    recipient = letter.recipient if kept else letter.account.email
    with database.atomic() as transaction:
        if _asked_again(letter) and transitions.move(
            letter, LetterStatus.QUEUED, by=by, error="", recipient=recipient
        ):
            return True
        transaction.rollback()
    return False


def _asked_again(letter: Letter) -> bool:
    """Whether the letter's job starts anew; not while it still runs, for then nobody would see
    the letter queued. A finished job may be forgotten by now."""
    key = kinds.send_letter.key(letter=letter.id)
    if queue.restart(key):
        return True
    if Job.select().where(Job.key == key).exists():
        return False
    kinds.send_letter.later(letter=letter.id)
    return True


def reason_of(letter: Letter) -> str:
    """Why a letter was not sent, a text of the catalogue; "" where the customer can do nothing."""
    return UNSUPPORTED if letter.error == UNSUPPORTED else ""


def _not_sent(letter: int, reason: str) -> None:
    row = Letter.get_by_id(letter)
    if row.status == LetterStatus.QUEUED:
        log.error("letter not sent", letter=letter, kind=row.kind, reason=reason)
        transitions.move(row, LetterStatus.FAILED, by="shop", note=reason, error=reason[:255])


@kinds.send_letter.handler(
    attempts=ATTEMPTS,
    first_delay=FIRST_DELAY,
    give_up=_not_sent,
    priority=jobs.Priority.LETTER,
)
def send_letter(letter: int) -> None:
    """Finish a letter's attachments and send it, if there is an SMTP server."""
    row = Letter.select(Letter, Account).join(Account).where(Letter.id == letter).get()
    if row.status != LetterStatus.QUEUED:
        return
    attachments = [finished(attachment) for attachment in attachments_of(row)]
    url = settings.current().smtp_url
    if not url:
        transitions.move(row, LetterStatus.STORED, by="shop")
        return
    try:
        smtp.deliver(url, compose(row, attachments))
    except smtplib.SMTPRecipientsRefused as refusal:
        if not _is_final(refusal):
            raise
        _not_sent(letter, _reason(refusal))
        return
    except smtp.UnsupportedAddress:
        if row.recipient.rpartition("@")[0].isascii():
            # It is the sender's: the operator's to put right, and then the letter goes.
            raise
        _not_sent(letter, UNSUPPORTED)
        return
    transitions.move(row, LetterStatus.SENT, by="shop", sent_at=clock.now())


def _is_final(refusal: smtplib.SMTPRecipientsRefused) -> bool:
    """Whether the mailbox does not exist: a 5xx answer (RFC 5321), which asking changes nothing."""
    return all(code >= 500 for code, _ in refusal.recipients.values())


def _reason(refusal: smtplib.SMTPRecipientsRefused) -> str:
    answers = refusal.recipients.values()
    return "; ".join(f"{code} {answer.decode(errors='replace')}" for code, answer in answers)
