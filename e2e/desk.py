"""The desk in browser tests: members of staff, signed in without its pages."""

from __future__ import annotations

import os
import subprocess
import sys

from playwright.sync_api import Page

from e2e.live import LiveShop
from tooling.report import ROOT

SIGN_IN = """
import sys
import app
from desk import access
from shop.customers.activity_log import Origin
from shop.sandbox_link import test_points
from shop.staff import sessions
from tests.support import cast, staff
from web import cookies

role, language, email = sys.argv[1:]
with app.create_app().app_context():
    test_points.follow_clock()  # the clock may have been moved on
    member = staff.member(role, language, email)
    name, code = cookies.name_of(access.COOKIE), staff.code_of(member)
    print(name, sessions.sign_in(member.login, cast.PASSWORD, code, Origin("127.0.0.1")))
"""


def sign_in(page: Page, shop: LiveShop, role: str, language: str) -> str:
    """Sign a new member of staff in to the browser of ``page``; return their e-mail address."""
    email = f"{role}.{os.urandom(3).hex()}@nuage.example"
    done = subprocess.run(
        [sys.executable, "-c", SIGN_IN, role, language, email],
        cwd=ROOT, env={**os.environ, **shop.variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    name, token = done.stdout.split()[-2:]
    page.context.add_cookies([{"name": name, "value": token, "url": shop.url}])
    return email
