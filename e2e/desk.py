"""The desk in browser tests: members of staff, signed in without its pages."""

from __future__ import annotations

import multiprocessing
import os
import re
from typing import Any

from playwright.sync_api import Page, expect

from e2e.journey import Journey
from e2e.live import LiveShop


def sign_in(page: Page, shop: LiveShop, role: str, language: str) -> str:
    """Sign a new member of staff in to the browser of ``page``; return their e-mail address."""
    email = f"{role}.{os.urandom(3).hex()}@nuage.example"
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["e2e.members", __name__])
    answer, answering = forking.Pipe(duplex=False)
    process = forking.Process(
        target=_make_member, args=(dict(shop.variables), role, language, email, answering)
    )
    process.start()
    answering.close()
    name, token = answer.recv()
    process.join()
    page.context.add_cookies([{"name": name, "value": token, "url": shop.url}])
    return email


def _make_member(*given: Any) -> None:
    """Make a member in a process of its own, the only one that imports the shop."""
    from e2e import members

    members.make(*given)


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
