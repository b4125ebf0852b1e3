"""Lists that are longer than their numbered pages: each row once, to the end and back."""

from __future__ import annotations

import re
from html import unescape

import pytest

from models import Account, AccountEvent, Invoice, Letter, LicenceGroup, Order, Seat
from shop.invoicing import receivables
from shop.licences import groups as shop_groups
from shop.licences.seats import listing
from shop.orders import placing, withdrawal_rights
from shop.overviews import cards, customer_pages, staff_acts, states
from shop.personal_data import closing
from shop.text import pagination
from tests.support import billing, groups, queries
from tests.support.client import CheckingClient, browser
from tests.support.parties import Bank, Provider
from tests.support.remembered import remembered
from tests.support.visitor import Visitor

NEXT = re.compile(r'rel="next"\s+href="([^"]+)"')


@pytest.fixture
def client(
    client: CheckingClient, alice: Account, bank: Bank, provider: Provider
) -> CheckingClient:
    """The browser of alice, who has ordered a lot."""
    order_a_lot(alice, bank)
    client = browser(client.application)
    Visitor(client).log_in(alice)
    return client


@remembered
def order_a_lot(account: Account, bank: Bank) -> None:
    for _ in range(25):
        billing.delivered(account, bank, 1)


def walked(client: CheckingClient, address: str, pattern: str) -> list[str]:
    """Return what a pattern finds on all pages of a list, page after page."""
    found: list[str] = []
    while address:
        page = client.get(address).text
        found += dict.fromkeys(re.findall(pattern, page.split('<nav class="pagination"')[0]))
        following = NEXT.search(page)
        address = unescape(following[1]) if following else ""
    return found


@pytest.mark.parametrize("most", [20, 24, 40, 1000])
def test_a_long_list_goes_on_behind_its_numbered_pages(
    client: CheckingClient, alice: Account, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(pagination, "MOST_NUMBERED", most)
    for address, pattern, table in (
        ("/manager/account/orders", r"/manager/account/orders/(\d+)\"", Order),
        ("/manager/account/bills", r"/manager/account/bills/(FA[\d-]+)\"", Invoice),
        ("/manager/account/bills?from=2020-01-01", r"/manager/account/bills/(FA[\d-]+)\"", Invoice),
        ("/manager/account/emails", r"/manager/account/emails/(\d+)\"", Letter),
    ):
        column = {Order: Order.number, Invoice: Invoice.number, Letter: Letter.id}[table]
        expected = table.select(column).where(table.account == alice).order_by(table.id.desc())
        assert walked(client, address, pattern) == [str(row[0]) for row in expected.tuples()]
    for address, pattern in (
        ("/manager/groups", r'<a href="/manager/groups/([^/"?]+)">'),
        ("/manager/services", r'<a href="/manager/services/([^/"?]+)">'),
    ):
        names = LicenceGroup.select(LicenceGroup.name).where(LicenceGroup.account == alice)
        names = names.order_by(LicenceGroup.display_name, LicenceGroup.id)
        assert walked(client, address, pattern) == [row.name for row in names]
    seen = walked(client, "/manager/account/activity", r'<time datetime="([^"]+)"')
    rows = AccountEvent.select().where(AccountEvent.account == alice)
    assert len(seen) == len({row.at for row in rows})


def test_pages_behind_the_numbered_ones_lead_back_to_the_beginning(
    client: CheckingClient, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "MOST_NUMBERED", 20)
    first = client.get("/manager/account/orders").text
    following = NEXT.search(first)
    assert following
    assert "before=" in following[1]
    later = client.get(unescape(following[1])).text
    assert "Début de la liste" in later
    assert "pagination-number" not in later
    assert client.get("/manager/account/orders?before=x").status_code == 200
    assert client.get("/manager/groups?after=999999").status_code == 200


@pytest.mark.parametrize(
    ("sort", "status"), [("", ""), ("last", ""), ("-email", "active"), ("-first", "unconfigured")]
)
def test_seats_far_from_both_ends_are_found_from_the_page_beside_them(
    alice: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch,
    sort: str, status: str,
) -> None:  # fmt: skip
    group = groups.installed(alice, bank, 170)
    Seat.update(by_last=Seat.by_first).where(Seat.group == group).execute()
    if status == "active":
        monkeypatch.setattr(type(group), "seats_by_status", {"active": 170})
        Seat.update(status="unconfigured").where(Seat.group == group).execute()
        status = ""
    monkeypatch.setattr(listing, "FAR", 40)
    number, beside, seen = 1, "", []
    while True:
        shown = listing.page_of(group, listing.read_view("", status, sort, number, "", beside))
        assert shown.number == number
        seen += [seat.number for seat in shown.rows]
        if number == shown.pages:
            break
        number += 1
        beside = shown.way_to(number)
    assert sorted(seen) == list(range(1, 171))
    back = [seat.number for seat in shown.rows]
    while number > 1:
        number -= 1
        view = listing.read_view("", status, sort, number, "", shown.way_to(number))
        shown = listing.page_of(group, view)
        assert shown.number == number
        back = [seat.number for seat in shown.rows] + back
    assert back == seen


def test_a_page_far_from_both_ends_is_not_counted_to(
    alice: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = groups.installed(alice, bank, 170)
    monkeypatch.setattr(listing, "FAR", 40)
    of = lambda number: listing.page_of(group, listing.read_view("", "", "", number)).number  # noqa: E731
    assert [of(number) for number in (1, 2, 3, 4, 5, 6, 7, 8, 9)] == [1, 2, 3, 2, 8, 8, 8, 8, 9]


def test_a_search_that_finds_more_than_it_reads_lists_the_first_and_says_so(
    alice: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = groups.installed(alice, bank, 40)
    monkeypatch.setattr(listing, "MOST_KEYS", 30)
    view = listing.read_view("configure", "", "-email", 2)
    shown = listing.page_of(group, view)
    assert (shown.total, len(shown.rows), shown.is_cut) == (30, 10, True)
    first = listing.page_of(group, listing.read_view("configure", "", "-email", 1))
    numbers = sorted(seat.number for seat in [*first.rows, *shown.rows])
    assert numbers == listing.numbers_in_view(group, view)
    monkeypatch.setattr(listing, "MOST_KEYS", 500)
    assert not listing.page_of(group, view).is_cut


def test_what_a_customer_has_in_a_state_is_found_by_it(
    client: CheckingClient, alice: Account
) -> None:
    group = LicenceGroup.select().where(LicenceGroup.account == alice).first()
    order = Order.select().where(Order.account == alice).first()
    for read in (
        lambda: cards.for_account(alice),
        lambda: closing.obstacles(alice),
        lambda: staff_acts.possible(alice),
        lambda: list(shop_groups.search_groups(alice, "o365")),
        lambda: shop_groups.offers_open_to_additions(alice, ["business"]),
        lambda: withdrawal_rights.right_of_service(group),
        lambda: withdrawal_rights.content_of(order),
        lambda: customer_pages.attempts_at([order]),
        lambda: states.endings_of(alice),
        lambda: states.given_back_by(alice),
        lambda: receivables.unpaid_subscriptions(alice),
        lambda: placing._check_unpaid(alice),
    ):
        lines = queries.scanned_by(read)
        assert [line for line in lines if line.split()[1] not in DERIVED] == []


DERIVED = {"first", "newest", "_wrapped"}
