"""A stored letter as an e-mail: headers, text, HTML and documents."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import idna

from records.events import Event
from records.letters import Attachment, Letter, LetterStatus
from shop import clock, settings
from shop.mail.archive import html_of, one_line, text_of
from shop.security import encryption


def compose(letter: Letter, attachments: list[Attachment]) -> EmailMessage:
    """The e-mail of a letter, whose account is loaded.

    Trying again keeps its Message-ID, by which a mail server knows a letter that reached it
    already; asked for anew once it was sent, it is another e-mail.
    """
    copy, sender = _times_sent(letter), _sender()
    message = EmailMessage()
    message["From"] = sender
    message["To"] = _address(_addressee(letter), letter.recipient)
    message["Subject"] = one_line(letter.subject)
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
            filename=attachment.filename,
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
            Event.subject == "letter",
            Event.subject_id == letter.id,
            Event.to_status == LetterStatus.SENT,
        )
        .count()
    )


def _identity(letter: Letter, copy: int) -> str:
    identity = f"letter-{letter.id}-{encryption.digest(letter.key)[:16]}"
    return f"{identity}-{copy + 1}" if copy else identity


def _sender() -> Address:
    """``MAIL_FROM``, "Name <address>" or an address alone; the name may hold any character."""
    name, _, address = settings.current().mail_from.strip().rpartition("<")
    return _address(name.strip().strip('"'), address.rstrip("> "))


def _address(name: str, address: str) -> Address:
    """A mailbox; its domain in the letters that every mail server understands."""
    user, _, domain = one_line(address).rpartition("@")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()
    return Address(display_name=one_line(name), username=user, domain=domain)
