"""After an intrusion: no session goes on, and nothing that an intruder may hold begins one."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from models import Account, Role, StaffSession
from records.accounts import LinkPurpose
from shop.customers import one_time_links, sessions, viewings
from shop.customers.activity_log import UNKNOWN
from shop.customers.two_factor import pending_sign_in
from shop.staff import accounts, sign_in
from shop.staff import sessions as staff_sessions
from tests.support import cast, staff


def test_every_session_ends_and_what_begins_one_is_void(app: Flask, alice: Account) -> None:
    member = staff.member(Role.SUPPORT)
    own, of_staff = sessions.start_session(alice, UNKNOWN), staff.session_of(member)
    seen = viewings.start_viewing(alice, "Asked", by=member.actor, origin=UNKNOWN)
    waiting = pending_sign_in.begin_pending(alice)
    waiting_at_desk = sign_in.begin_sign_in(member.login, cast.PASSWORD, staff.HERE)
    reset = one_time_links.new_link(alice, LinkPurpose.PASSWORD_RESET, timedelta(hours=1))
    _, invitation = accounts.add("lea@nuage.example", Role.BILLING)
    running = StaffSession.select().count() + 1
    run = app.test_cli_runner().invoke
    said = run(args=["accounts", "end-sessions", "--all"]).output
    assert said == f"{running} session(s) ended.\n"
    assert sessions.find_session(own) is None
    found = staff_sessions.find_staff_session(of_staff)
    assert found is not None
    assert not staff_sessions.is_active(found)
    assert viewings.find_viewing(seen) is None
    assert pending_sign_in.pending_account(waiting) is None
    assert sign_in.find_pending(waiting_at_desk) is None
    assert one_time_links.find_link(reset, LinkPurpose.PASSWORD_RESET) is None
    assert accounts.find_invitation(invitation) is None
