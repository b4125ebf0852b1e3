"""Members of staff, signed in to a browser of the tests."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from desk import access
from models import Role, StaffAccount, StaffInvitation
from shop.customers.activity_log import Origin
from shop.security import one_time_codes
from shop.staff import accounts, factors
from shop.staff import sign_in as staff_sign_in
from tests.support import cast
from tests.support.belongings import Belongings, filled
from tests.support.client import CheckingClient, browser
from tests.support.devices import BASE, Device
from web import cookies

_numbers = count(1)

HERE = Origin("127.0.0.1")


def member(
    role: Role | str = Role.ADMINISTRATOR, language: str = "fr", email: str = ""
) -> StaffAccount:
    """Return a new member of staff, with `cast.PASSWORD`; their current code is not used yet."""
    email = email or f"{role}.{next(_numbers)}@nuage.example"
    staff, token = accounts.add(email, Role(role), language)
    invitation = accounts.find_invitation(token)
    assert invitation is not None
    assert _accept(invitation)
    return StaffAccount.get_by_id(staff.id)


def _accept(invitation: StaffInvitation) -> bool:
    """Accept an invitation by the previous code, also where it gets too old at this moment."""
    for _ in range(2):
        code = one_time_codes.code_of(accounts.secret_of(invitation.staff), step=-1)
        with suppress(one_time_codes.WrongCode):
            return accounts.accept(invitation, cast.PASSWORD, cast.PASSWORD, code)
    return False


def code_of(staff: StaffAccount, step: int = 0) -> str:
    """Return the code that a member's application shows."""
    return one_time_codes.code_of(accounts.secret_of(staff), step)


def sign_in(
    client: FlaskClient, role: Role | str = Role.ADMINISTRATOR, **more: Any
) -> StaffAccount:
    """Sign a new member of staff of ``role`` in to a browser, without its pages; return them."""
    staff = member(role, **more)
    client.set_cookie(cookies.name_of(access.COOKIE), session_of(staff))
    return staff


def session_of(staff: StaffAccount, step: int = 0) -> str:
    """Sign a member in with `cast.PASSWORD` and a code; return the token of the session."""
    begun = staff_sign_in.begin_sign_in(staff.login, cast.PASSWORD, HERE)
    return staff_sign_in.finish_by_code(begun, code_of(staff, step), HERE)


def passkey_of(staff: StaffAccount, device: Device | None = None, name: str = "Laptop") -> Device:
    """Add a passkey of a member on a device, a new one by default; return the device."""
    device = device or Device()
    ceremony = factors.begin_passkey(staff, BASE)
    answer = device.create(json.loads(ceremony.options))
    factors.add_passkey(staff, answer, ceremony.challenge, name, BASE)
    return device


def desk_of(app: Flask, role: Role | str = Role.ADMINISTRATOR, **more: Any) -> CheckingClient:
    """Return a browser in which a new member of staff of ``role`` is signed in."""
    client = browser(app)
    sign_in(client, role, **more)
    return client


def confirm(client: CheckingClient, address: str, **form: str) -> Any:
    """Do an act whose form is at ``address``: fill it in, confirm it; return the last answer."""
    found = re.search(r'name="key"[^>]*value="([^"]+)"', client.get(address).text)
    assert found, "a form without a key"
    key = found[1]
    values = {"reason": "Asked by telephone", "key": key} | form
    first = client.ask("POST", address, values)
    if first.status_code != 200:
        return first
    return client.ask("POST", address, values | {"confirmed": "yes"})


def address(rule: Rule, alices: Belongings) -> str:
    """Return a URL of a route of the desk that shows or changes something of alice's."""
    return filled(
        str(rule),
        {
            "/customers/<nic>/acts/<name>": "/customers/<nic>/acts/vat-number",
            "<nic>": alices.account.nic_handle,
            "/services/<name>/acts/<act>": f"/services/{alices.group.name}/acts/suspend",
            "/orders/<number>/acts/<act>": f"/orders/{alices.unpaid.number}/acts/extend",
            "/orders/<number>": f"/orders/{alices.delivered.number}",
            "/documents/<number>/<name>": f"/documents/{alices.invoice.number}/credit",
            "/documents/<number>": f"/documents/{alices.invoice.number}",
            "/staff/emails/<int:letter_id>": "/staff/emails/1",
            "/emails/<int:letter_id>": f"/emails/{alices.document.letter_id}",
            "/money/acts/<int:number>/<name>": "/money/acts/1/confirm",
            "/statements/<int:number>/<name>": "/statements/1/record",
            "/staff/<login>/<name>": "/staff/nobody/role",
            "<login>": "nobody",
            "<token>": "nothing",
            "/contracts/<kind>/new": "/contracts/general_terms/new",
            "<int:number>": "1",
            "<int:notice_id>": "1",
            "<int:price_id>": "1",
        },
    )
