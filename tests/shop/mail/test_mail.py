"""Storing, showing and sending e-mails: once, with retries."""

from __future__ import annotations

import base64
import html
import io
import re
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage

import pypdf
import pytest
import time_machine
from flask import Flask

import models
from models import (
    Account,
    Attachment,
    ContractFile,
    Event,
    Job,
    JobStatus,
    Letter,
    LetterStatus,
    Order,
    Seat,
)
from records.letters import DocumentKind
from shop import clock as shop_clock
from shop import documents, mail, transitions
from shop.jobs import queue
from shop.licences import seats
from shop.mail import archive, composing, sending, smtp
from tests.support import cast, exchange, groups, letter_causes, letters, purchases, racing
from tests.support.client import browser
from tests.support.mailbox import Mailbox
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

LETTER_INDEX = "letter_key"
NOWHERE = "smtp://127.0.0.1:1"
"""A URL at which no mail server answers."""

MakeApp = Callable[..., Flask]


# --- Kept ------------------------------------------------------------------------------------


def waiting(make_app: MakeApp) -> Account:
    """Register Alice in a shop whose mail server is awaited."""
    make_app(SMTP_URL=NOWHERE)
    return cast.register(cast.ALICE)


def test_a_letter_is_stored_once_per_key(make_app: MakeApp) -> None:
    alice = waiting(make_app)
    first = letters.activate(alice)
    assert letters.activate(alice).id == first.id
    assert letters.activate(alice, key="2").id != first.id
    assert Job.select().where(Job.key == f"send_letter:{first.id}").count() == 1


def test_concurrent_writers_store_one_letter(make_app: MakeApp) -> None:
    alice = waiting(make_app)
    outcomes = racing.race(lambda: letters.activate(alice), 20)
    assert len({letter.id for letter in outcomes}) == 1
    assert Letter.select().where(Letter.kind == "licence_active").count() == 1
    assert Job.select().where(Job.kind == "send_letter").count() == 2  # and the first letter's


def test_control_without_the_unique_key_there_are_more(alice: Account) -> None:
    with racing.without_index(LETTER_INDEX):
        racing.race(lambda: letters.activate(alice), 5)
        assert Letter.select().where(Letter.kind == "licence_active").count() > 1
        Letter.delete().execute()


def test_a_letter_is_committed_with_its_cause_or_not_at_all(make_app: MakeApp) -> None:
    alice = waiting(make_app)
    with models.database.atomic() as transaction:
        letters.activate(alice)
        transaction.rollback()
    assert not Letter.select().where(Letter.kind == "licence_active").exists()
    assert Job.select().where(Job.kind == "send_letter").count() == 1


def test_without_a_mail_server_letters_end_as_stored(
    alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice)
    purchases.pay(order, bank)
    created, paid = (letters.the(alice, kind) for kind in ("account_created", "order_placed"))
    assert (created.status, paid.status) == (LetterStatus.STORED, LetterStatus.QUEUED)
    drain()
    assert letters.again(paid).status == LetterStatus.STORED
    assert all(each.content for each in mail.attachments_of(paid)[:1])
    for letter in (created, paid):
        assert [event.name for event in transitions.history(letter)] == ["letter_stored"]


def test_without_a_mail_server_only_papers_are_work(alice: Account) -> None:
    letters.activate(alice)
    assert not Job.select().where(Job.kind == "send_letter").exists()
    letter = letters.the(alice, "account_created")
    assert mail.send_again(letter, by="operator")
    queue.drain()
    assert letters.again(letter).status == LetterStatus.STORED


def test_letters_are_found_newest_first_and_by_subject(alice: Account) -> None:
    order = purchases.place(alice)
    found = list(mail.letters_of(alice))
    assert [letter.kind for letter in found] == ["order_placed", "account_created"]
    assert kinds_found(alice, order.number) == ["order_placed"]
    assert not kinds_found(alice, "nowhere")


