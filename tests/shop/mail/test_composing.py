"""What arrives at a mailbox: texts, pictures, papers, and headers of names of all kinds."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from email.header import decode_header, make_header
from email.message import EmailMessage

import pypdf
import pytest
from flask import Flask

from models import Letter, LetterStatus
from shop import mail
from shop.jobs import queue
from shop.mail import archive, composing
from tests.support import cast, letters, purchases
from tests.support.mailbox import Mailbox, body_of, sent_by

MakeApp = Callable[..., Flask]

# --- As it is kept ---------------------------------------------------------------------------


def decoded(message: EmailMessage, header: str) -> str:
    """Return a header as mail programs read it; Python's parser fails on long names."""
    (raw,) = [value for name, value in message.raw_items() if name == header]
    return str(make_header(decode_header(str(raw))))


def test_a_letter_arrives_as_it_is_kept(mailbox: Mailbox, make_app: MakeApp) -> None:
    alice = sent_by(mailbox, make_app)
    queue.drain()
    letter = letters.the(alice, "account_created")
    (message,) = mailbox.letters
    assert letter.status == LetterStatus.SENT
    assert letter.sent_at is not None
    assert message["Subject"] == letter.subject
    assert "\u00a0" in message["Subject"]
    assert message["To"] == "Alice Lefèvre <alice@atelier.example>"
    assert message["From"] == "Nuage & Cie <facturation@example.com>"
    assert message["Date"].datetime == letter.created_at.replace(microsecond=0)
    assert re.fullmatch(r"<letter-\d+-[0-9a-f]{16}@example\.com>", message["Message-ID"])
    assert message["Content-Language"] == "fr"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "multipart/related")
    assert body_of(message, "plain") == mail.text_of(letter)
    assert body_of(message, "html") == archive.sent_html_of(letter)


def test_the_mark_comes_with_a_letter_and_is_part_of_the_kept_one(
    mailbox: Mailbox, make_app: MakeApp
) -> None:
    letters.activate(sent_by(mailbox, make_app))
    queue.drain()
    assert len(mailbox.letters) > 1
    for message in mailbox.letters:
        (source,) = re.findall(r'<img src="([^"]+)"', body_of(message, "html"))
        (mark,) = [part for part in message.walk() if part.get_content_maintype() == "image"]
        assert mark["Content-ID"] == f"<{source.removeprefix('cid:')}>"
        assert mark.get_content_disposition() == "inline"
        assert mark.get_content().startswith(b"\x89PNG")
    for letter in Letter.select():
        (source,) = re.findall(r'<img src="([^"]+)"', mail.html_of(letter))
        assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == mark.get_content()


def test_letters_that_were_stored_without_a_mark_are_sent_without(
    mailbox: Mailbox, make_app: MakeApp
) -> None:
    sent_by(mailbox, make_app)
    Letter.update(html="<p>Bonjour</p>").execute()
    queue.drain()
    (message,) = mailbox.letters
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert body_of(message, "html").strip() == "<p>Bonjour</p>"


def test_a_secret_letter_arrives_readable(mailbox: Mailbox, make_app: MakeApp) -> None:
    letters.activate(sent_by(mailbox, make_app))
    queue.drain()
    message = mailbox.letters[-1]
    assert letters.PASSWORD in body_of(message, "plain")
    assert letters.PASSWORD in body_of(message, "html")
    assert letters.PASSWORD not in message["Subject"]


@pytest.mark.reads_papers
@pytest.mark.one_database
def test_the_purchase_order_comes_as_a_pdf(mailbox: Mailbox, make_app: MakeApp) -> None:
    order = purchases.place(sent_by(mailbox, make_app))
    queue.drain()
    message = mailbox.letters[-1]
    assert message.get_content_type() == "multipart/mixed"
    assert message.get_body(("html",)) is not None
    attachment, *_ = message.iter_attachments()
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_filename() == f"bon-de-commande-{order.number}.pdf"
    pdf = pypdf.PdfReader(io.BytesIO(attachment.get_content()))
    assert order.number in "".join(page.extract_text() for page in pdf.pages)
    (kept, *_) = mail.attachments_of(letters.the(order.account, "order_placed"))
    assert mail.content_of(kept) == attachment.get_content()


# --- To whom ---------------------------------------------------------------------------------


def test_letters_to_names_and_domains_of_all_kinds_arrive(
    mailbox: Mailbox, make_app: MakeApp
) -> None:
    make_app(SMTP_URL=mailbox.url, MAIL_FROM="Brise, Été & Fils <courrier@été.example>")
    name = "Ναυσικά, “Nana” (王) " + "O'Brien-Ångström " * 8
    first, last = name.split(" ", 1)
    cast.register(cast.ALICE, first_name=first, last_name=last, email="nana@exämple.example")
    queue.drain()
    (message,) = mailbox.letters
    (to,) = message["To"].addresses
    assert to.addr_spec == "nana@xn--exmple-cua.example"
    assert decoded(message, "To").startswith(name.strip())
    (sender,) = message["From"].addresses
    assert sender.display_name == "Brise, Été & Fils"
    assert sender.addr_spec == "courrier@xn--t-9fab.example"
    assert message["Message-ID"].endswith("@xn--t-9fab.example>")


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b", "\x00"])
def test_names_and_subjects_cannot_add_headers(
    line_end: str, mailbox: Mailbox, make_app: MakeApp
) -> None:
    make_app(SMTP_URL=mailbox.url)
    evil = f"Eve{line_end}Bcc: eve@evil.example{line_end}{line_end}Boo"
    # PostgreSQL refuses zero bytes in texts; what a form lets through may hold the others.
    name = evil.replace("\x00", "\n")
    account = cast.register(cast.ALICE, first_name=name, last_name=name)
    letter = letters.the(account, "account_created")
    Letter.update(subject=name).where(Letter.id == letter.id).execute()
    queue.drain()
    (message,) = mailbox.letters
    assert message["Bcc"] is None
    assert [found.addr_spec for found in message["To"].addresses] == [account.email]
    assert message["Subject"] == "Eve Bcc: eve@evil.example Boo"
    assert letters.plain(body_of(message, "plain")) == letters.plain(mail.text_of(letter))
    assert mailbox.recipients == [[account.email]]


def test_an_address_cannot_name_a_second_recipient(mailbox: Mailbox, make_app: MakeApp) -> None:
    alice = sent_by(mailbox, make_app)
    letter = letters.the(alice, "account_created")
    letter.recipient = "alice@atelier.example, eve@evil.example"
    letter.account = alice
    assert len(composing.compose(letter, [])["To"].addresses) == 1
