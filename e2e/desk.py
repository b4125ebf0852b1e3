"""The desk in browser tests: members of staff, signed in without its pages."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from playwright.sync_api import Page, expect

from e2e.journey import Journey
from e2e.live import LiveShop
from tooling.report import ROOT

SIGN_IN = """
import sys
import app
from desk import access
from shop.sandbox_link import test_points
from tests.support import staff
from web import cookies

role, language, email = sys.argv[1:]
with app.create_app().app_context():
    test_points.follow_clock()  # the clock may have been moved on
    member = staff.member(role, language, email)
    print(cookies.name_of(access.COOKIE), staff.session_of(member))
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


def invited(page: Page, journey: Journey, shop: LiveShop, email: str) -> str:
    """Add a member of staff; return the link of the invitation."""
    sign_in(page, shop, "administrator", journey.language)
    page.goto("/desk/staff")
    journey.link("Ajouter un membre de l’équipe", "Add a member of staff").click()
    journey.field("Adresse e-mail", "Email address").fill(email)
    journey.field("Motif", "Reason").fill("Hired")
    journey.button("Poursuivre", "Continue").click()
    journey.button("Ajouter", "Add").click()
    expect(page.locator(".copyable-value")).to_have_text(re.compile("/desk/invitation/"))
    return page.locator(".copyable-value").inner_text()