@pytest.mark.every_case
@pytest.mark.parametrize("written", ["as shown", "plain spaces", "capitals", "no accents", "NFD"])
def test_letters_are_found_however_the_subject_is_written(
    written: str, alice: Account, bank: Bank, provider: Provider
) -> None:
    letter_causes.licences.service_installed(alice, bank, provider)
    for kind in ("order_placed", "service_installed"):
        subject = letters.the(alice, kind).subject
        plain = unicodedata.normalize("NFD", subject)
        typed = {
            "as shown": subject,
            "plain spaces": subject.replace("\u00a0", " "),
            "capitals": subject.upper(),
            "no accents": "".join(c for c in plain if not unicodedata.combining(c)),
            "NFD": plain,
        }[written]
        assert kinds_found(alice, typed) == [kind]


def kinds_found(account: Account, wanted: str, before: int | None = None) -> list[str]:
    return [letter.kind for letter in mail.search_letters(account, wanted, before).letters]


def test_a_search_examines_a_limited_number_and_can_be_continued(
    alice: Account, bob: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "SEARCH_LIMIT", 2)
    placed = [
        purchases.place(one, purchases.basket(business=1)) for one in (alice, bob, alice, alice)
    ]
    first = mail.search_letters(alice, placed[0].number)
    assert not list(first.letters)
    second = mail.search_letters(alice, placed[0].number, first.before)
    assert [letter.kind for letter in second.letters] == ["order_placed"]
    assert second.before is None
    assert not kinds_found(alice, placed[1].number)


def test_a_search_reads_as_few_of_many_letters_as_of_few(alice: Account) -> None:
    newest = Letter.get(Letter.account == alice)
    row = {name: value for name, value in newest.__data__.items() if name != "id"}
    for start in range(0, 5000, 100):
        Letter.insert_many([row | {"key": f"many:{start + n}"} for n in range(100)]).execute()
    found = mail.search_letters(alice, "nowhere")
    assert not list(found.letters)
    looked_at = Letter.select().where(Letter.account == alice, Letter.id >= found.before)
    assert looked_at.count() == archive.SEARCH_LIMIT


# --- Sent ------------------------------------------------------------------------------------


def sent_by(mailbox: Mailbox, make_app: MakeApp, **environment: str) -> Account:
    """Register Alice in a shop that sends its e-mails to ``mailbox``."""
    make_app(SMTP_URL=mailbox.url, **environment)
    return cast.register(cast.ALICE)


def decoded(message: EmailMessage, header: str) -> str:
    """Return a header as mail programs read it; Python's parser fails on long names."""
    (raw,) = [value for name, value in message.raw_items() if name == header]
    return str(make_header(decode_header(str(raw))))


def body_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


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


def test_a_letter_sent_without_confirmation_is_retried_with_the_same_id(
    mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    alice = sent_by(mailbox, make_app)
    deliver = smtp.deliver

    def deliver_and_lose_the_answer(
        url: str, message: EmailMessage, before_end: Callable[[], None]
    ) -> None:
        deliver(url, message, before_end)
        raise ConnectionResetError("the answer is lost")

    monkeypatch.setattr(smtp, "deliver", deliver_and_lose_the_answer)
    queue.drain()
    assert letters.the(alice, "account_created").status == LetterStatus.QUEUED
    monkeypatch.setattr(smtp, "deliver", deliver)
    clock.shift(timedelta(minutes=1))
    queue.drain()
    first, second = mailbox.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


def test_an_email_sent_again_has_a_new_message_id(
    mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller
) -> None:
    alice = sent_by(mailbox, make_app)
    queue.drain()
    clock.shift(timedelta(days=3))
    assert mail.send_again(letters.the(alice, "account_created"), by=alice.nic_handle)
    queue.drain()
    first, second = mailbox.letters
    assert first["Message-ID"] != second["Message-ID"]
    assert second["Date"].datetime - first["Date"].datetime >= timedelta(days=3)
    assert body_of(first, "plain") == body_of(second, "plain")


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


# --- Shown -----------------------------------------------------------------------------------


def test_a_letter_is_shown_without_running_scripts(visitor: Visitor, alice: Account) -> None:
    visitor.log_in(alice)
    letter = letters.activate(alice)
    response = visitor.open(f"/manager/account/emails/{letter.id}/html")
    assert response.text == mail.html_of(letter)
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "style-src 'unsafe-inline'", "frame-ancestors 'self'"} < set(
        policy
    )
    assert not any("script" in part for part in policy)
    assert any(part.startswith("sandbox") for part in policy)


