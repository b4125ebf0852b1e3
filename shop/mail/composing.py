"""Composing the message of a stored e-mail: headers, text, HTML and attachments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP, SMTPUTF8, default
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

import idna

from records.events import Event
from records.letters import Attachment, LetterStatus, StoredLetter
from shop import clock, settings
from shop.mail import mark
from shop.mail.archive import one_line, sent_html_of, text_of
from shop.security import encryption


class _Headers(HeaderRegistry):
    """The standard library's headers, which makes a class for each header of each message."""

    def __init__(self) -> None:
        super().__init__()
        self._classes: dict[type, type] = {}

    def __getitem__(self, name: str) -> type:
        kind = self.registry.get(name.lower(), self.default_class)
        if kind not in self._classes:
            self._classes[kind] = super().__getitem__(name)
        return self._classes[kind]


class _ReceivedHeaders(_Headers):
    """Those of messages that are only read: most are the same in each, and parsed once."""

    def __init__(self) -> None:
        super().__init__()
        self._parsed = lru_cache(maxsize=256)(super().__call__)

    def __call__(self, name: str, value: Any) -> Any:
        return self._parsed(name, str(value))


_WRITTEN = {False: SMTP, True: SMTPUTF8}
_READ = {utf8: policy.clone(header_factory=_ReceivedHeaders()) for utf8, policy in _WRITTEN.items()}
_COMPOSED = default.clone(header_factory=_Headers())


class MessageAltered(Exception):
    """Serialization changed a composed message, which must therefore not be sent."""


class Composed(EmailMessage):
    """A message and its bytes, which were compared with it and are sent as they are."""

    serialized = b""


def compose(letter: StoredLetter, attachments: list[Attachment]) -> Composed:
    """Return the message of a stored e-mail; a customer's has its account loaded.

    A retry keeps the Message-ID, by which a mail server recognises a message that it has received
    already; sending again after success makes a new Message-ID. Raise `MessageAltered` if
    serialization changes the message.
    """
    message = _build(letter, attachments, name_of=header_text)
    try:
        serialize(message)
    except MessageAltered:
        # The standard library (Python 3.11, 3.12) drops the quotes of a name that it folds, and
        # parses the part after ``@`` or ``,`` as another address.
        message = _build(letter, attachments, name_of=_plain_name)
        serialize(message)
    return message


def serialize(message: Composed) -> None:
    """Serialize ``message``; raise `MessageAltered` unless its bytes hold the same content.

    Compare all headers in order, the texts and the attachments. This is the last protection
    against header injection by way of the standard library.
    """
    utf8 = _needs_utf8(message)
    try:
        message.serialized = message.as_bytes(policy=_WRITTEN[utf8])
        received = BytesHeaderParser(policy=_READ[utf8])
        unchanged = list(_received(message.serialized, received)) == list(_composed(message))
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

Comparable = Iterator[tuple[str, ...]]


def _composed(message: EmailMessage) -> Comparable:
    """Yield the headers and contents of each part of a message."""
    for part in message.walk():
        yield from _headers(part)
        if not part.is_multipart():
            yield "content", _content(part)


def _received(serialized: bytes, parser: BytesHeaderParser[EmailMessage]) -> Comparable:
    """Yield the headers and contents of each part of serialized bytes.

    Only headers are parsed line by line: attachments are thousands of lines. Raise `ValueError`
    where the bytes are not the parts of a message.
    """
    head, separator, body = serialized.partition(b"\r\n\r\n")
    part = parser.parsebytes(head + separator)
    if not separator or part.defects or part.get_payload():
        raise ValueError("headers that do not end where they should")
    yield from _headers(part)
    if part.get_content_maintype() != "multipart":
        part.set_payload(body.decode("ascii", "surrogateescape"))
        yield "content", _content(part)
        return
    delimiter = f"\r\n--{part.get_boundary()}".encode("ascii")
    before, *inner, after = (b"\r\n" + body).split(delimiter)
    if before.strip() or after.strip() != b"--" or not inner:
        raise ValueError("text outside the parts")
    for each in inner:
        if not each.startswith(b"\r\n"):
            raise ValueError("another delimiter")
        yield from _received(each[2:], parser)


def _headers(part: EmailMessage) -> Comparable:
    found = {}
    for name, value in part.items():
        found[name.lower()] = value
        is_compared = name.lower() not in TRANSPORT_HEADERS
        yield name.lower(), _without_spaces(value) if is_compared else ""
    kind, disposition = found["content-type"], found.get("content-disposition")
    yield kind.content_type, str(disposition and disposition.content_disposition)
    yield "filename", _without_spaces(disposition.params.get("filename", "") if disposition else "")


def _without_spaces(value: object) -> str:
    """Return a header's value without white space, which folding may add or remove."""
    return "".join(str(value).split())


def _content(part: EmailMessage) -> str:
    """Return a part's content with normalised line ends (RFC 5322, 2.1)."""
    content = part.get_content()
    return content.hex() if isinstance(content, bytes) else "\n".join(content.splitlines())


def _build(
    letter: StoredLetter, attachments: list[Attachment], name_of: Callable[[str], str]
) -> Composed:
    times_sent, sender = _times_sent(letter), _sender(name_of)
    message = Composed(policy=_COMPOSED)
    message["From"] = sender
    message["To"] = _address(name_of(letter.name_of_recipient), letter.recipient)
    message["Subject"] = header_text(letter.subject)
    message["Date"] = format_datetime(clock.now() if times_sent else letter.created_at)
    message["Message-ID"] = f"<{_message_id(letter, times_sent)}@{sender.domain}>"
    # Suppress automatic replies (out of office) to automatic e-mails.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text_of(letter))
    message.add_alternative(sent_html_of(letter), subtype="html")
    if mark.REFERENCE in sent_html_of(letter):
        _, html = message.iter_parts()
        html.add_related(mark.content(), "image", "png", cid=f"<{mark.CONTENT_ID}>")
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


def _times_sent(letter: StoredLetter) -> int:
    if letter.sent_at is None:
        return 0
    return int(
        Event.select()
        .where(
            Event.subject == letter.event_subject,
            Event.subject_id == letter.id,
            Event.to_status == LetterStatus.SENT,
        )
        .count()
    )


def _message_id(letter: StoredLetter, times_sent: int) -> str:
    identity = f"{letter.event_subject}-{letter.id}-{encryption.digest(letter.key)[:16]}"
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
