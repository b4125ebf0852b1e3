"""One customer's whole order, over HTTP as a browser without JavaScript makes it."""

from __future__ import annotations

import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import html5lib
import httpx

PATIENCE = 120.0
"""Seconds after which an order that is not delivered counts as lost."""

POLL = 0.5
PASSWORD = "Bench-Secret-2026"


class JourneyFailed(Exception):
    """A step did not lead where it should: the run is worth nothing."""


@dataclass
class Timings:
    """How long each step took, in seconds, in the order the steps were first taken."""

    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def take(self, name: str, act: Callable[[], httpx.Response]) -> httpx.Response:
        """Do one step and note its time; a server's error ends the run."""
        began = time.perf_counter()
        answer = act()
        self.steps[name].append(time.perf_counter() - began)
        if answer.status_code >= 400:
            raise JourneyFailed(f"{name}: {answer.status_code} at {answer.url}")
        return answer


def form_of(answer: httpx.Response, holding: str) -> tuple[str, dict[str, str]]:
    """Where the form with a field ``holding`` goes, and what it holds already."""
    page = html5lib.parse(answer.text, namespaceHTMLElements=False)
    for form in page.iter("form"):
        fields = {
            entry.get("name"): _value(entry)
            for entry in form.iter()
            if entry.tag in {"input", "select"} and entry.get("name")
        }
        boxes = {e.get("name") for e in form.iter("input") if e.get("type") == "checkbox"}
        if holding in fields or (form.get("action") or "").endswith(holding):
            kept = {name: value for name, value in fields.items() if name not in boxes}
            return str(answer.url.join(form.get("action") or "")), kept
    raise JourneyFailed(f"no form with {holding!r} at {answer.url}")


def _value(entry: html5lib.treebuilders.base.Node) -> str:
    if entry.tag == "select":
        chosen = [option for option in entry.iter("option") if option.get("selected") is not None]
        return str(chosen[0].get("value")) if chosen else ""
    return str(entry.get("value") or "")


def travel(shop: str, timings: Timings) -> None:
    """Order, register, confirm, pay at the sandbox bank, and wait until it is delivered.

    Raises `JourneyFailed` where a step goes wrong.
    """
    with httpx.Client(base_url=shop, follow_redirects=True, timeout=60) as browser:
        began = time.perf_counter()
        timings.take("home", lambda: browser.get("/fr/"))
        order = timings.take("order page", lambda: browser.get("/fr/order"))
        summary = _send(browser, timings, "quantities", order, "business", business="3")
        identification = _follow(browser, timings, "summary", summary, "/order/contracts")
        register = str(identification.url).replace("/identification", "/account")
        account = timings.take("account form", lambda: browser.get(register))
        contracts = _send(browser, timings, "register", account, "first_name", **_person())
        bought = _send(browser, timings, "confirm", contracts, "accepted", accepted="yes")
        bank = _send(browser, timings, "to the bank", bought, "store_card")
        _send(browser, timings, "pay", bank, *_card_field(bank), **_card(bank))
        _wait_until_delivered(browser, timings, str(bought.url))
        timings.steps["whole journey"].append(time.perf_counter() - began)


def _send(
    browser: httpx.Client,
    timings: Timings,
    name: str,
    shown: httpx.Response,
    holding: str,
    **values: str,
) -> httpx.Response:
    target, kept = form_of(shown, holding)
    return timings.take(name, lambda: browser.post(target, data=kept | values))


def _follow(
    browser: httpx.Client, timings: Timings, name: str, shown: httpx.Response, action: str
) -> httpx.Response:
    target, kept = form_of(shown, action)
    return timings.take(name, lambda: browser.get(target, params=kept))


def _person() -> dict[str, str]:
    return {
        "first_name": "Bench",
        "last_name": "Marque",
        "email": f"bench-{secrets.token_hex(6)}@example.com",
        "password": PASSWORD,
        "password_confirmation": PASSWORD,
        "street": "1 rue du Banc",
        "postcode": "59000",
        "city": "Lille",
        "country": "FR",
    }


def _card_field(bank: httpx.Response) -> tuple[str]:
    return (_names(bank)[0],)


def _card(bank: httpx.Response) -> dict[str, str]:
    number, expiry, code = _names(bank)
    return {number: "4242424242424242", expiry: "12/34", code: "123"}


def _names(bank: httpx.Response) -> list[str]:
    """The bank's fields for number, expiry and code, in the order its page shows them."""
    page = html5lib.parse(bank.text, namespaceHTMLElements=False)
    shown = [e for e in page.iter("input") if e.get("type") not in {"hidden", "checkbox"}]
    if len(shown) != 3:
        raise JourneyFailed(f"no card form at {bank.url}")
    return [str(entry.get("name")) for entry in shown]


def _wait_until_delivered(browser: httpx.Client, timings: Timings, order: str) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        shown = timings.take("look at the order", lambda: browser.get(order))
        if re.search(r"Finalisée", shown.text):
            timings.steps["paid until delivered"].append(time.perf_counter() - began)
            return
        time.sleep(POLL)
    raise JourneyFailed(f"not delivered after {PATIENCE:g} s: {order}")
