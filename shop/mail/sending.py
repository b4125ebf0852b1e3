"""Sending e-mails: by the worker, with retries, so that a failing mail server blocks nothing."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import structlog
from peewee import ModelSelect

from records.accounts import Account
from records.base import database
from records.jobs import Job
from records.letters import (
    INDEPENDENT,
    Attachment,
    Letter,
    LetterKind,
    LetterStatus,
    StaffLetter,
    StoredLetter,
)
from shop import clock, jobs, settings, transitions
from shop.errors import N_, Conflict
from shop.jobs import kinds, queue
from shop.jobs.tasks import Task
from shop.mail import smtp
from shop.mail.archive import PROVES_MAILBOX, attachments_of, keep_contents, render_missing
from shop.mail.composing import Composed, compose
from shop.sql.prepared import prepared

log = structlog.get_logger()

ATTEMPTS = 12
FIRST_DELAY = timedelta(seconds=10)
"""Doubled after each attempt, up to an hour: covers a mail server outage of three hours."""

MOST_UNCONFIRMED = 2
"""The attempts without the mail server's answer after which an e-mail is not sent again."""

UNSUPPORTED_ADDRESS = N_(
    "Our mail server cannot write to an address with special letters before the @."
)
"""The permanent error shown to the customer; the only one they can act on."""

FIXED_RECIPIENT = {
    LetterKind.EMAIL_CHANGED,
    LetterKind.EMAIL_CONFIRMATION,
    LetterKind.EMAIL_PROOF,
    LetterKind.LICENCE_FOR_OWNER,
    LetterKind.LICENCE_LINK,
}
"""Kinds of e-mails that must only go to their original recipient."""

MOST_PER_HOUR = 100
"""The most e-mails to one address in an hour; more wait, so that others' are not delayed."""

UNLIMITED = {
    LetterKind.LICENCE_ACTIVE,
    LetterKind.LICENCE_FOR_OWNER,
    LetterKind.LICENCE_LINK,
    *PROVES_MAILBOX,
}
"""Kinds without that limit: paid licences, of which a file activates thousands, and links, which
have limits of their own."""

NEXT_TRY = timedelta(minutes=10)


def send_again(letter: Letter, by: str) -> bool:
    """Queue an e-mail again; return False if it is queued already, or its content was deleted.

    It is sent to the customer's current e-mail address, because it may contain a password that
    must not go to an address they no longer use.
    """
    if letter.status == LetterStatus.QUEUED or letter.emptied_at is not None:
        return False
    is_fixed = letter.kind in FIXED_RECIPIENT
    recipient = letter.recipient if is_fixed else letter.account.email
    return _queue_again(letter, kinds.send_letter, by, recipient=recipient)


def send_again_to_staff(letter: StaffLetter, by: str) -> None:
    """Queue an e-mail to a member of staff again. Raise `Conflict` if it is not sent any more."""
    if not letter.may_be_sent_again or not _queue_again(letter, kinds.send_staff_letter, by):
        raise Conflict(N_("This email is being sent already, or it is not needed any more."))


def _queue_again(letter: StoredLetter, job: Task[...], by: str, **values: Any) -> bool:
    with database.atomic() as transaction:
        if _restart_job(job, letter) and transitions.move(
            letter, LetterStatus.QUEUED, by=by, error="", unconfirmed=0, **values
        ):
            return True
        transaction.rollback()
    return False


def _restart_job(job: Task[...], letter: StoredLetter) -> bool:
    """Queue the e-mail's job again, or a new one if the finished job has been deleted.

    Return False if the job is still running: it would not see the changed status.
    """
    key = job.key(letter=letter.id)
    if queue.restart(key):
        return True
    if Job.select().where(Job.key == key).exists():
        return False
    job.later(letter=letter.id)
    return True


def failure_reason(letter: Letter) -> str:
    """Return the ``msgid`` of why an e-mail was not sent; "" if the customer cannot act on it."""
    return UNSUPPORTED_ADDRESS if letter.error == UNSUPPORTED_ADDRESS else ""


def _give_up(letter: int, reason: str) -> None:
    _mark_failed(Letter.get_by_id(letter), reason)


def _give_up_staffs(letter: int, reason: str) -> None:
    _mark_failed(StaffLetter.get_by_id(letter), reason)


def _mark_failed(row: StoredLetter, reason: str) -> None:
    if row.status != LetterStatus.QUEUED:
        return
    if row.unconfirmed:
        _mark_unconfirmed(row)
    else:
        log.error("letter_not_sent", letter=row.id, kind=row.kind, reason=reason)
        transitions.move(row, LetterStatus.FAILED, by="shop", note=reason, error=reason[:255])


@prepared
def _with_account(letter_id: int) -> ModelSelect[Letter]:
    return Letter.select(Letter, Account).join(Account).where(Letter.id == letter_id)


