"""A stored letter as an e-mail: headers, text, HTML and documents."""

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
    """A composed message says something else once it is serialized: it must not be sent."""


def compose(letter: Letter, attachments: list[Attachment]) -> EmailMessage:
    """Return the e-mail of a letter, whose account is loaded.

    A retry keeps the Message-ID, by which a mail server recognises a letter that reached it
    already; a letter requested again after it was sent is another e-mail. Raises `MessageAltered`
    when the message does not survive serialization unchanged.
    """
    message = _composed(letter, attachments, name_of=header_text)
    try:
        check_serialized(message)
    except MessageAltered:
        # The standard library (Python 3.11, 3.12) loses the quotes of a name it folds, and takes
        # what follows an ``@`` or ``,`` in it for another address.
        message = _composed(letter, attachments, name_of=_unstructured)
        check_serialized(message)
    return message


def check_serialized(message: EmailMessage) -> None:
    """Raise `MessageAltered` unless a reader of the serialized ``message`` finds the same in it.

    Compares the headers (each of them once, in order), the texts and the attachments. This is the
    last guard against header injection, whatever the standard library makes of a value.
    """
    policy = SMTPUTF8 if _needs_utf8(message) else SMTP
    received = message_from_bytes(message.as_bytes(policy=policy), policy=policy)
    if list(_said_by(received)) != list(_said_by(message)):
        raise MessageAltered(str(message["Message-ID"]))


def _needs_utf8(message: EmailMessage) -> bool:
    """Whether an address has characters beyond ASCII, for which SMTPUTF8 exists (RFC 6531)."""
    return not all(
        address.addr_spec.isascii()
        for header in ("From", "To")
        for address in message[header].addresses
    )


OF_THE_TRANSPORT = {"content-type", "content-disposition", "content-transfer-encoding"}
"""Headers that are written anew in another spelling; what they say is compared apart."""


def _said_by(message: EmailMessage) -> Iterator[tuple[str, ...]]:
    for part in message.walk():
        for name, value in part.items():
            if name.lower() not in OF_THE_TRANSPORT:
                yield name.lower(), _unspaced(value)
        yield part.get_content_type(), str(part.get_content_disposition())
        yield "filename", _unspaced(part.get_filename() or "")
        if not part.is_multipart():
            yield "content", _content(part)


def _unspaced(value: object) -> str:
    """Return a header's value without white space, which folding may add and take away."""
    return "".join(str(value).split())


def _content(part: EmailMessage) -> str:
    """Return what a part holds, whatever its line ends (RFC 5322, 2.1)."""
    content = part.get_content()
    return content.hex() if isinstance(content, bytes) else "\n".join(content.splitlines())


def _composed(
    letter: Letter, attachments: list[Attachment], name_of: Callable[[str], str]
) -> EmailMessage:
    copy, sender = _times_sent(letter), _sender(name_of)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = _address(name_of(_addressee(letter)), letter.recipient)
    message["Subject"] = header_text(letter.subject)
    message["Date"] = format_datetime(clock.now() if copy else letter.created_at)
    message["Message-ID"] = f"<{_identity(letter, copy)}@{sender.domain}>"
    # Nobody's absence note shall answer a letter that nobody wrote by hand.
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
    # Last, for giving a message content takes headers of this kind away.
    message["Content-Language"] = letter.language
    return message


def _addressee(letter: Letter) -> str:
    """Whose mailbox a letter goes to; nobody's name is given to a mailbox of somebody unknown."""
    is_customers = letter.recipient == letter.account.email
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


def _identity(letter: Letter, copy: int) -> str:
    identity = f"letter-{letter.id}-{encryption.digest(letter.key)[:16]}"
    return f"{identity}-{copy + 1}" if copy else identity


def _sender(name_of: Callable[[str], str]) -> Address:
    """``MAIL_FROM``, "Name <address>" or an address alone; the name may hold any character."""
    name, _, address = settings.current().mail_from.strip().rpartition("<")
    return _address(name_of(name.strip().strip('"')), address.rstrip("> "))


def header_text(text: str) -> str:
    """Return ``text`` on one line in which no part is an encoded word (RFC 2047).

    The standard library decodes an encoded word in whatever it is given as a header, and writes
    the line ends it finds inside: a name could bring headers and a body of its own.
    """
    return one_line(text).replace("=?", "= ?")


_STRUCTURE = re.compile(r'[()<>\[\]:;@\\,"]+')
"""What separates addresses in a header (RFC 5322, 3.2.3)."""


def _unstructured(name: str) -> str:
    """Return ``name`` without any sign that could be read as the beginning of another address."""
    return " ".join(_STRUCTURE.sub(" ", header_text(name)).split())


def _address(name: str, address: str) -> Address:
    """A mailbox; its domain in the letters that every mail server understands."""
    user, _, domain = one_line(address).rpartition("@")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()
    return Address(display_name=name, username=user, domain=domain)
