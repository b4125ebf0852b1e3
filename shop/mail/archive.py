"""Stored e-mails: written once, encrypted if they contain a secret, read and searched."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, ModelUpdate, fn

from records.accounts import Account
from records.base import database
from records.letters import (
    Attachment,
    DocumentKind,
    Letter,
    LetterKind,
    LetterStatus,
    StaffLetter,
    StaffLetterKind,
    StoredLetter,
)
from records.staff import StaffAccount
from shop import clock, documents, jobs, settings, transitions
from shop.documents import Document
from shop.jobs import kinds
from shop.mail import mark
from shop.mail.links import Links
from shop.security import encryption
from shop.sql.prepared import prepared, prepared_update
from shop.text import folded, templates
from shop.text.email_addresses import normalized
from shop.text.folding import fold

TEXT_WIDTH = 76
"""The line width of text e-mails, which old mail programs show without wrapping."""

_INDENT = re.compile(r" *(?:\d\. |- )?")

_NOT_IN_A_LINE = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
"""Line ends, control characters and runs of spaces; no-break spaces are kept."""


def one_line(text: str) -> str:
    """Return ``text`` on one line, as a mail header may contain it."""
    return _NOT_IN_A_LINE.sub(" ", text).strip()


# --- Writing ---------------------------------------------------------------------------------


def store_letter(
    account: Account,
    kind: LetterKind,
    key: str,
    *,
    recipient: str = "",
    addressee: str = "",
    is_secret: bool = False,
    attach: Sequence[Document] = (),
    **values: Any,
) -> None:
    """Store an e-mail and queue its sending, in the caller's transaction; idempotent per ``key``.

    It is written in the customer's current language; attached documents keep their own. It is sent
    to the account's e-mail address or to ``recipient``, the mailbox of ``addressee``, with the
    documents to ``attach``; ``values`` are for the templates.
    Without a mail server, an e-mail that needs no document is complete, and leaves no work.
    """
    is_complete = not attach and not settings.current().smtp_url
    columns = _columns(kind, account.language, is_secret, account=account, **values)
    columns |= {
        "account": account, "key": key, "recipient": recipient or account.email,
        "addressee": addressee, "folded": fold(columns["subject"]),
        "status": LetterStatus.STORED if is_complete else LetterStatus.QUEUED,
    }  # fmt: skip
    with database.transaction():
        letter = Letter.add_once(**columns)
        if letter is None:
            return
        if is_complete:
            row = Letter(id=letter, account=account)
            transitions.record(row, "letter_stored", by="shop", to_status=LetterStatus.STORED)
            return
        if attach:
            _attach(letter, attach)
        priority = jobs.Priority.AWAITED if kind in PROVES_MAILBOX else None
        kinds.send_letter.using(priority=priority).later(letter=letter)


def store_staff_letter(
    staff: StaffAccount, kind: StaffLetterKind, key: str, *, recipient: str = "",
    is_secret: bool = False, **values: Any,
) -> None:  # fmt: skip
    """Store an e-mail to a member of staff, as `store_letter` does those to customers."""
    columns = _columns(kind, staff.language, is_secret, member=staff, **values)
    columns |= {"staff": staff, "key": key, "recipient": recipient or staff.email}
    with database.transaction():
        letter = StaffLetter.add_once(**columns)
        if letter is not None:
            kinds.send_staff_letter.later(letter=letter)


def _columns(
    kind: LetterKind | StaffLetterKind, language: str, is_secret: bool, **values: Any
) -> dict[str, Any]:
    """Return what all e-mails hold, encrypted where it is a secret."""
    subject, text, html = _render(kind, language, **values)
    if is_secret:
        text, html = encryption.seal(text), encryption.seal(html)
    return {
        "kind": kind, "language": language, "subject": subject, "text": text, "html": html,
        "is_secret": is_secret, "created_at": clock.now(),
    }  # fmt: skip


def _render(
    kind: LetterKind | StaffLetterKind, language: str, **values: Any
) -> tuple[str, str, str]:
    """Return subject, text and HTML of an e-mail."""
    shop = settings.current()
    values |= {"shop": shop, "link_to": Links(shop.public_url, language)}
    subject = one_line(templates.render(f"mail/{kind}.subject.txt", language, **values))[:255]
    text = _wrap_text(templates.render(f"mail/{kind}.txt", language, **values))
    html = templates.render(f"mail/{kind}.html", language, subject=subject, **values)
    return subject, text, html


def _wrap_text(text: str) -> str:
    """Wrap lines, keeping their indentation; separate paragraphs by one empty line."""
    lines = [line.rstrip() for line in text.strip().expandtabs().splitlines()]
    wrapped = [line if len(line) <= TEXT_WIDTH else _wrap_line(line) for line in lines]
    return re.sub("\n{3,}", "\n\n", "\n".join(wrapped)) + "\n"


def _wrap_line(line: str) -> str:
    indent = _INDENT.match(line)
    return textwrap.fill(
        line,
        TEXT_WIDTH,
        subsequent_indent=" " * (indent.end() if indent else 0),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _attach(letter: int, documents: Sequence[Document]) -> None:
    Attachment.add_all([
        {
            "letter": letter, "document": each.kind, "subject_id": each.subject_id,
            "filename": each.filename,
        }
        for each in documents
    ])  # fmt: skip


# --- Reading ---------------------------------------------------------------------------------


SEARCH_LIMIT = 2000
"""The maximum of e-mails examined by one search, which limits its cost."""


@dataclass(frozen=True)
class SearchResult:
    """The e-mails found, newest first; ``before`` continues the search, None at its end."""

    letters: ModelSelect[Letter]
    before: int | None


CONTENTS = ("text", "html", "folded")
"""The columns of an e-mail that no list shows, and the largest."""


def letters_of(account: Account) -> ModelSelect[Letter]:
    """Return the customer's e-mails without their contents, newest first."""
    listed = Letter.columns_but(*CONTENTS)
    return Letter.select(*listed).where(Letter.account == account).order_by(Letter.id.desc())


