"""A member of staff changes their own password."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from models import StaffAccount, StaffLetter, StaffSession
from shop import clock
from shop.customers import passwords
from shop.errors import Conflict
from shop.staff import accounts, sessions
from tests.support import cast, staff
from tests.support.client import browser
from web import cookies

ADDRESS = "/desk/account/password"
NEW = {"password": "Un-autre-mot-9", "password_confirmation": "Un-autre-mot-9"}


def is_right(member: StaffAccount, password: str) -> bool:
    return passwords.matches(StaffAccount.get_by_id(member.id).password_hash, password)


def test_a_member_changes_their_password_and_ends_their_other_sessions(app: Flask) -> None:
    client, other = browser(app), browser(app)
    member = staff.sign_in(client)
    other.set_cookie(cookies.name_of("shop_staff"), staff.session_of(member, step=1))
    assert ADDRESS in client.get("/desk/account").text
    assert client.get(ADDRESS).status_code == 200
    answer = client.ask("POST", ADDRESS, NEW)
    assert answer.location == "/desk/account"
    assert "Le mot de passe est changé." in client.get("/desk/account").text
    assert other.get("/desk/account").status_code == 303
    assert is_right(member, NEW["password"])
    assert StaffLetter.select().where(StaffLetter.staff == member).count() == 3


def test_a_password_that_cannot_be_is_refused_at_its_field(app: Flask) -> None:
    client = browser(app)
    member = staff.sign_in(client)
    for password, confirmation in (("short", "short"), (NEW["password"], "Another-9"), ("", "")):
        typed = {"password": password, "password_confirmation": confirmation}
        assert client.ask("POST", ADDRESS, typed).status_code == 422
    assert is_right(member, cast.PASSWORD)


def test_it_asks_who_signed_in_long_ago_to_sign_in_again(app: Flask) -> None:
    client = browser(app)
    member = staff.sign_in(client)
    before = clock.now() - sessions.CONFIRMATION_VALIDITY - timedelta(minutes=1)
    StaffSession.update(created_at=before).execute()
    asked = f"/desk/account/confirmation?next={ADDRESS}"
    assert client.get(ADDRESS).location == asked
    assert client.ask("POST", ADDRESS, NEW).location == asked
    assert is_right(member, cast.PASSWORD)


def test_a_member_who_was_reset_meanwhile_changes_nothing(app: Flask) -> None:
    member = staff.member()
    found = sessions.find_staff_session(staff.session_of(member))
    assert found is not None
    accounts.reset(member)
    with pytest.raises(Conflict):
        accounts.change_password(found, *NEW.values())
    assert StaffAccount.get_by_id(member.id).is_invited
