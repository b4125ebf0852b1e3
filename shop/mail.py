"""Letters: one function for each, written with its cause, sent by the worker.

Every letter is stored ("Emails reçus") in the customer's language as text and HTML, in the
transaction of what it tells; the unique key makes it one letter however often that is tried.
"""

from __future__ import annotations

import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from peewee import ModelSelect

from models import Account, Attachment, Letter, LetterStatus, LicenceGroup, Order, Payment, database
from shop import clock, documents, jobs, rendering, settings, transitions, vault

SMTP_TIMEOUT = 10
"""Seconds until a mail server that says nothing counts as unreachable."""


# --- The letters -----------------------------------------------------------------------------


def account_created(account: Account) -> None:
    """Your nic-handle (guide: sign in with nic-handle and password)."""
    _write(account, "account_created", f"account_created:{account.id}")


def password_reset(account: Account, link: str, token: str) -> None:
    """A link to choose a new password; secret, and worth nothing once used."""
    key = f"password_reset:{vault.digest(token)}"
    _write(account, "password_reset", key, is_secret=True, link=link)


def password_changed(account: Account) -> None:
    """The password was changed, in case it was somebody else."""
    key = f"password_changed:{account.id}:{clock.now().isoformat()}"
    _write(account, "password_changed", key)


def order_placed(order: Order) -> None:
    """The purchase order, attached, and how to pay it."""
    _write(
        order.account, "order_placed", f"order_placed:{order.id}",
        language=order.language, attach=("purchase_order", order.id), order=order,
    )  # fmt: skip


def order_cancelled(order: Order) -> None:
    """The order was cancelled, and nothing is due."""
    key = f"order_cancelled:{order.id}"
    _write(order.account, "order_cancelled", key, language=order.language, order=order)


def order_expired(order: Order) -> None:
    """The order was not paid in time."""
    key = f"order_expired:{order.id}"
    _write(order.account, "order_expired", key, language=order.language, order=order)


def payment_received(order: Order, payment: Payment) -> None:
    """The money is here, the installation begins (guide: within a few minutes)."""
    key = f"payment_received:{order.id}"
    _write(
        order.account, "payment_received", key,
        language=order.language, order=order, payment=payment,
    )  # fmt: skip


def payment_refunded(order: Order, payment: Payment) -> None:
    """Money went back in full, and why."""
    key = f"payment_refunded:{payment.id}"
    _write(
        order.account, "payment_refunded", key,
        language=order.language, order=order, payment=payment,
    )  # fmt: skip


def service_installed(group: LicenceGroup) -> None:
    """The group is installed (guide: an e-mail is sent once the service is installed)."""
    key = f"service_installed:{group.id}"
    _write(group.account, "service_installed", key, group=group)


def delivery_failed(order: Order) -> None:
    """The installation did not work out; what happens next."""
    key = f"delivery_failed:{order.id}:{clock.now().isoformat()}"
    _write(order.account, "delivery_failed", key, language=order.language, order=order)


# --- Writing ---------------------------------------------------------------------------------


def _write(
    account: Account,
    kind: str,
    key: str,
    *,
    language: str = "",
    is_secret: bool = False,
    attach: tuple[str, int] | None = None,
    **values: Any,
) -> None:
    """Store a letter and the job that sends it, in the caller's transaction, once per ``key``."""
    language = language or account.language
    values |= {"account": account, "shop": settings.current()}
    subject = rendering.render(f"mail/{kind}.subject.txt", language, **values).strip()
    text = rendering.render(f"mail/{kind}.txt", language, **values)
    html = rendering.render(f"mail/{kind}.html", language, subject=subject, **values)
    if is_secret:
        text, html = vault.seal(text), vault.seal(html)
    with database.atomic():
        written = (
            Letter.insert(
                account=account,
                kind=kind,
                key=key,
                language=language,
                recipient=account.email,
                subject=subject[:255],
                text=text,
                html=html,
                is_secret=is_secret,
                created_at=clock.now(),
            )
            .on_conflict_ignore()
            .as_rowcount()
            .execute()
        )
        if not written:
            return
        letter = Letter.get(Letter.key == key)
        if attach:
            _attach(letter, *attach)
        jobs.enqueue("send_letter", f"send_letter:{letter.id}", letter=letter.id)


