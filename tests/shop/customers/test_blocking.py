"""Blocked accounts, and sessions that the operator ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from models import Account, Letter
from records.accounts import LinkPurpose
from shop.customers import blocking, one_time_links, password_changes, sessions
from shop.customers.activity_log import UNKNOWN, events_of_account
from shop.customers.password_changes import RESET_LENGTH
from shop.customers.sessions import AccountBlocked
from shop.customers.two_factor import pending_sign_in
from tests.support.visitor import Visitor


def command(app: Flask, *args: str) -> str:
    result = app.test_cli_runner().invoke(args=["accounts", *args])
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def is_inside(visitor: Visitor) -> bool:
    return visitor.client.get("/manager/account").status_code == 200


def test_a_blocked_account_cannot_be_signed_in_to(
    app: Flask, visitor: Visitor, alice: Account
) -> None:
    visitor.log_in(alice)
    assert is_inside(visitor)
    assert command(app, "block", alice.nic_handle) == f"{alice.nic_handle} is blocked.\n"
    assert not is_inside(visitor)
    visitor.log_in(alice)
    assert visitor.response.status_code == 403
    assert visitor.sees("Ce compte est bloqué. Écrivez à notre service client")
    assert visitor.sees("facturation@example.com."), (
        "who is kept out of all pages finds no other way"
    )
    assert not is_inside(visitor)
    assert "already" in command(app, "block", alice.nic_handle)
    assert command(app, "unblock", alice.nic_handle) == f"{alice.nic_handle} can log in again.\n"
    assert "not blocked" in command(app, "unblock", alice.nic_handle)
    visitor.log_in(alice)
    assert is_inside(visitor)
    kinds = [event.kind for event in events_of_account(alice)]
    assert kinds.count("account_blocked") == kinds.count("account_unblocked") == 1


def test_a_wrong_password_does_not_tell_that_an_account_is_blocked(
    visitor: Visitor, alice: Account
) -> None:
    blocking.block(alice)
    visitor.log_in(alice, password="wrong")
    assert visitor.response.status_code == 422
    assert not visitor.sees("Ce compte est bloqué")


def test_links_and_pending_sign_ins_end_with_a_block(alice: Account) -> None:
    pending = pending_sign_in.begin_pending(alice)
    reset = one_time_links.new_link(alice, LinkPurpose.PASSWORD_RESET, RESET_LENGTH)
    known = Account.get_by_id(alice.id)
    blocking.block(alice)
    assert pending_sign_in.pending_account(pending) is None
    assert password_changes.find_reset(reset) is None
    for begin in (pending_sign_in.begin_pending, lambda who: sessions.start_session(who, UNKNOWN)):
        with pytest.raises(AccountBlocked):
            begin(known)


@pytest.mark.parametrize("is_blocked", [True, False])
def test_a_reset_link_is_sent_unless_the_account_is_blocked(
    alice: Account, drain: Callable[[], int], is_blocked: bool
) -> None:
    if is_blocked:
        blocking.block(alice)
    before = Letter.select().count()
    password_changes.request_reset(alice.email, "203.0.113.1", "http://localhost")
    drain()
    assert Letter.select().count() == before + (0 if is_blocked else 1)


def test_the_operator_ends_sessions_of_one_customer_or_of_all(
    app: Flask, alice: Account, bob: Account
) -> None:
    alices, bobs = (sessions.start_session(who, UNKNOWN) for who in (alice, bob))
    assert command(app, "end-sessions", alice.nic_handle) == "1 session(s) ended.\n"
    assert sessions.find_session(alices) is None
    assert sessions.find_session(bobs) is not None
    assert events_of_account(alice)[0].kind == "all_sessions_ended"
    sessions.start_session(alice, UNKNOWN)
    assert command(app, "end-sessions", "--all") == "2 session(s) ended.\n"
    assert sessions.find_session(bobs) is None


@pytest.mark.parametrize("arguments", [[], ["ab12345-ovh", "--all"]])
def test_ending_sessions_needs_one_customer_or_all(app: Flask, arguments: list[str]) -> None:
    result = app.test_cli_runner().invoke(args=["accounts", "end-sessions", *arguments])
    assert result.exit_code == 2
    assert "Name one customer" in result.output