def test_other_customers_cannot_see_a_letter(
    visitor: Visitor, alice: Account, bob: Account
) -> None:
    visitor.log_in(bob)
    letter = letters.activate(alice)
    for page in ("", "/html"):
        assert visitor.open(f"/manager/account/emails/{letter.id}{page}").status_code == 404


LINKS = ["email_confirmation", "email_proof", "password_reset", "termination_link"]


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_that_proves_who_reads_a_mailbox_is_found_in_that_mailbox_alone(
    kind: str, mailbox: Mailbox, make_app: MakeApp, bank: Bank, provider: Provider
) -> None:
    visitor = Visitor(browser(make_app(SMTP_URL=mailbox.url)))
    alice = cast.register(cast.ALICE)
    queue.drain()  # the welcome is out before the link, which would overtake it
    letter_causes.CAUSES[kind](alice, bank, provider)
    queue.drain()
    letter = letters.the(alice, kind)
    (link,) = [one for one in letters.addresses(mail.text_of(letter)) if len(one) > 60]
    assert link in body_of(mailbox.letters[-1], "plain")
    visitor.log_in(alice)
    shown = visitor.open(f"/manager/account/emails/{letter.id}")
    assert visitor.sees(f"Ce lien n’a été envoyé qu’à {letter.recipient}.")
    assert link not in shown.text
    assert visitor.client.get(f"/manager/account/emails/{letter.id}/html").status_code == 404
    visitor.press("Renvoyer")
    queue.drain()
    assert link in body_of(mailbox.letters[-1], "plain")
    assert mailbox.recipients[-1] == [letter.recipient]


@pytest.mark.parametrize("kind", LINKS)
def test_without_a_mail_server_a_link_is_found_among_the_letters(
    kind: str, visitor: Visitor, alice: Account, bank: Bank, provider: Provider
) -> None:
    letter_causes.CAUSES[kind](alice, bank, provider)
    letter = letters.the(alice, kind)
    visitor.log_in(alice)
    address = f"/manager/account/emails/{letter.id}"
    assert mail.text_of(letter) in html.unescape(visitor.open(address).text)
    assert visitor.open(f"{address}/html").text == mail.html_of(letter)


# --- Passwords that were replaced ------------------------------------------------------------


OUTDATED = "Un e-mail plus récent concerne cette licence"


def is_said_outdated(visitor: Visitor, letter: Letter) -> bool:
    visitor.open(f"/manager/account/emails/{letter.id}")
    return visitor.sees(OUTDATED)


