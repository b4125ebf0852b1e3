"""What no customer sends: every route answers it with a page, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests import cast
from tests.belongings import Belongings
from tests.client import CheckingClient, browser
from tests.visitor import Visitor

MARK = "<b>hostile</b>"
"""Stands on no page of ours: where it is found, something was not escaped."""

VALUES = {
    "nothing": b"",
    "a negative number": b"-1",
    "a fraction": b"1.5",
    "more than 32 bits": b"4294967296",
    "more than 64 bits": b"18446744073709551616",
    "more than Python reads": b"9" * 4400,
    "digits of another script": "٣".encode(),
    "not a number": b"NaN",
    "a NUL byte": b"a\0b",
    "nothing but a NUL byte": b"\0",
    "invalid UTF-8": b"\xff\xfe\xc3\x28",
    "half a surrogate pair": b"\xed\xa0\x80",
    "a long text": "é".encode() * 700,
    "markup": MARK.encode(),
    "a quotation mark": b'" \' ` x="',
    "a template": b"{{ 7 * 7 }}{% raw %}%(x)s {0}",
    "a header": b"x\r\nSet-Cookie: hostile=1",
    "a path": b"../../../../etc/passwd",
    "an address": b"//evil.example/",
    "text that runs backwards": "\u202eabc\u2066".encode(),
}

NAMES = """
    basket business pro_plus next page q lang
    nic_handle password password_confirmation identifier first_name last_name email company siren
    vat_number street postcode city country accepted total_cents digests store_card
    _external _scheme _anchor _method endpoint self values x
""".split()
"""Every name a form or an address of the shop knows, and some that Flask would understand."""


ENDING = {"manager.log_out", "storefront.choose_password"}
"""What may end alice's session: asked last."""


def clients(app: Flask, alices: Belongings) -> list[CheckingClient]:
    """A stranger's browser, and alice's."""
    both = [browser(app), browser(app)]
    Visitor(both[1]).log_in(alices.account)
    for client in both:
        client.reads_pages = False
    return both


def every_way(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Each way to ask for each route; PDFs are made from the same answers as their pages."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint in ENDING):
        if rule.endpoint != "static" and not str(rule).endswith(".pdf"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def address_of(rule: Rule, alices: Belongings) -> str:
    return alices.secret_addresses.get(rule.endpoint) or alices.address(rule)


def hostile_addresses(rule: Rule, address: str, value: bytes) -> Iterator[str]:
    """The addresses of ``rule`` with one piece of them replaced by ``value``."""
    for index, piece in enumerate(str(rule).split("/")):
        if "<" in piece:
            pieces = address.split("/")
            pieces[index] = re.sub("<.*>", lambda _: quote(value, safe=""), piece)
            yield "/".join(pieces)


def check(response: TestResponse) -> None:
    """No fault (the client sees to that), nothing unescaped, no header of the visitor's making."""
    assert MARK.encode() not in response.data
    assert "hostile" not in response.headers.get("Set-Cookie", "")


every_value = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())


@every_value
def test_every_page_and_form_survives(app: Flask, alices: Belongings, value: bytes) -> None:
    stranger, alice = clients(app, alices)
    asked = "&".join(f"{name}={quote(value)}" for name in NAMES)
    for rule, method in every_way(app):
        address = address_of(rule, alices)
        for client in (stranger, alice):
            form = None if method == "GET" else dict.fromkeys(NAMES, value)
            check(client.ask(method, f"{address}?{asked}", form))
        for other in hostile_addresses(rule, address, value):
            check(alice.ask(method, other))


@every_value
def test_a_registration_survives_any_answer(client: CheckingClient, value: bytes) -> None:
    client.reads_pages = False
    good = cast.CHARLIE | {"password": cast.PASSWORD, "password_confirmation": cast.PASSWORD}
    good |= {"company": "", "siren": "", "vat_number": ""}
    del good["language"]
    for name in good:
        check(client.ask("POST", "/en/order/account", good | {name: value}))


def test_what_no_document_can_hold_is_no_name(client: CheckingClient) -> None:
    for character in "\0\x01\x1b\x7f\uffff":
        answers = {"first_name": f"Al{character}ice"}
        assert client.ask("POST", "/en/order/account", answers).status_code == 400


def test_a_name_pasted_with_its_line_ends_is_one_line(visitor: Visitor) -> None:
    visitor.open("/en/order/account")
    visitor.press("Create my account", first_name=" Anna\r\n\tMaria\n", last_name="")
    assert 'value="Anna Maria"' in visitor.response.text


def test_control_what_is_not_escaped_is_found() -> None:
    with pytest.raises(AssertionError):
        check(TestResponse([MARK.encode()], "200 OK", Headers(), None))