@kinds.send_letter.handler(
    attempts=ATTEMPTS,
    first_delay=FIRST_DELAY,
    give_up=_give_up,
    priority=jobs.Priority.LETTER,
)
def send_letter(letter: int) -> None:
    """Render an e-mail's attachments and send it, if an SMTP server is configured.

    What tells of a matter of an erased account is stored: nobody has its address.
    """
    row = _with_account.get(letter)
    if row.status != LetterStatus.QUEUED:
        return
    url = "" if row.account.erased_at else settings.current().smtp_url
    if url and row.awaits_proof(row.account):
        # `release_letters` queues it again.
        return
    if url and _is_over_limit(row):
        raise queue.Later(NEXT_TRY)
    _send(row, url, attachments_of(row))


@kinds.send_staff_letter.handler(
    attempts=ATTEMPTS,
    first_delay=FIRST_DELAY,
    give_up=_give_up_staffs,
    priority=jobs.Priority.LETTER,
)
def send_staff_letter(letter: int) -> None:
    """Send an e-mail to a member of staff, if an SMTP server is configured."""
    row = StaffLetter.get_by_id(letter)
    if row.status == LetterStatus.QUEUED:
        _send(row, settings.current().smtp_url, [])


def _send(row: StoredLetter, url: str, attachments: list[Attachment]) -> None:
    """Send an e-mail, or mark it as stored where no SMTP server is configured."""
    rendered = render_missing(attachments)
    if not url:
        with jobs.last_transaction():
            keep_contents(rendered)
            transitions.move(row, LetterStatus.STORED, by="shop")
        return
    keep_contents(rendered)
    earlier = row.unconfirmed
    if earlier >= MOST_UNCONFIRMED:
        _mark_unconfirmed(row)
        return
    try:
        _deliver(row, url, compose(row, attachments))
    except smtp.AcceptanceUnknown:
        if earlier + 1 < MOST_UNCONFIRMED:
            raise
        _mark_unconfirmed(row)
        return
    except smtplib.SMTPRecipientsRefused as refusal:
        if not _is_final(refusal):
            raise
        _mark_failed(row, _reason(refusal))
        return
    except smtp.UnsupportedAddress:
        if row.recipient.rpartition("@")[0].isascii():
            # The sender's address is the cause: retry until the operator corrects it.
            raise
        _mark_failed(row, UNSUPPORTED_ADDRESS)
        return
    with jobs.last_transaction():
        transitions.move(
            row, LetterStatus.SENT, by="shop", sent_at=clock.now(), unconfirmed=earlier
        )


def _deliver(row: StoredLetter, url: str, message: Composed) -> None:
    """Send the message; count the attempt before its end, for this worker may die after it."""
    before = row.unconfirmed
    try:
        smtp.deliver(url, message, lambda: _count(row, before, before + 1))
    except smtp.AcceptanceUnknown:
        log.warning("letter_unconfirmed", letter=row.id, kind=row.kind, attempt=before + 1)
        raise
    except Exception:
        # The server refused the message, or did not get its end: nothing was sent.
        _count(row, before + 1, before)
        raise


def _count(row: StoredLetter, before: int, after: int) -> None:
    """Change the number of unconfirmed attempts; raise `jobs.Later` if another worker did."""
    table = type(row)
    changed = (
        table.update(unconfirmed=after)
        .where(table.id == row.id, table.unconfirmed == before)
        .execute()
    )
    if after > before and not changed:
        raise jobs.Later(timedelta(minutes=1))


def _mark_unconfirmed(row: StoredLetter) -> None:
    """Record that the e-mail may have been sent, and is not sent again unless it is asked for."""
    transitions.move(
        row, LetterStatus.SENT, by="shop", note="not confirmed", sent_at=clock.now(),
        unconfirmed=MOST_UNCONFIRMED,
    )  # fmt: skip


def _is_over_limit(letter: Letter) -> bool:
    if letter.kind in UNLIMITED or not settings.current().rate_limits:
        return False
    an_hour_ago = clock.now() - timedelta(hours=1)
    sent = Letter.select().where(Letter.recipient == letter.recipient, Letter.sent_at > an_hour_ago)
    return sent.count() >= MOST_PER_HOUR


@kinds.release_letters.handler(attempts=ATTEMPTS, priority=jobs.Priority.LETTER)
def release_letters(account: int) -> None:
    """Send the e-mails that waited until the account's address was proved, to that address."""
    row = Account.get_by_id(account)
    waiting = Letter.select().where(
        Letter.account == row, Letter.status == LetterStatus.QUEUED, Letter.kind.not_in(INDEPENDENT)
    )
    is_running = False
    for letter in list(waiting.order_by(Letter.id)):
        with database.atomic():
            if letter.kind not in FIXED_RECIPIENT:
                Letter.update(recipient=row.email).where(Letter.id == letter.id).execute()
            is_running |= not _restart_job(kinds.send_letter, letter)
    if is_running:
        # Their jobs may have read the account before the proof.
        raise queue.Later(FIRST_DELAY)


def _is_final(refusal: smtplib.SMTPRecipientsRefused) -> bool:
    """Whether the refusal is permanent: a 5xx answer (RFC 5321), for example an unknown mailbox."""
    return all(code >= 500 for code, _ in refusal.recipients.values())


def _reason(refusal: smtplib.SMTPRecipientsRefused) -> str:
    answers = refusal.recipients.values()
    return "; ".join(f"{code} {answer.decode(errors='replace')}" for code, answer in answers)