@prepared
def letters_for_page(account: Account, before: int | None = None) -> ModelSelect[Letter]:
    """Return the same query, for its pages; ``before`` is the id after which it goes on."""
    query = letters_of(account)
    return query if before is None else query.where(Letter.id < before)


def find_letter(account: Account, letter_id: int) -> Letter | None:
    """Return one of the customer's e-mails, or None."""
    return Letter.get_or_none(Letter.account == account, Letter.id == letter_id)


def find_attachment(letter: Letter, attachment_id: int) -> Attachment | None:
    """Return one of an e-mail's attachments, or None."""
    return Attachment.get_or_none(Attachment.letter == letter, Attachment.id == attachment_id)


def search_letters(account: Account, wanted: str, before: int | None = None) -> SearchResult:
    """Return the customer's e-mails whose subject contains ``wanted``, ignoring case and accents.

    A text with an @ is looked for in the addresses they were sent to as well. Only the
    `SEARCH_LIMIT` newest are examined: of all, or of those with an id below ``before``.
    """
    candidates = letters_of(account)
    if before is not None:
        candidates = candidates.where(Letter.id < before)
    limit_id = candidates.select(Letter.id).offset(SEARCH_LIMIT).limit(1).scalar()
    found = candidates.where(_matches(wanted))
    if limit_id is None:
        return SearchResult(found, None)
    return SearchResult(found.where(Letter.id > limit_id), limit_id + 1)


def newest_found(account: Account, wanted: str, most: int) -> list[Letter]:
    """Return the newest of the e-mails that `search_letters` finds first (one query)."""
    last = (
        Letter.select(Letter.id)
        .where(Letter.account == account)
        .order_by(Letter.id.desc())
        .offset(SEARCH_LIMIT - 1)
        .limit(1)
    )
    found = letters_of(account).where(Letter.id >= fn.COALESCE(last, 0), _matches(wanted))
    return list(found.limit(most))


def _matches(wanted: str) -> Any:
    in_subject = folded.contains(Letter.folded, wanted)
    if "@" not in wanted:
        return in_subject
    return in_subject | Letter.recipient.contains(normalized(one_line(wanted)))


def text_of(letter: StoredLetter) -> str:
    """Return an e-mail's text, decrypted."""
    return encryption.unseal(letter.text) if letter.is_secret else letter.text


def html_of(letter: StoredLetter) -> str:
    """Return an e-mail's HTML, decrypted, whole in itself: with the mark in it."""
    return sent_html_of(letter).replace(mark.REFERENCE, mark.url())


def sent_html_of(letter: StoredLetter) -> str:
    """Return the same as it is stored and sent, with a reference to the mark, a part beside it."""
    return encryption.unseal(letter.html) if letter.is_secret else letter.html


PROVES_MAILBOX = {
    LetterKind.EMAIL_CONFIRMATION,
    LetterKind.EMAIL_PROOF,
    LetterKind.PASSWORD_RESET,
    LetterKind.TERMINATION_LINK,
}
"""E-mails with a link that proves access to the mailbox."""


FOR_OTHERS = {LetterKind.LICENCE_LINK}
"""E-mails with a link that works once, for the person whose mailbox it was sent to."""


def is_shown(letter: Letter) -> bool:
    """Whether "Emails reçus" shows the content: not if its link proves access to the mailbox,
    or is for the person to whom it was sent.

    Without a mail server it is shown, because "Emails reçus" is then the only mailbox. A secret is
    not shown where secrets are masked.
    """
    if letter.is_secret and encryption.are_secrets_masked():
        return False
    return letter.kind not in PROVES_MAILBOX | FOR_OTHERS or not settings.current().smtp_url


def attachments_of(letter: Letter) -> list[Attachment]:
    """Return the attachments of an e-mail."""
    return _attached.rows(letter)


@prepared
def _attached(letter: Letter) -> ModelSelect[Attachment]:
    return Attachment.select().where(Attachment.letter == letter).order_by(Attachment.id)


def content_of(attachment: Attachment) -> bytes:
    """Return an attachment's PDF, rendered and kept now if the worker has not done it yet."""
    keep_contents(render_missing([attachment]))
    return bytes(attachment.content or b"")


def render_missing(attachments: Sequence[Attachment]) -> list[Attachment]:
    """Give attachments their content; return those whose content is to be kept.

    Contracts are stored once for all e-mails (`documents.contract_of`).
    """
    missing = [attachment for attachment in attachments if attachment.content is None]
    for attachment in missing:
        attachment.content = documents.make_document(attachment.document, attachment.subject_id)
    return [each for each in missing if each.document != DocumentKind.CONTRACT]


def keep_contents(attachments: Sequence[Attachment]) -> None:
    """Store the content of attachments with them."""
    for attachment in attachments:
        _content_kept.changed(attachment.id, attachment.content)


@prepared_update
def _content_kept(attachment_id: int, content: bytes) -> ModelUpdate:
    return Attachment.update(content=content).where(Attachment.id == attachment_id)
