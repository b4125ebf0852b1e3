"""The mail server: connection as its URL says, trust by certificate."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from models import Job, LetterStatus
from shop.jobs import queue
from shop.mail import smtp
from tests.support import cast, letters
from tests.support.certificates import Certificate, make_certificate
from tests.support.client import browser
from tests.support.mailbox import Mailbox
from tests.support.visitor import Visitor

USER, PASSWORD = "shop@nuage.example", "p@ss:w/rd"
ENCODED = "shop%40nuage.example:p%40ss%3Aw%2Frd"

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Provide a certificate for this machine."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the certificate of this machine trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    return certificate.path


@pytest.fixture
def open_mailbox() -> Iterator[Callable[..., Mailbox]]:
    """Provide a function that starts mail servers with different options."""
    opened: list[Mailbox] = []

    def open_(**ways: object) -> Mailbox:
        box = Mailbox(**ways)
        box.open()
        opened.append(box)
        return box

    yield open_
    for box in opened:
        box.close()


def status_after_sending(make_app: MakeApp, url: str) -> str:
    """Return the status of a new customer's first e-mail after one attempt at ``url``."""
    make_app(SMTP_URL=url)
    alice = cast.register(cast.ALICE)
    queue.drain()
    return letters.the(alice, "account_created").status


def test_starttls(
    open_mailbox: Callable[..., Mailbox], certificate: Certificate, trusted: Path,
    make_app: MakeApp,
) -> None:  # fmt: skip
    box = open_mailbox(starttls=certificate.context)
    url = f"smtp+starttls://localhost:{box.port}"
    assert status_after_sending(make_app, url) == LetterStatus.SENT
    assert box.was_encrypted == [True]


def test_starttls_by_an_option(
    open_mailbox: Callable[..., Mailbox], certificate: Certificate, trusted: Path,
    make_app: MakeApp,
) -> None:  # fmt: skip
    box = open_mailbox(starttls=certificate.context)
    url = f"smtp://localhost:{box.port}?starttls"
    assert status_after_sending(make_app, url) == LetterStatus.SENT
    assert box.was_encrypted == [True]


def test_tls_from_the_first_byte(
    open_mailbox: Callable[..., Mailbox], certificate: Certificate, trusted: Path,
    make_app: MakeApp,
) -> None:  # fmt: skip
    box = open_mailbox(tls=certificate.context)
    url = f"smtps://localhost:{box.port}"
    assert status_after_sending(make_app, url) == LetterStatus.SENT
    assert box.was_encrypted == [True]


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_server_with_an_untrusted_certificate_gets_no_letter(
    way: str, open_mailbox: Callable[..., Mailbox], certificate: Certificate, make_app: MakeApp
) -> None:
    box = open_mailbox(**{way: certificate.context})
    scheme = {"starttls": "smtp+starttls", "tls": "smtps"}[way]
    url = f"{scheme}://localhost:{box.port}"
    assert status_after_sending(make_app, url) == LetterStatus.QUEUED
    assert box.letters == []


def test_a_server_with_a_certificate_for_another_name_gets_no_letter(
    open_mailbox: Callable[..., Mailbox], certificate: Certificate, trusted: Path,
    make_app: MakeApp,
) -> None:  # fmt: skip
    box = open_mailbox(tls=certificate.context)
    url = f"smtps://127.0.0.1:{box.port}"
    assert status_after_sending(make_app, url) == LetterStatus.QUEUED
    assert box.letters == []


def test_a_server_without_starttls_gets_no_unencrypted_letter(
    open_mailbox: Callable[..., Mailbox], trusted: Path, make_app: MakeApp
) -> None:
    box = open_mailbox()
    url = f"smtp+starttls://localhost:{box.port}"
    assert status_after_sending(make_app, url) == LetterStatus.QUEUED
    assert box.letters == []


