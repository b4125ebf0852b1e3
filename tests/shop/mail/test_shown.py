"""E-mails as a customer sees them: no scripts, nobody else's, no link, no outdated password."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest
from flask import Flask

from models import Account, Letter, Seat
from shop import mail
from shop.jobs import queue
from shop.licences import seats
from tests.support import cast, exchange, groups, letter_causes, letters
from tests.support.client import browser
from tests.support.mailbox import Mailbox, body_of
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]

LINKS = ["email_confirmation", "email_proof", "password_reset", "termination_link"]
OUTDATED = "Un e-mail plus récent concerne cette licence"

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