def _attach(letter: Letter, document: str, subject_id: int) -> None:
    Attachment.create(
        letter=letter,
        document=document,
        subject_id=subject_id,
        filename=documents.filename(document, subject_id, letter.language),
    )


# --- Reading ---------------------------------------------------------------------------------


def letters_of(account: Account, wanted: str = "") -> ModelSelect[Letter]:
    """The customer's letters, newest first; those whose subject holds ``wanted``, if given."""
    query = Letter.select().where(Letter.account == account).order_by(Letter.id.desc())
    return query.where(Letter.subject.contains(wanted)) if wanted else query


def attachments_of(letter: Letter) -> list[Attachment]:
    """The documents that go with a letter."""
    return list(Attachment.select().where(Attachment.letter == letter).order_by(Attachment.id))


def content_of(attachment: Attachment) -> bytes:
    """A document's PDF, made now if the worker has not come to it yet."""
    return bytes(_finished(attachment).content or b"")


def text_of(letter: Letter) -> str:
    """The letter's text, as sent."""
    return vault.unseal(letter.text) if letter.is_secret else letter.text


def html_of(letter: Letter) -> str:
    """The letter's HTML, as sent."""
    return vault.unseal(letter.html) if letter.is_secret else letter.html


# --- Sending ---------------------------------------------------------------------------------


def send_again(letter: Letter, by: str) -> bool:
    """Put a letter back in the queue; False if it stands there already."""
    with database.atomic():
        if letter.status == LetterStatus.QUEUED:
            return False
        if not transitions.move(letter, LetterStatus.QUEUED, by=by, error=""):
            return False
        return jobs.ask_again(f"send_letter:{letter.id}")


def _not_sent(letter: int, reason: str) -> None:
    row = Letter.get_by_id(letter)
    if row.status == LetterStatus.QUEUED:
        transitions.move(row, LetterStatus.FAILED, by="shop", note=reason, error=reason[:255])


@jobs.handles("send_letter", attempts=8, first_delay=timedelta(seconds=5), give_up=_not_sent)
def send_letter(letter: int) -> None:
    """Finish a letter's attachments and send it, if there is an SMTP server."""
    row = Letter.select(Letter, Account).join(Account).where(Letter.id == letter).get()
    if row.status != LetterStatus.QUEUED:
        return
    attachments = [_finished(attachment) for attachment in attachments_of(row)]
    url = settings.current().smtp_url
    if not url:
        transitions.move(row, LetterStatus.STORED, by="shop")
        return
    _deliver(url, compose(row, attachments))
    transitions.move(row, LetterStatus.SENT, by="shop", sent_at=clock.now())


def _finished(attachment: Attachment) -> Attachment:
    if attachment.content is None:
        attachment.content = documents.make(attachment.document, attachment.subject_id)
        attachment.save()
    return attachment


def compose(letter: Letter, attachments: list[Attachment]) -> EmailMessage:
    """The e-mail of a letter: text, HTML and documents, with an identity of its own that a
    mail server can recognise when the same letter reaches it twice."""
    sender = settings.current().mail_from
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(letter.created_at)
    message["Message-ID"] = f"<letter-{letter.id}-{vault.digest(letter.key)[:16]}@{_host(sender)}>"
    message["Content-Language"] = letter.language
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text_of(letter))
    message.add_alternative(html_of(letter), subtype="html")
    for attachment in attachments:
        message.add_attachment(
            bytes(attachment.content or b""), maintype="application", subtype="pdf",
            filename=attachment.filename,
        )  # fmt: skip
    return message


def _host(sender: str) -> str:
    return sender.rsplit("@", 1)[-1].strip("> ")


def _deliver(url: str, message: EmailMessage) -> None:
    """Send by ``smtp://``, ``smtp+starttls://`` or ``smtps://``, signed in where a user is given."""
    parts = urlsplit(url)
    starttls = parts.scheme == "smtp+starttls" or "starttls" in parse_qs(
        parts.query, keep_blank_values=True
    )
    context = ssl.create_default_context()
    host = parts.hostname or "localhost"
    with (
        smtplib.SMTP_SSL(host, parts.port or 465, timeout=SMTP_TIMEOUT, context=context)
        if parts.scheme == "smtps"
        else smtplib.SMTP(host, parts.port or 25, timeout=SMTP_TIMEOUT)
    ) as server:
        if starttls:
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
