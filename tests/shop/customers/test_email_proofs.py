"""E-mails to addresses that nobody has proved to be theirs, and what bounds their number."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import Account, Job, JobStatus, Letter, LetterStatus, Order
from shop import mail
from shop.customers import email_proofs, password_changes, profile
from shop.customers.activity_log import UNKNOWN
from shop.errors import Refusal
from shop.jobs import queue
from shop.mail import sending
from shop.orders import orders
from shop.security.rate_limits import RateLimited
from shop.text.names import read_name
from tests.support import cast, letters, purchases
from tests.support.client import browser
from tests.support.mailbox import Mailbox
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]

REGISTRATION = {
    **{name: value for name, value in cast.ALICE.items() if name != "language"},
    "first_name": "Cheap pills",
    "password": cast.PASSWORD,
    "password_confirmation": cast.PASSWORD,
}


@pytest.fixture
def shop(make_app: MakeApp, mailbox: Mailbox) -> Flask:
    """A shop that sends e-mails and counts attempts."""
    return make_app(SMTP_URL=mailbox.url, RATE_LIMITS="on")


def register(shop: Flask) -> tuple[Visitor, Account]:
    """Register by the page with alice's address; return the signed-in browser, and the account."""
    visitor = Visitor(browser(shop))
    assert visitor.client.ask("POST", "/fr/order/account", REGISTRATION).status_code == 303
    return visitor, Account.select().order_by(Account.id.desc()).get()


def proof_link(account: Account) -> str:
    html = mail.html_of(letters.the(account, "email_proof"))
    found = re.search(r"/fr/email-address/[\w-]{40,}", html)
    assert found
    return found[0]


def test_a_stranger_gets_one_confirmation_and_nothing_else(shop: Flask, mailbox: Mailbox) -> None:
    visitor, account = register(shop)
    purchases.place(account, purchases.basket(business=1))
    password_changes.change_password(account, "Another-Horse-8")
    visitor.client.ask("POST", "/fr/password", {"identifier": account.nic_handle})
    queue.drain()
    sent = {message["Subject"] for message in mailbox.letters}
    assert sent == {"Confirmez votre adresse e-mail"}
    assert all(str(message["To"]) == account.email for message in mailbox.letters)
    for message in mailbox.letters:
        text = message.get_body(("plain",)).get_content()
        html = message.get_body(("html",)).get_content()
        assert "pills" not in text + html + str(message["To"]).casefold()


def test_what_waits_is_sent_once_the_link_was_followed(shop: Flask, mailbox: Mailbox) -> None:
    visitor, account = register(shop)
    purchases.place(account, purchases.basket(business=1))
    queue.drain()
    visitor.open("/manager/account/emails")
    assert visitor.sees("Confirmez votre adresse e-mail")
    assert visitor.sees("En attente de votre confirmation")
    visitor.open(proof_link(account))
    assert len(mailbox.letters) == 1, "opening the link proves nothing, as mail scanners do it"
    visitor.press("Confirmer cette adresse")
    queue.drain()
    kinds = {letter.kind for letter in Letter.select().where(Letter.status == LetterStatus.SENT)}
    assert kinds == {"email_proof", "account_created", "order_placed"}
    assert len(mailbox.letters) == 3
    visitor.open("/manager/account/emails")
    assert not visitor.sees("Renvoyer le lien")
    assert not visitor.sees("En attente de votre confirmation")
    visitor.open("/manager/account/activity")
    assert visitor.sees("L’adresse e-mail a été confirmée")


def test_the_link_works_once_and_without_a_sign_in(shop: Flask) -> None:
    _, account = register(shop)
    stranger, link = Visitor(browser(shop)), proof_link(account)
    stranger.open(link)
    stranger.press("Confirmer cette adresse")
    assert Account.get_by_id(account.id).email_proved_at
    assert stranger.client.get(link).status_code == 410


def test_a_link_to_an_earlier_address_proves_nothing(shop: Flask) -> None:
    visitor, account = register(shop)
    link = proof_link(account)
    Account.update(email="other@atelier.example").where(Account.id == account.id).execute()
    assert visitor.client.get(link).status_code == 410


