"""What holds for every act at the desk: a reason, a button for those who may do it, a way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from flask import Flask

from desk import roles
from models import Event, Job, MoneyAct, Role, StaffAct
from tests.shop.operations.test_today import have_a_bad_day
from tests.support import staff
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient

NO_REASON = "Indiquez le motif."

WITHOUT_A_REASON = {
    "change_language", "change_password", "end_other_sessions", "sign_out", "confirm",
    "add_application", "remove_application", "new_passkey_options", "add_passkey",
    "remove_passkey", "write_note", "upload_statement",
}  # fmt: skip
"""Forms that are no acts: a member's own account, and what changes nothing but the desk."""

OF_OTHER_TESTS = {
    "take_pay_out", "take_bank_line_act", "explain_payout_line",
    "take_announcement_back", "take_price_back", "undo_offer_change",
}  # fmt: skip
"""Acts on what these customers have not: their own tests give no reason, too."""


def links(page: str) -> Iterator[str]:
    for link in re.findall(r'href="(/desk[^"#]*)"', page):
        yield unescape(link)


def kind_of(address: str, alices: Belongings) -> str:
    """Return an address without what distinguishes pages of the same kind."""
    plain = address.partition("?")[0].replace(alices.account.nic_handle, "<nic>")
    plain = re.sub(r"/(FA|AV)[^/]*", r"/<\1>", plain)
    return re.sub(r"/(o365|business|pro_plus|\d)[^/]*", "/<key>", plain)


def pages(client: CheckingClient, alices: Belongings) -> dict[str, str]:
    """Return the pages of the desk that links lead to from Today and alice, one of each kind."""
    waiting = ["/desk/today", f"/desk/customers/{alices.account.nic_handle}"]
    waiting += [f"/desk/documents/{alices.invoice.number}"]
    waiting += [f"/desk/jobs/{Job.get(Job.key == 'failed').id}"]
    seen: set[str] = set()
    found: dict[str, str] = {}
    while waiting:
        address = waiting.pop(0)
        if (kind := kind_of(address, alices)) in seen:
            continue
        seen.add(kind)
        answer = client.get(address)
        assert answer.status_code < 500, address
        if answer.status_code == 200 and answer.mimetype == "text/html":
            found[address] = answer.text
            waiting += links(answer.text)
    return found


def acts_among(found: dict[str, str]) -> list[str]:
    return [address for address, shown in found.items() if 'name="reason"' in shown]


def endpoint_of(app: Flask, address: str) -> str:
    adapter = app.url_map.bind("localhost")
    endpoint, _ = adapter.match(address.partition("?")[0], method="POST")
    return str(endpoint).removeprefix("desk.")


def written() -> tuple[int, ...]:
    return tuple(table.select().count() for table in (StaffAct, MoneyAct, Event))


def test_no_act_is_done_without_a_reason(app: Flask, alices: Belongings) -> None:
    have_a_bad_day(alices)
    client = staff.desk_of(app, Role.ADMINISTRATOR)
    acts = acts_among(pages(client, alices))
    before, reached = written(), set()
    for address in acts:
        for confirmed in ("", "yes"):
            form = {"key": f"{address} {confirmed}"[:64], "confirmed": confirmed, "reason": " "}
            answer = client.ask("POST", address, form)
            assert answer.status_code == 422, address
            assert NO_REASON in answer.text, address
        reached.add(endpoint_of(app, address))
    assert written() == before
    posted = {
        rule.endpoint.removeprefix("desk.")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("desk.") and "POST" in (rule.methods or set())
    }
    assert posted - roles.OPEN - WITHOUT_A_REASON - OF_OTHER_TESTS == reached


def test_no_role_is_led_to_what_it_may_not_open(app: Flask, alices: Belongings) -> None:
    have_a_bad_day(alices)
    for role in Role:
        client = staff.desk_of(app, role)
        for address, shown in pages(client, alices).items():
            for link in links(shown):
                name = endpoint_of_link(app, link)
                assert name in roles.OPEN or roles.may(role, name), (role, address, link)


def endpoint_of_link(app: Flask, link: str) -> str:
    endpoint, _ = app.url_map.bind("localhost").match(link.partition("?")[0], method="GET")
    return str(endpoint).removeprefix("desk.")


def test_every_act_can_be_left_for_the_page_it_belongs_to(app: Flask, alices: Belongings) -> None:
    have_a_bad_day(alices)
    client = staff.desk_of(app, Role.ADMINISTRATOR)
    found = pages(client, alices)
    for address in acts_among(found):
        back = re.search(r'<a href="([^"]+)">Annuler</a>', found[address])
        assert back, address
        assert client.get(unescape(back[1])).status_code == 200, address