def test_a_letter_says_when_its_password_may_have_been_replaced(
    visitor: Visitor, alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    group = groups.installed(alice, bank)
    seat = groups.configured(group)
    groups.configured(group, 2, groups.ZOE)
    first, others = Letter.select().where(Letter.kind == "licence_active").order_by(Letter.id)
    visitor.log_in(alice)
    assert not is_said_outdated(visitor, first)
    seats.change_password(seat, seat.version, "", by="alice")
    drain()
    second = letters.the(alice, "seat_password_changed")
    assert is_said_outdated(visitor, first)
    assert not is_said_outdated(visitor, second)
    assert not is_said_outdated(visitor, others)
    seat = groups.fresh(seat)
    seats.release(seat, seat.version, by="alice")
    drain()
    assert is_said_outdated(visitor, second)
    assert not is_said_outdated(visitor, letters.the(alice, "licence_released"))
    assert not is_said_outdated(visitor, others)


def test_the_owners_letter_says_so_too(
    visitor: Visitor, alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    exchange.with_card(alice, bank)
    exchange.attached(exchange.service(alice, 1), 1, tells_owner=True)
    letter = letters.the(alice, "licence_for_owner")
    visitor.log_in(alice)
    assert not is_said_outdated(visitor, letter)
    seat = Seat.get()
    seats.change_password(seat, seat.version, "", by="alice")
    drain()
    assert is_said_outdated(visitor, letter)


# --- Not sent --------------------------------------------------------------------------------


def attempts_until(letter: Letter, status: str, traveller: time_machine.Traveller) -> int:
    """Return the number of attempts until ``letter`` had ``status``."""
    for _ in range(sending.ATTEMPTS):
        queue.drain()
        if letters.again(letter).status == status:
            break
        traveller.shift(timedelta(hours=2))
    assert letters.again(letter).status == status
    return int(Job.get(Job.key == f"send_letter:{letter.id}").attempts)


def test_with_the_mail_server_down_orders_succeed_and_letters_can_be_sent_later(
    make_app: MakeApp, mailbox: Mailbox, clock: time_machine.Traveller, app: Flask
) -> None:
    make_app(SMTP_URL=NOWHERE)
    alice = cast.register(cast.ALICE)
    order = purchases.place(alice)
    letter = letters.the(alice, "order_placed")
    queue.drain()
    assert Order.get_by_id(order.id).is_payable
    assert letters.again(letter).status == LetterStatus.QUEUED
    assert attempts_until(letter, LetterStatus.FAILED, clock) == sending.ATTEMPTS
    assert "refused" in letters.again(letter).error.lower()
    assert Event.select().where(Event.name == "letter_failed").count() == 2
    make_app(SMTP_URL=mailbox.url)
    assert mail.send_again(letters.again(letter), by=alice.nic_handle)
    assert letters.again(letter).status == LetterStatus.QUEUED
    queue.drain()
    assert letters.again(letter).status == LetterStatus.SENT
    assert letters.again(letter).error == ""
    assert [message["Subject"] for message in mailbox.letters] == [letter.subject]


def test_the_customer_sees_that_a_letter_waits_failed_and_can_be_sent_again(
    make_app: MakeApp, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    visitor = Visitor(make_app(SMTP_URL=NOWHERE).test_client())
    alice = cast.register(cast.ALICE)
    letter = letters.the(alice, "account_created")
    visitor.log_in(alice)
    visitor.open(f"/manager/account/emails/{letter.id}")
    assert visitor.sees("Envoi en cours")
    attempts_until(letter, LetterStatus.FAILED, clock)
    visitor.log_in(alice)
    visitor.open(f"/manager/account/emails/{letter.id}")
    assert visitor.sees("Non envoyé")
    visitor.press("Renvoyer")
    assert letters.again(letter).status == LetterStatus.QUEUED


def test_a_mailbox_that_does_not_exist_is_not_tried_again(
    mailbox: Mailbox, make_app: MakeApp
) -> None:
    mailbox.unknown = "550 5.1.1 no such mailbox"
    letter = letters.the(sent_by(mailbox, make_app), "account_created")
    queue.drain()
    assert letters.again(letter).status == LetterStatus.FAILED
    assert letters.again(letter).error == "550 5.1.1 no such mailbox"
    assert Job.get(Job.key == f"send_letter:{letter.id}").attempts == 1


@pytest.mark.parametrize("answer", ["450 4.2.1 mailbox busy", "451 4.3.0 later"])
def test_a_mailbox_that_is_busy_is_tried_again(
    answer: str, mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller
) -> None:
    mailbox.unknown = answer
    letter = letters.the(sent_by(mailbox, make_app), "account_created")
    queue.drain()
    assert letters.again(letter).status == LetterStatus.QUEUED
    mailbox.unknown = ""
    clock.shift(timedelta(minutes=1))
    queue.drain()
    assert letters.again(letter).status == LetterStatus.SENT
    assert len(mailbox.letters) == 1


def test_attempts_are_spread_over_hours() -> None:
    total, delay = timedelta(0), sending.FIRST_DELAY
    for _ in range(sending.ATTEMPTS - 1):
        total, delay = total + min(delay, timedelta(hours=1)), delay * 2
    assert timedelta(hours=3) < total < timedelta(hours=6)


# --- Sent again ------------------------------------------------------------------------------


def test_a_queued_letter_is_not_queued_twice(make_app: MakeApp) -> None:
    letter = letters.the(waiting(make_app), "account_created")
    assert not mail.send_again(letter, by="operator")
    assert Event.select().where(Event.name == "letter_queued").count() == 0


def test_a_letter_whose_job_still_runs_does_not_get_stuck(
    mailbox: Mailbox, make_app: MakeApp
) -> None:
    letter = letters.the(sent_by(mailbox, make_app), "account_created")
    queue.drain()
    job = Job.get(Job.key == f"send_letter:{letter.id}")
    Job.update(
        status=JobStatus.RUNNING, lease_until=shop_clock.real_now() + timedelta(seconds=20)
    ).where(Job.id == job.id).execute()
    assert not mail.send_again(letters.again(letter), by="operator")
    assert letters.again(letter).status == LetterStatus.SENT
    Job.update(status=JobStatus.DONE).where(Job.id == job.id).execute()
    assert mail.send_again(letters.again(letter), by="operator")
    queue.drain()
    assert letters.again(letter).status == LetterStatus.SENT


def test_a_letter_whose_job_was_forgotten_is_sent_again(
    mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller
) -> None:
    letter = letters.the(sent_by(mailbox, make_app), "account_created")
    queue.drain()
    clock.shift(timedelta(days=400))
    assert queue.delete_finished(shop_clock.now()) >= 1
    assert mail.send_again(letters.again(letter), by="operator")
    queue.drain()
    assert letters.again(letter).status == LetterStatus.SENT


def test_the_operator_sends_all_failed_letters_again(
    make_app: MakeApp, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    make_app(SMTP_URL=NOWHERE)
    failed = [
        letters.the(cast.register(person), "account_created")
        for person in (cast.ALICE, cast.CHARLIE)
    ]
    for letter in failed:
        attempts_until(letter, LetterStatus.FAILED, clock)
    app = make_app(SMTP_URL=mailbox.url)
    cast.register(cast.BOB)
    result = app.test_cli_runner().invoke(args=["letters", "retry"])
    assert result.output == "2 letter(s) queued again.\n"
    queue.drain()
    assert {letters.again(letter).status for letter in failed} == {LetterStatus.SENT}
    assert len(mailbox.letters) == 3
    result = app.test_cli_runner().invoke(args=["letters", "retry"])
    assert result.output == "0 letter(s) queued again.\n"


# --- Documents that the customer keeps --------------------------------------------------------


def test_the_order_comes_with_the_contracts_that_were_accepted(
    alice: Account, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice, purchases.basket(2))
    drain()
    letter = letters.the(alice, "order_placed")
    attached = archive.attachments_of(letter)
    assert [row.filename for row in attached] == [
        f"bon-de-commande-{order.number}.pdf",
        "conditions-generales-de-service-2.pdf",
        "conditions-particulieres-office-365-1.pdf",
        "contrat-client-microsoft-1.pdf",
    ]
    accepted = {acceptance.contract for acceptance in order.acceptances}
    assert {documents.contract_of(contract) for contract in accepted} == {
        archive.content_of(row) for row in attached[1:]
    }


def test_contracts_are_stored_once_for_all_emails(alice: Account, drain: Callable[[], int]) -> None:
    for _ in range(2):
        purchases.place(alice, purchases.basket(2))
        drain()
    of_contracts = Attachment.select().where(Attachment.document == DocumentKind.CONTRACT)
    assert of_contracts.count() == 6
    assert not of_contracts.where(Attachment.content.is_null(False)).exists()
    assert ContractFile.select().count() == 3


@pytest.mark.parametrize(
    ("line", "indent"), [("", ""), ("  ", "  "), ("- ", "  "), ("1. ", "   "), ("  - ", "    ")]
)
def test_a_long_line_is_wrapped_under_its_beginning(line: str, indent: str) -> None:
    words = [f"{'mot' * (number % 5 + 1)}\N{NARROW NO-BREAK SPACE}!" for number in range(40)]
    words[7] = "https://shop.example/" + "a" * 90
    head, *wrapped = archive._wrap_text(f"Bonjour,\n{line}{' '.join(words)}").splitlines()
    assert (head, wrapped[0][: len(line)]) == ("Bonjour,", line)
    assert " ".join(wrapped)[len(line) :].split() == " ".join(words).split()
    assert all(each.startswith(indent) for each in wrapped[1:])
    assert all(len(each) <= archive.TEXT_WIDTH or words[7] in each for each in wrapped)
    assert max(len(each) for each in wrapped if words[7] not in each) > archive.TEXT_WIDTH - 20
