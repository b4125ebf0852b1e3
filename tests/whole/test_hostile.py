"""Hostile input: every route answers it with a page, on both databases."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote

import pytest
from flask import Flask, Request
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect, Rule
from werkzeug.test import TestResponse

from tests.support import cast, staff
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor
from tests.whole.test_routes import AUDIENCES

MARK = "<b>hostile</b>"
"""Markup that no page of ours has: a page that contains it did not escape it."""

VALUES: dict[str, list[bytes]] = {
    "beyond a database": [
        b"4294967296",
        b"18446744073709551616",
        b"a\0b",
        b"\xed\xa0\x80",  # half a surrogate pair
        "\u00e9".encode() * 300,
    ],
    "numbers": [
        b"-1",
        b"1.5",
        b"9" * 4400,  # more digits than Python converts
        "\u0663".encode(),  # a digit of another script
        b"NaN",
    ],
    "bytes": [
        b"\0",
        b"\xff\xfe\xc3\x28",  # not UTF-8
        "\u202eabc\u2066".encode(),  # right-to-left text
    ],
    "texts": [b"", b"{{ 7 * 7 }}{% raw %}%(x)s {0}"],
    "ways out": [
        MARK.encode(),
        b'" \' ` x="',
        b"x\r\nSet-Cookie: hostile=1",
        b"../../../../etc/passwd",
        b"//evil.example/",
    ],
}

READS = re.compile(r'(?:args|form|values|given|asked)(?:\.get|\.getlist)?[(\[]\s*"(\w+)"')
FIELD = re.compile(r"^    (\w+) = \w*(?:Field|_text|_password|_field)\(", re.MULTILINE)


def names_read() -> list[str]:
    """Return every name that a view or a form reads, and some that Flask may interpret."""
    names = set("business pro_plus _external _scheme _anchor _method endpoint self x".split())
    for room in ("desk", "manager", "storefront", "web"):
        for path in Path(room).glob("*.py"):
            names |= {*READS.findall(source := path.read_text()), *FIELD.findall(source)}
    return sorted(names)


NAMES = names_read()


LOCKED = {endpoint for endpoint, audience in AUDIENCES.items() if audience in {"signed in", "desk"}}

ENDING = {
    "manager.log_out", "storefront.choose_password",
    "desk.sign_out", "desk.sign_in", "desk.confirm", "desk.end_other_sessions",
    "desk.take_staff_act",
}  # fmt: skip
"""Routes that may end a session: tested last."""


def clients(app: Flask, alices: Belongings) -> list[CheckingClient]:
    """Return a stranger's browser and alice's."""
    both = [browser(app), browser(app)]
    Visitor(both[1]).log_in(alices.account)
    for client in both:
        client.reads_pages = False
    return both


def every_way(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Yield each route with each of its methods, except PDFs, made from their pages' data."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint in ENDING):
        if rule.endpoint != "static" and not str(rule).endswith(".pdf"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def is_of_the_desk(rule: Rule) -> bool:
    """Return whether a route is for staff; for others it does not exist (tests/desk)."""
    return rule.endpoint.startswith("desk.")


def address_of(rule: Rule, alices: Belongings) -> str:
    if is_of_the_desk(rule):
        return staff.address(rule, alices)
    return alices.secret_addresses.get(rule.endpoint) or alices.address(rule)


def hostile_addresses(rule: Rule, address: str, value: bytes) -> Iterator[str]:
    """Yield the URLs of ``rule`` with one parameter replaced by ``value``."""
    for index, piece in enumerate(str(rule).split("/")):
        if "<" in piece:
            pieces = address.split("/")
            pieces[index] = re.sub("<.*>", lambda _: quote(value, safe=""), piece)
            yield "/".join(pieces)


def is_routed(app: Flask, address: str, method: str) -> bool:
    """Return whether the shop has a page or redirect there (see `test_urls_of_no_page_survive`)."""
    with suppress(RequestRedirect, MethodNotAllowed):
        try:
            app.url_map.bind("localhost").match(unquote(address, errors="replace"), method)
        except NotFound:
            return False
    return True


def check(response: TestResponse) -> None:
    """Assert that nothing is unescaped and no header is injected; the client checks for errors.

    A file for spreadsheets holds what was typed: no browser reads it as a page.
    """
    assert MARK.encode() not in response.data or response.mimetype == "text/csv"
    assert "hostile" not in response.headers.get("Set-Cookie", "")


every_kind = pytest.mark.parametrize(
    "values", [pytest.param(values, id=kind) for kind, values in VALUES.items()]
)
"""PostgreSQL runs the first kind: numbers and texts that its columns may refuse where SQLite's take
them. The others never reach a statement."""


def test_the_names_of_fields_and_parameters_are_found() -> None:
    assert {"next", "page", "q", "nic_handle", "city", "accepted", "store_card"} < set(NAMES)


class Reads(ImmutableMultiDict[str, str]):
    """Parameters or fields of a request, of which those asked for by name are noted."""

    names: ClassVar[set[str]] = set()

    def get(self, key: str, *given: Any, **named: Any) -> Any:
        self.names.add(key)
        return super().get(key, *given, **named)

    def getlist(self, key: str, *given: Any, **named: Any) -> Any:
        self.names.add(key)
        return super().getlist(key, *given, **named)

    def __getitem__(self, key: str) -> Any:
        self.names.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)


class ReadsNoted(Request):
    """A request that notes what views read of it."""

    parameter_storage_class = Reads


@pytest.mark.begun_first
@every_kind
def test_every_page_and_form_survives(
    app: Flask, alices: Belongings, values: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first value stands for every name; the others for those that were read then.

    What nobody reads changes nothing, whatever its value.
    """
    monkeypatch.setattr(app, "request_class", ReadsNoted)
    stranger, alice = clients(app, alices)
    member = staff.desk_of(app)
    member.reads_pages = False
    tokens = {client: client.csrf_token() for client in (stranger, alice, member)}
    names: dict[tuple[str, str, CheckingClient], list[str]] = {}
    ways = [(method, rule, address_of(rule, alices)) for rule, method in every_way(app)]
    for value in values:
        for method, rule, address in ways:
            own = member if is_of_the_desk(rule) else alice
            for client in {own, own if rule.endpoint in LOCKED else stranger}:
                way = (method, rule.endpoint, client)
                if asked := names.get(way, NAMES):
                    Reads.names = set()
                    ask_all(client, method, address, dict.fromkeys(asked, value), tokens[client])
                    names[way] = sorted(Reads.names.intersection(NAMES))
            for other in hostile_addresses(rule, address, value):
                if is_routed(app, other, method):
                    check(own.ask(method, other, token=tokens[own]))


