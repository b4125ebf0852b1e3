"""E-mails whose acceptance is unknown: one further attempt at most, and the customer is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import Account, Letter, LetterStatus
from shop import mail
from shop.jobs import queue
from shop.mail import sending, smtp
from tests.support import cast, letters
from tests.support.client import browser
from tests.support.mailbox import Mailbox
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]


def the_letter(alice: Account) -> Letter:
    return letters.the(alice, "account_created")


def work_for_hours(clock: time_machine.Traveller) -> None:
    for _ in range(6):
        queue.drain()
        clock.shift(timedelta(hours=1))


def test_an_email_whose_answers_are_lost_goes_out_twice_at_most(
    mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller
) -> None:
    visitor = Visitor(browser(make_app(SMTP_URL=mailbox.url)))
    alice = cast.register(cast.ALICE)
    mailbox.lost_answers = 99
    work_for_hours(clock)
    assert len(mailbox.letters) == 2
    first, second = mailbox.letters
    assert first["Message-ID"] == second["Message-ID"]
    letter = the_letter(alice)
    assert (letter.status, letter.unconfirmed) == (LetterStatus.SENT, 2)
    visitor.log_in(alice)
    visitor.open("/manager/account/emails")
    assert visitor.sees("Envoyé, sans confirmation")
    visitor.open(f"/manager/account/emails/{letter.id}")
    assert visitor.sees("S’il ne vous est pas parvenu, renvoyez-le.")
    # Asked for again it is another e-mail, of which nothing is unknown.
    mailbox.lost_answers = 0
    visitor.press("Renvoyer")
    queue.drain()
    assert len(mailbox.letters) == 3
    letter = the_letter(alice)
    assert (letter.status, letter.unconfirmed) == (LetterStatus.SENT, 0)
    visitor.open("/manager/account/emails")
    assert not visitor.sees("Envoyé, sans confirmation")


def test_the_list_says_that_an_email_may_have_come_twice(
    mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller
) -> None:
    visitor = Visitor(browser(make_app(SMTP_URL=mailbox.url)))
    alice = cast.register(cast.ALICE | {"language": "en"})
    mailbox.lost_answers = 1
    queue.drain()
    assert (the_letter(alice).status, the_letter(alice).unconfirmed) == (LetterStatus.QUEUED, 1)
    work_for_hours(clock)
    assert len(mailbox.letters) == 2
    assert (the_letter(alice).status, the_letter(alice).unconfirmed) == (LetterStatus.SENT, 1)
    visitor.log_in(alice)
    visitor.open("/manager/account/emails")
    assert visitor.sees("Sent, perhaps twice")
    visitor.open(f"/manager/account/emails/{the_letter(alice).id}")
    assert visitor.sees("you may have received it twice")


def test_a_server_that_takes_long_after_the_data_gets_one_email(
    mailbox: Mailbox, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 0.5)
    mailbox.delay = 1.0
    make_app(SMTP_URL=mailbox.url)
    alice = cast.register(cast.ALICE)
    queue.drain()
    assert (the_letter(alice).status, the_letter(alice).unconfirmed) == (LetterStatus.SENT, 0)
    assert len(mailbox.letters) == 1
    assert smtp.DATA_TIMEOUT >= 600


def test_control_with_less_patience_it_gets_two(
    mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(smtp, "DATA_TIMEOUT", 0.1)
    mailbox.delay = 0.5
    make_app(SMTP_URL=mailbox.url)
    alice = cast.register(cast.ALICE)
    work_for_hours(clock)
    assert (the_letter(alice).status, the_letter(alice).unconfirmed) == (LetterStatus.SENT, 2)


@pytest.mark.parametrize("refusal", ["451 4.3.0 later", "552 5.3.4 too big"])
def test_a_refused_email_does_not_count_as_unconfirmed(
    refusal: str, mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller
) -> None:
    mailbox.refusal = refusal
    make_app(SMTP_URL=mailbox.url)
    alice = cast.register(cast.ALICE)
    for _ in range(3):
        queue.drain()
        clock.shift(timedelta(hours=1))
        assert (the_letter(alice).status, the_letter(alice).unconfirmed) == (LetterStatus.QUEUED, 0)
    mailbox.refusal = ""
    queue.drain()
    assert (the_letter(alice).status, the_letter(alice).unconfirmed) == (LetterStatus.SENT, 0)
    assert len(mailbox.letters) == 1


def test_a_worker_killed_after_the_data_leaves_one_further_attempt(
    mailbox: Mailbox, make_app: MakeApp, clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make_app(SMTP_URL=mailbox.url)
    alice = cast.register(cast.ALICE)
    letter = the_letter(alice)

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    for attempt in (1, 2):
        with monkeypatch.context() as patched:
            patched.setattr(sending.transitions, "move", die)
            with pytest.raises(Killed):
                sending.send_letter(letter=letter.id)
        assert the_letter(alice).unconfirmed == attempt
    sending.send_letter(letter=letter.id)
    assert len(mailbox.letters) == 2
    assert (the_letter(alice).status, the_letter(alice).unconfirmed) == (LetterStatus.SENT, 2)


def test_two_workers_with_one_email_send_it_once(
    mailbox: Mailbox, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_app(SMTP_URL=mailbox.url)
    letter = the_letter(cast.register(cast.ALICE))
    deliver = smtp.deliver

    def after_the_other(url: str, message: object, before_end: Callable[[], None]) -> None:
        monkeypatch.setattr(smtp, "deliver", deliver)
        sending.send_letter(letter=letter.id)
        Letter.update(unconfirmed=1).execute()
        deliver(url, message, before_end)

    monkeypatch.setattr(smtp, "deliver", after_the_other)
    with pytest.raises(queue.Later):
        sending.send_letter(letter=letter.id)
    assert len(mailbox.letters) == 1


@pytest.mark.one_database
def test_dots_that_begin_a_line_are_doubled() -> None:
    assert smtp._dotted(b".a\n..b\rc.\r\n.") == b"..a\r\n...b\r\nc.\r\n..\r\n"
    assert smtp._dotted("a") == b"a\r\n"


def test_an_email_with_dots_arrives_unchanged(mailbox: Mailbox, make_app: MakeApp) -> None:
    make_app(SMTP_URL=mailbox.url)
    alice = cast.register(cast.ALICE)
    Letter.update(text=".\n..\n.end\n\nline\n").execute()
    queue.drain()
    (message,) = mailbox.letters
    assert message.get_body(("plain",)).get_content().splitlines()[:3] == [".", "..", ".end"]
    assert mail.text_of(the_letter(alice)).startswith(".\n..\n")