def test_the_link_is_sent_again_three_times_a_day_at_most(
    shop: Flask, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    visitor, account = register(shop)
    for _ in range(4):
        visitor.client.ask("POST", "/manager/account/email-address/proofs")
        password_changes.send_reset_links(account.nic_handle, "http://localhost")
    letter = letters.the(account, "email_proof")
    visitor.client.ask("POST", f"/manager/account/emails/{letter.id}/sendings")
    queue.drain()
    assert len(mailbox.letters) == 3
    clock.shift(timedelta(days=1, minutes=1))
    visitor.log_in(account)
    visitor.client.ask("POST", "/manager/account/email-address/proofs")
    assert Letter.select().where(Letter.kind == "email_proof").count() == 4


def test_a_letter_written_during_the_proof_is_sent(shop: Flask, mailbox: Mailbox) -> None:
    """A job that read the account before the proof is still running when the letters are sent."""
    _, account = register(shop)
    queue.drain()
    letter = letters.the(account, "account_created")
    job = _job_of(letter)
    Job.update(status=JobStatus.RUNNING).where(Job.id == job.id).execute()
    link = email_proofs.find_link(proof_link(account).rpartition("/")[2])
    assert link
    assert email_proofs.confirm(link, UNKNOWN)
    with pytest.raises(queue.Later):
        sending.release_letters(account.id)
    Job.update(status=JobStatus.DONE).where(Job.id == job.id).execute()
    sending.release_letters(account.id)
    queue.drain()
    assert Letter.get_by_id(letter.id).status == LetterStatus.SENT


def _job_of(letter: Letter) -> Job:
    jobs = Job.select().where(Job.kind == "send_letter")
    return next(job for job in jobs if job.payload == {"letter": letter.id})


def test_another_address_proves_itself_and_gets_what_waited(shop: Flask, mailbox: Mailbox) -> None:
    _, account = register(shop)
    queue.drain()
    profile.change_email(account, "right@atelier.example", UNKNOWN)
    queue.drain()
    told = [(str(message["To"]), message["Subject"]) for message in mailbox.letters]
    assert told[0] == (cast.ALICE["email"], "Confirmez votre adresse e-mail")
    assert len(told) == 2
    assert "right@atelier.example" in told[1][0], "and nothing told the address of a stranger"


@pytest.mark.parametrize("kind", ["proved", "unproved"])
@pytest.mark.every_case
def test_accounts_of_an_address_are_bounded(
    app: Flask, clock: time_machine.Traveller, kind: str
) -> None:
    most = email_proofs.MOST_PROVED if kind == "proved" else email_proofs.MOST_UNPROVED
    for _ in range(most):
        cast.register(cast.ALICE)
    if kind == "unproved":
        Account.update(email_proved_at=None).execute()
    with pytest.raises(Refusal) as refused:
        cast.register(cast.ALICE, email="ALICE@atelier.example")
    assert refused.value.field == "email"
    cast.register(cast.BOB)
    with pytest.raises(Refusal):
        profile.request_email_change(
            Account.get(Account.email == cast.BOB["email"]), cast.ALICE["email"], "", UNKNOWN
        )
    clock.shift(timedelta(days=1, minutes=1))
    if kind == "unproved":
        assert cast.register(cast.ALICE), "strangers do not keep the owner out for ever"


def test_links_to_a_new_address_are_bounded(
    make_app: MakeApp, alice: Account, bob: Account
) -> None:
    make_app(RATE_LIMITS="on")
    for who in (alice, bob, alice):
        profile.request_email_change(who, "stranger@elsewhere.example", "", UNKNOWN)
    with pytest.raises(RateLimited):
        profile.request_email_change(bob, "stranger@elsewhere.example", "", UNKNOWN)


def test_unpaid_orders_are_bounded(alice: Account, bob: Account) -> None:
    for _ in range(10):
        purchases.place(alice, purchases.basket(business=1))
    with pytest.raises(Refusal, match="orders to pay"):
        purchases.place(alice, purchases.basket(business=1))
    assert Order.select().where(Order.account == alice).count() == 10
    assert purchases.place(bob, purchases.basket(business=1))
    orders.cancel_order(Order.get(Order.account == alice), by=alice.nic_handle)
    assert purchases.place(alice, purchases.basket(business=1))


def test_emails_to_an_address_are_bounded_by_the_hour(
    shop: Flask, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    alice = cast.register(cast.ALICE)
    queue.drain()
    monkeypatch.setattr(sending, "MOST_PER_HOUR", 3)
    for number in range(3):
        password_changes.change_password(alice, f"Another-Horse-{number}")
    queue.drain()
    assert len(mailbox.letters) == 3
    mail.password_reset(alice, "http://localhost/fr/password/x", "x")
    queue.drain()
    assert len(mailbox.letters) == 4, "links that customers wait for are not delayed"
    clock.shift(timedelta(minutes=61))
    queue.drain()
    assert len(mailbox.letters) == 5


@pytest.mark.parametrize(
    "name",
    [
        "https://evil.example",
        "Win at www.evil.example",
        "evil.example/prize",
        "HTTP://x",
        "a.fr?x=1",
    ],
)
def test_names_hold_no_links(name: str) -> None:
    with pytest.raises(Refusal, match="web address"):
        read_name(name, "first_name")


@pytest.mark.parametrize(
    "name", ["Booking.com", "St. John", "J.R.R. Tolkien", "A/B Conseil", "M.Dupont"]
)
def test_names_of_companies_and_people_are_not_refused_as_links(name: str) -> None:
    assert read_name(name, "company") == name