def ask_all(
    client: CheckingClient, method: str, address: str, given: dict[str, bytes], token: str
) -> None:
    """Ask with these values in the URL, and in the form if there is one."""
    asked = "&".join(f"{name}={quote(value)}" for name, value in given.items())
    check(client.ask(method, f"{address}?{asked}", None if method == "GET" else given, token))


@every_kind
def test_urls_of_no_page_survive(client: CheckingClient, values: list[bytes]) -> None:
    for value in values:
        for address in ("/manager/groups/name/seats/{}", "/en/{}", "/{}"):
            for method in ("GET", "POST"):
                check(client.ask(method, address.format(quote(value, safe=""))))


def test_control_what_a_form_reads_is_noted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "request_class", ReadsNoted)
    Reads.names = set()
    client = browser(app)
    client.ask("POST", "/en/order/account?business=1", {"first_name": ""})
    client.get("/en/order?offer=business&quantity=2")
    assert {"first_name", "last_name", "offer"} < Reads.names


@every_kind
def test_a_registration_survives_any_answer(client: CheckingClient, values: list[bytes]) -> None:
    client.reads_pages = False
    good = cast.CHARLIE | {"password": cast.PASSWORD, "password_confirmation": cast.PASSWORD}
    good |= {"company": "", "siren": "", "vat_number": ""}
    del good["language"]
    token = client.csrf_token()
    for value in values:
        for name in good:
            check(client.ask("POST", "/en/order/account", good | {name: value}, token))


FILES = [
    b"", b"\0", b"a;b;c\nd;e\0;f", b"\xff\xfea\0;\0b\0", b"\xef\xbb\xbf", b'"' * 5000,
    b"a;" * 100_000, b"=cmd|' /C calc'!A0;x;y", "é;ü;ñ".encode("utf-16"), b"\x1b;\x07;abc",
    b"a,b,c\n" * 10_002, b'a;"b\nc;d', b"PK\x03\x04" + bytes(range(256)),
]  # fmt: skip


@pytest.mark.parametrize("name", ["people.csv", "../../etc/passwd", "x" * 3000, "\u202e.csv", MARK])
def test_every_upload_survives(app: Flask, alices: Belongings, name: str) -> None:
    _, alice = clients(app, alices)
    address, token = f"/manager/groups/{alices.group.name}/imports", alice.csrf_token()
    for content in FILES:
        form = {"file": (io.BytesIO(content), name)}
        response = alice.ask("POST", address, form, token)
        check(response)
        if response.location:
            check(alice.get(response.location))


def test_characters_that_documents_cannot_print_are_not_a_name(client: CheckingClient) -> None:
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
