"""Sending e-mails: tried again for hours, once each, and again when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
import time_machine
from flask import Flask

from models import Account, Event, Job, JobStatus, Letter, LetterStatus, Order
from shop import clock as shop_clock
from shop import mail
from shop.jobs import queue
from shop.mail import sending, smtp
from shop.personal_data import erasure
from tests.support import cast, letters, purchases
from tests.support.mailbox import NOWHERE, Mailbox, body_of, sent_by, waiting
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]

# --- Message-ID ------------------------------------------------------------------------------


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


def test_an_email_of_an_erased_account_is_stored_since_nobody_has_its_address(
    make_app: MakeApp, mailbox: Mailbox
) -> None:
    alice = sent_by(mailbox, make_app)
    queue.drain()
    sent = len(mailbox.letters)
    assert erasure.erase(alice, "Asked", by="staff:dora")
    mail.password_changed(Account.get_by_id(alice.id))
    queue.drain()
    assert letters.the(alice, "password_changed").status == LetterStatus.STORED
    assert len(mailbox.letters) == sent


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
