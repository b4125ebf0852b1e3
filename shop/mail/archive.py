"""Letters as they are kept: written once, encrypted where they hold a secret, read again."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from records.accounts import Account
from records.base import database
from records.letters import Attachment, Letter
from shop import clock, documents, jobs, settings
from shop.jobs import kinds
from shop.mail.links import Addresses
from shop.security import encryption
from shop.text import templates
from shop.text.folding import fold

TEXT_WIDTH = 76
"""Columns of a text letter, as old mail programs show it without wrapping."""

_NOT_IN_A_LINE = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
"""Whatever could end a line or steer a terminal, and runs of spaces; no-break spaces stay."""


def one_line(text: str) -> str:
    """``text`` on one line: what a mail header may hold."""
    return _NOT_IN_A_LINE.sub(" ", text).strip()


# --- Writing ---------------------------------------------------------------------------------


def store(
    account: Account,
    kind: str,
    key: str,
    *,
    recipient: str = "",
    addressee: str = "",
    is_secret: bool = False,
    attach: tuple[str, int] | None = None,
    **values: Any,
) -> None:
    """Store a letter and the job that sends it, in the caller's transaction, once per ``key``.

    It is in the customer's language of now; what is attached keeps the one it was written in.
    It goes to the account's address, or to another ``recipient``, the mailbox of ``addressee``.
    """
    subject, text, html = _rendered(kind, account.language, account=account, **values)
    if is_secret:
        text, html = encryption.seal(text), encryption.seal(html)
    with database.atomic():
        written = (
            Letter.insert(
                account=account,
                kind=kind,
                key=key,
                language=account.language,
                recipient=recipient or account.email,
                addressee=addressee,
                subject=subject,
                folded=fold(subject),
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
        priority = jobs.Priority.AWAITED if kind in PROVES_MAILBOX else None
        kinds.send_letter.using(priority=priority).later(letter=letter.id)


def _rendered(kind: str, language: str, **values: Any) -> tuple[str, str, str]:
    """Subject, text and HTML of a letter."""
    shop = settings.current()
    values |= {"shop": shop, "link_to": Addresses(shop.public_url, language)}
    subject = one_line(templates.render(f"mail/{kind}.subject.txt", language, **values))[:255]
    text = _in_columns(templates.render(f"mail/{kind}.txt", language, **values))
    html = templates.render(f"mail/{kind}.html", language, subject=subject, **values)
    return subject, text, html


def _in_columns(text: str) -> str:
    """Lines wrapped under their own indentation, paragraphs one empty line apart."""
    lines = [_wrapped(line.rstrip()) for line in text.strip().splitlines()]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _wrapped(line: str) -> str:
    indent = re.match(r" *(?:\d\. |- )?", line)
    return textwrap.fill(
        line,
        TEXT_WIDTH,
        subsequent_indent=" " * (indent.end() if indent else 0),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _attach(letter: Letter, document: str, subject_id: int) -> None:
    Attachment.create(
        letter=letter,
        document=document,
        subject_id=subject_id,
        filename=documents.filename(document, subject_id),
    )


# --- Reading ---------------------------------------------------------------------------------


SEARCHED_AT_ONCE = 2000
"""The most letters one search looks through, so that it costs no more however many there are."""


@dataclass(frozen=True)
class Found:
    """The letters a search found, newest first; ``before`` is where to search on, if anywhere."""

    letters: ModelSelect[Letter]
    before: int | None


def letters_of(account: Account) -> ModelSelect[Letter]:
    """The customer's letters, newest first."""
    unseen = (Letter.text, Letter.html, Letter.folded)
    listed = [field for field in Letter._meta.sorted_fields if field not in unseen]
    return Letter.select(*listed).where(Letter.account == account).order_by(Letter.id.desc())


def find_letter(account: Account, letter_id: int) -> Letter | None:
    """A letter the customer received."""
    return Letter.get_or_none(Letter.account == account, Letter.id == letter_id)


def find_attachment(letter: Letter, attachment_id: int) -> Attachment | None:
    """A document that came with a letter."""
    return Attachment.get_or_none(Attachment.letter == letter, Attachment.id == attachment_id)


def search(account: Account, wanted: str, before: int | None = None) -> Found:
    """The customer's letters whose subject holds ``wanted``, however it is written: of the newest
    `SEARCHED_AT_ONCE`, or of as many older than the letter numbered ``before``."""
    looked_at = letters_of(account)
    if before is not None:
        looked_at = looked_at.where(Letter.id < before)
    behind = looked_at.select(Letter.id).offset(SEARCHED_AT_ONCE).limit(1).scalar()
    found = looked_at.where(Letter.folded.contains(fold(wanted)))
    if behind is None:
        return Found(found, None)
    return Found(found.where(Letter.id > behind), behind + 1)


def text_of(letter: Letter) -> str:
    """The letter's text, as sent."""
    return encryption.unseal(letter.text) if letter.is_secret else letter.text


def html_of(letter: Letter) -> str:
    """The letter's HTML, as sent."""
    return encryption.unseal(letter.html) if letter.is_secret else letter.html


PROVES_MAILBOX = {"email_confirmation", "password_reset", "termination_link"}
"""Letters whose link counts because it was found in the mailbox it was sent to."""


def is_shown(letter: Letter) -> bool:
    """Whether "Emails reçus" shows what a letter says: not where that would stand in for reading
    the mailbox. Without a mail server "Emails reçus" is the only mailbox there is."""
    return letter.kind not in PROVES_MAILBOX or not settings.current().smtp_url


def attachments_of(letter: Letter) -> list[Attachment]:
    """The documents that go with a letter."""
    return list(Attachment.select().where(Attachment.letter == letter).order_by(Attachment.id))


def content_of(attachment: Attachment) -> bytes:
    """A document's PDF, made now if the worker has not come to it yet."""
    return bytes(finished(attachment).content or b"")


def finished(attachment: Attachment) -> Attachment:
    """The attachment with its content, made and kept at the first occasion."""
    if attachment.content is None:
        attachment.content = documents.make_document(attachment.document, attachment.subject_id)
        attachment.save()
    return attachment
