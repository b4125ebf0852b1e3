"""Composing the message of a stored e-mail: headers, text, HTML and attachments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

import idna

from records.events import Event
from records.letters import Attachment, Letter, LetterStatus
from shop import clock, settings
from shop.mail.archive import html_of, one_line, text_of
from shop.security import encryption


class MessageAltered(Exception):
    """Serialization changed a composed message, which must therefore not be sent."""


def compose(letter: Letter, attachments: list[Attachment]) -> EmailMessage:
    """Return the message of a stored e-mail, whose account is loaded.

    A retry keeps the Message-ID, by which a mail server recognises a message that it has received
    already; sending again after success makes a new Message-ID. Raise `MessageAltered` if
    serialization changes the message.
    """
    message = _build(letter, attachments, name_of=header_text)
    try:
        check_serialized(message)
    except MessageAltered:
        # The standard library (Python 3.11, 3.12) drops the quotes of a name that it folds, and
        # parses the part after ``@`` or ``,`` as another address.
        message = _build(letter, attachments, name_of=_plain_name)
        check_serialized(message)
    return message


def check_serialized(message: EmailMessage) -> None:
    """Raise `MessageAltered` unless parsing the serialized ``message`` gives the same content.

    Compare all headers in order, the texts and the attachments. This is the last protection
    against header injection by way of the standard library.
    """
    policy = SMTPUTF8 if _needs_utf8(message) else SMTP
    try:
        received = message_from_bytes(message.as_bytes(policy=policy), policy=policy)
        unchanged = list(_comparable_parts(received)) == list(_comparable_parts(message))
    except Exception as error:  # The parser raises almost anything at headers it misreads.
        raise MessageAltered(str(message["Message-ID"])) from error
    if not unchanged:
        raise MessageAltered(str(message["Message-ID"]))


def _needs_utf8(message: EmailMessage) -> bool:
    """Whether an e-mail address has non-ASCII characters, which need SMTPUTF8 (RFC 6531)."""
    return not all(
        address.addr_spec.isascii()
        for header in ("From", "To")
        for address in message[header].addresses
    )


TRANSPORT_HEADERS = {"content-type", "content-disposition", "content-transfer-encoding"}
"""Headers whose spelling serialization changes; their values are compared separately."""


def _comparable_parts(message: EmailMessage) -> Iterator[tuple[str, ...]]:
    for part in message.walk():
        for name, value in part.items():
            if name.lower() not in TRANSPORT_HEADERS:
                yield name.lower(), _without_spaces(value)
        yield part.get_content_type(), str(part.get_content_disposition())
        yield "filename", _without_spaces(part.get_filename() or "")
        if not part.is_multipart():
            yield "content", _content(part)


def _without_spaces(value: object) -> str:
    """Return a header's value without white space, which folding may add or remove."""
    return "".join(str(value).split())


def _content(part: EmailMessage) -> str:
    """Return a part's content with normalised line ends (RFC 5322, 2.1)."""
    content = part.get_content()
    return content.hex() if isinstance(content, bytes) else "\n".join(content.splitlines())


def _build(
    letter: Letter, attachments: list[Attachment], name_of: Callable[[str], str]
) -> EmailMessage:
    times_sent, sender = _times_sent(letter), _sender(name_of)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = _address(name_of(_addressee(letter)), letter.recipient)
    message["Subject"] = header_text(letter.subject)
    message["Date"] = format_datetime(clock.now() if times_sent else letter.created_at)
    message["Message-ID"] = f"<{_message_id(letter, times_sent)}@{sender.domain}>"
    # Suppress automatic replies (out of office) to automatic e-mails.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text_of(letter))
    message.add_alternative(html_of(letter), subtype="html")
    for attachment in attachments:
        message.add_attachment(
            bytes(attachment.content or b""),
            maintype="application",
            subtype="pdf",
            filename=header_text(attachment.filename),
        )
    # Last, because setting the content removes headers of this kind.
    message["Content-Language"] = letter.language
    return message


def _addressee(letter: Letter) -> str:
    """Return the recipient's name, "" if it is not known whose mailbox it is."""
    is_customers = letter.recipient == letter.account.email and letter.kind != "email_proof"
    return letter.addressee or (letter.account.full_name if is_customers else "")


def _times_sent(letter: Letter) -> int:
    return int(
        Event.select()
        .where(
            Event.subject == Letter.event_subject,
            Event.subject_id == letter.id,
            Event.to_status == LetterStatus.SENT,
        )
        .count()
    )


def _message_id(letter: Letter, times_sent: int) -> str:
    identity = f"letter-{letter.id}-{encryption.digest(letter.key)[:16]}"
    return f"{identity}-{times_sent + 1}" if times_sent else identity


def _sender(name_of: Callable[[str], str]) -> Address:
    """Return the sender: ``MAIL_FROM``, "Name <address>" or an address alone; any name is valid."""
    name, _, address = settings.current().mail_from.strip().rpartition("<")
    return _address(name_of(name.strip().strip('"')), address.rstrip("> "))


def header_text(text: str) -> str:
    """Return ``text`` on one line in which no part is an encoded word (RFC 2047).

    The standard library decodes encoded words in header values and writes out the line ends in
    them: a name could inject headers and a body. Where it folds a word as long as a line, it
    writes an empty line, which ends the headers: such words are split.
    """
    return _LONG_WORD.sub(r"\1 ", one_line(text).replace("=?", "= ?"))


_LONG_WORD = re.compile(r"(\S{60})(?=\S)")


_STRUCTURE = re.compile(r'[()<>\[\]:;@\\,"]+')
"""Characters that structure addresses in a header (RFC 5322, 3.2.3)."""


def _plain_name(name: str) -> str:
    """Return ``name`` without characters that could begin another address."""
    return " ".join(_STRUCTURE.sub(" ", header_text(name)).split())


def _address(name: str, address: str) -> Address:
    """Return a mailbox with its domain in ASCII (IDNA), which every mail server supports."""
    user, _, domain = one_line(address).rpartition("@")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()
    return Address(display_name=name, username=user, domain=domain)