def test_signing_in_with_an_encoded_password(
    open_mailbox: Callable[..., Mailbox], certificate: Certificate, trusted: Path,
    make_app: MakeApp,
) -> None:  # fmt: skip
    box = open_mailbox(starttls=certificate.context, users={USER: PASSWORD})
    url = f"smtp+starttls://{ENCODED}@localhost:{box.port}"
    assert status_after_sending(make_app, url) == LetterStatus.SENT
    assert box.signed_in == [USER]


def test_a_wrong_password_leaves_the_letter_queued(
    open_mailbox: Callable[..., Mailbox], certificate: Certificate, trusted: Path,
    make_app: MakeApp,
) -> None:  # fmt: skip
    box = open_mailbox(starttls=certificate.context, users={USER: "another"})
    url = f"smtp+starttls://{ENCODED}@localhost:{box.port}"
    assert status_after_sending(make_app, url) == LetterStatus.QUEUED
    assert Job.get(Job.kind == "send_letter").error.startswith("SMTPAuthenticationError: (535,")
    assert box.letters == []


ACCENTED = "josé@exemple.example"


def test_an_accented_address_is_written_to_where_the_server_can(
    mailbox: Mailbox, make_app: MakeApp
) -> None:
    make_app(SMTP_URL=mailbox.url)
    jose = cast.register(cast.ALICE, email=ACCENTED)
    queue.drain()
    assert letters.the(jose, "account_created").status == LetterStatus.SENT
    assert mailbox.recipients == [[ACCENTED]]


def test_an_accented_address_the_server_cannot_write_to_is_not_tried_again_and_said_why(
    open_mailbox: Callable[..., Mailbox], make_app: MakeApp
) -> None:
    box = open_mailbox(ascii_only=True)
    visitor = Visitor(browser(make_app(SMTP_URL=box.url)))
    jose = cast.register(cast.ALICE, email=ACCENTED)
    queue.drain()
    letter = letters.the(jose, "account_created")
    assert letter.status == LetterStatus.FAILED
    assert Job.get(Job.key == f"send_letter:{letter.id}").attempts == 1
    visitor.log_in(jose)
    visitor.open(f"/manager/account/emails/{letter.id}")
    assert visitor.sees("Non envoyé")
    assert visitor.sees("ne peut pas écrire à une adresse qui comporte des lettres accentuées")
    assert box.letters == []


def test_letters_wait_if_the_server_does_not_support_the_senders_address(
    open_mailbox: Callable[..., Mailbox], make_app: MakeApp
) -> None:
    box = open_mailbox(ascii_only=True)
    make_app(SMTP_URL=box.url, MAIL_FROM="Été <été@brise.example>")
    alice = cast.register(cast.ALICE)
    queue.drain()
    assert letters.the(alice, "account_created").status == LetterStatus.QUEUED


@pytest.mark.parametrize("quit_answer", ["421 Closing", "500 What?", ""])
def test_errors_on_quit_do_not_matter(
    quit_answer: str, mailbox: Mailbox, make_app: MakeApp
) -> None:
    mailbox.quit_answer = quit_answer
    assert status_after_sending(make_app, mailbox.url) == LetterStatus.SENT
    assert len(mailbox.letters) == 1


def test_tls_here_is_no_older_than_1_2(certificate: Certificate) -> None:
    assert ssl.create_default_context().minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (b"a\r\n.b\r\n", b"a\r\n..b\r\n"),
        (b".", b"..\r\n"),
        (b"a\n.\rb\r\n.\r\n", b"a\r\n..\r\nb\r\n..\r\n"),
        (b"a.\r\n\r\n..", b"a.\r\n\r\n...\r\n"),
        (b"\r\n.\r\n", b"\r\n..\r\n"),
        ("text\n.", b"text\r\n..\r\n"),
        (b"\r\n\n\r", b"\r\n\r\n\r\n"),
    ],
)
@pytest.mark.one_database
def test_no_line_of_a_message_ends_it(message: str | bytes, sent: bytes) -> None:
    assert smtp._dotted(message) == sent
