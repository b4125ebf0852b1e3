"""The cost of pages and searches of 1,000 orders and seats, and of 1,000,000, in one run.

Both customers are in one fresh database; pages are requested alternately, so that neither profits
from a warmer machine. The output is the medians, their ratio, and the number of SQL statements of
each.

    python -m bench.growth [--postgresql postgresql://…/an_empty_database] [--large 1000000]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

import app as application
import models
from models import Account, LicenceGroup, Order, OrderLine, Seat, SeatKey, SeatStatus
from shop import clock, database
from shop.customers import passwords
from shop.customers import search_keys as search_keys_of_accounts
from shop.licences import group_keys
from shop.licences.seats import search_keys
from shop.operations import demo
from shop.settings import Settings
from tests.support import queries, staff

SMALL, LARGE = 1_000, 1_000_000
AT_ONCE = 100_000
"""Rows that one statement copies."""

MAX_RATIO = 1.3
"""The largest accepted ratio of response times, large to small."""

PASSWORD = "Bench-2026-Bench"
CHEAP_PASSWORDS = {"ARGON2_MEMORY_KIB": "8", "ARGON2_PASSES": "1"}

FIRST = ("Anna", "Bruno", "Chloé", "David", "Émilie", "Farid", "Gaël", "Hélène", "Inès", "Jean")
LAST = ("Martin", "Bernard", "Petit", "Robert", "Durand", "Leroy", "Moreau", "Simon", "Laurent",
        "Lefèvre", "Roux", "Fournier", "Girard", "Bonnet", "Dupont", "Lambert")  # fmt: skip


@dataclass(frozen=True)
class Growth:
    """A page's response times in milliseconds, and its SQL statements, small and large."""

    page: str
    small: float
    large: float
    statements: tuple[int, int]

    @property
    def ratio(self) -> float:
        """How many times as long the large one takes."""
        return self.large / self.small

    @property
    def is_too_much(self) -> bool:
        """Whether the large one costs too much, in time or in statements."""
        return self.ratio > MAX_RATIO or self.statements[0] != self.statements[1]

    def __str__(self) -> str:
        counts = "{} / {}".format(*self.statements)
        return f"{self.page:34} {self.small:7.1f} {self.large:9.1f} {self.ratio:6.2f}  {counts}"


def main() -> None:
    """Measure and print; exit with an error if the large customer's pages cost too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", default="", help="the URL of an empty database")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--large", type=int, default=LARGE, help="a multiple of 1,000")
    options = parser.parse_args()
    print(f"{'page':34} {SMALL:>7,} {options.large:>9,}  ratio  statements")
    measured = []
    for each in measure(options.postgresql, options.large, options.rounds):
        print(each)
        measured.append(each)
    if failed := [each.page for each in measured if each.is_too_much]:
        raise SystemExit(f"too slow for the large customer: {', '.join(failed)}")


def measure(database_url: str = "", large: int = LARGE, rounds: int = 40) -> Iterator[Growth]:
    """Yield each page's measurement, in a database of its own or in an empty one."""
    with _shop(database_url) as shop:
        began = time.perf_counter()
        customers = _customer("small"), _customer("large")
        groups = [
            _group(account, name, SMALL) for account, name in zip(customers, NAMES, strict=True)
        ]
        for account in customers:
            _orders(account, "orders", SMALL)
        _multiply(groups[1], large)
        models.database.execute_sql("ANALYZE")
        print(
            f"{large:,} seats and orders: made in {time.perf_counter() - began:.0f} s",
            file=sys.stderr,
        )
        clients = [_signed_in(shop, account) for account in customers]
        yield from _measure(clients, groups, (SMALL, large), rounds)


@contextmanager
def _shop(url: str) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory() as folder:
        database_url = url or f"sqlite:///{Path(folder) / 'bench.db'}"
        environment = {"DATABASE_URL": database_url, "SECRET_KEY": "bench", "RATE_LIMITS": "off"}
        shop = application.create_app(Settings.from_environment(environment | CHEAP_PASSWORDS))
        shop.testing = True
        database.migrate()
        demo.publish()
        yield shop
        models.database.close()


# --- Rows ------------------------------------------------------------------------------------

NAMES = ("small", "large")


def _customer(name: str) -> Account:
    account = Account.create(
        nic_handle=f"{name}-bench", email=f"{name}@example.com", password_hash="-",
        first_name="Alice", last_name="Martin", street="1 rue", postcode="59000", city="Lille",
        country="FR", created_at=clock.now(), email_proved_at=clock.now(),
    )  # fmt: skip
    passwords.change_password(account, PASSWORD)
    return account


def _group(account: Account, name: str, size: int) -> LicenceGroup:
    """Create a group of ``size`` seats, every fiftieth of them unconfigured."""
    now = clock.now()
    (line,) = _orders(account, name, 1)
    group = LicenceGroup.create(
        account=account, line=line, offer="pro_plus", name=f"o365-{name}",
        domain=f"{name}.example", display_name=name, status="installed", places_taken=size,
        last_number=size, created_at=now, installed_at=now,
    )  # fmt: skip
    group_keys.create(group)
    with models.database.atomic():
        _fill(group, range(1, size + 1))
    _count_seats(group, size)
    return group


def _count_seats(group: LicenceGroup, size: int) -> None:
    unconfigured = size // 50
    group.places_taken = group.last_number = size
    group.seats_unconfigured, group.seats_active = unconfigured, size - unconfigured
    group.save()


def _fill(group: LicenceGroup, numbers: range) -> None:
    """Insert the seats with these numbers and their search keys."""
    Seat.insert_many([_seat(group, number) for number in numbers]).execute()
    rows = []
    for seat in Seat.select().where(Seat.group == group):
        keys = {search_keys.UNCONFIGURED_KEY}
        if seat.is_configured:
            keys = search_keys.keys_of(seat.first_name, seat.last_name, seat.login)
        rows += [{"group": group, "seat": seat, "status": seat.status, "key": key} for key in keys]
    for start in range(0, len(rows), 2000):
        SeatKey.insert_many(rows[start : start + 2000]).execute()


def _seat(group: LicenceGroup, number: int) -> dict[str, Any]:
    configured = bool(number % 50)
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    login = f"person{number}" if configured else None
    return {
        "group": group,
        "number": number,
        "status": SeatStatus.ACTIVE if configured else SeatStatus.UNCONFIGURED,
        "first_name": first if configured else "",
        "last_name": last if configured else "",
        "login": login,
        "login_key": login,
        "reference": f"user-{number}" if configured else "",
        **(
            search_keys.sort_columns(first, last, login)
            if login
            else search_keys.UNCONFIGURED_SORT_COLUMNS
        ),
    }


def _orders(account: Account, name: str, size: int) -> list[OrderLine]:
    """Create ``size`` delivered orders of one line each; return the lines."""
    now = clock.now()
    lines = []
    for number in range(size):
        order = Order.create(
            number=f"{account.id}{size:05d}{number:05d}", account=account, status="delivered",
            basket=f"{name}{number}", language="fr", customer={}, net_cents=1290, vat_cents=258,
            total_cents=1548, vat_rate=2000, vat_code="domestic:FR", placed_at=now,
            expires_at=now, paid_at=now, delivered_at=now,
        )  # fmt: skip
        lines.append(
            OrderLine.create(
                order=order, position=1, offer="pro_plus", offer_name="Office 365 Pro Plus",
                quantity=1, unit_price_cents=1290, net_cents=1290,
            )
        )  # fmt: skip
    return lines


def _multiply(group: LicenceGroup, large: int) -> None:
    """Copy the `SMALL` seats and orders of a customer until there are ``large`` of each."""
    times = large // SMALL - 1
    step = AT_ONCE // SMALL
    for first in range(1, times + 1, step):
        copies = {"first": first, "last": min(first + step - 1, times), "size": SMALL}
        with models.database.atomic():
            _copy_seats(group, copies)
            _copy_orders(group.account, copies)
    _count_seats(group, large)


COPIES = """WITH RECURSIVE copies (copy) AS (
    SELECT {first} UNION ALL SELECT copy + 1 FROM copies WHERE copy < {last})"""


def _copy_seats(group: LicenceGroup, copies: Mapping[str, int]) -> None:
    login = "CASE WHEN seat.login IS NULL THEN NULL ELSE seat.login || '-' || copy END"
    changed = {
        "number": f"seat.number + copy * {copies['size']}", "login": login, "login_key": login,
    }  # fmt: skip
    _copy(Seat, f"seat.group_id = {group.id} AND seat.number <= {copies['size']}", changed, copies)
    size = copies["size"]
    newest = (copies["first"] * copies["size"], (copies["last"] + 1) * copies["size"])
    models.database.execute_sql(
        f"""INSERT INTO seat_key (group_id, seat_id, status, "key")
        SELECT seat_key.group_id, made.id, seat_key.status, seat_key."key"
        FROM seat AS made
        JOIN seat AS first ON first.group_id = made.group_id
            AND first.number = made.number - {size} * ((made.number - 1) / {size})
        JOIN seat_key ON seat_key.seat_id = first.id
        WHERE made.group_id = {group.id}
            AND made.number > {newest[0]} AND made.number <= {newest[1]}
        """  # noqa: S608
    )


def _copy_orders(account: Account, copies: Mapping[str, int]) -> None:
    changed = {
        "number": "purchase_order.number || copy",
        "basket": "purchase_order.basket || 'x' || copy",
    }
    # No LIKE and no modulo: PostgreSQL's client would take their percent signs for parameters.
    first_ones = "substr(basket, 1, 6) = 'orders' AND replace(basket, 'x', '') = basket"
    named = f"account_id = {account.id} AND {first_ones}"
    _copy(Order, named, changed, copies)
    models.database.execute_sql(
        f"""INSERT INTO order_line (order_id, position, offer_id, offer_name, quantity,
            unit_price_cents, net_cents)
        SELECT id, 1, 'pro_plus', 'Office 365 Pro Plus', 1, net_cents, net_cents
        FROM purchase_order WHERE account_id = {account.id}
            AND NOT EXISTS (SELECT 1 FROM order_line WHERE order_id = purchase_order.id)
        """  # noqa: S608
    )


def _copy(
    table: type[models.Table], where: str, changed: Mapping[str, str], copies: Mapping[str, int]
) -> None:
    """Copy rows, with these columns computed from those of the original and of ``copies``."""
    name = table._meta.table_name
    columns = [column for column in table._meta.columns if column != "id"]
    values = [changed.get(column, f"{name}.{column}") for column in columns]
    models.database.execute_sql(
        f"{COPIES.format_map(copies)} "  # noqa: S608
        f"INSERT INTO {name} ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} FROM {name}, copies WHERE {where}"
    )


# --- Pages -----------------------------------------------------------------------------------


def _signed_in(shop: Flask, account: Account) -> FlaskClient:
    client = shop.test_client()
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"nic_handle": account.nic_handle, "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", data=form).status_code == 303
    return client


SEATS: dict[str, Callable[[int], str]] = {
    "seats, first page": lambda size: "",
    "seats, page 50": lambda size: "?page=50",
    "seats, middle page": lambda size: f"?page={size // 40}",
    "seats, last page": lambda size: f"?page={size // 20}",
    "seats by last name, middle": lambda size: f"?sort=-last&page={size // 40}",
    "search": lambda size: "?q=person",
    "search for a name": lambda size: "?q=lefevre",
    "search without a match": lambda size: "?q=zzz",
    "filter": lambda size: "?status=active",
    "filter, middle page": lambda size: f"?status=active&page={size // 40}",
    "search and filter": lambda size: "?q=person&status=active",
}
"""The query string of each measured page of seats, by the size of the group."""

PAGES = {
    "services": "/manager/services",
    "home": "/manager/groups",
    "orders, first page": "/manager/account/orders",
    "bills": "/manager/account/bills",
    "e-mails": "/manager/account/emails",
    "search everywhere: a name": "/manager/search?q=lefevre",
    "search everywhere: a number": "/manager/search?q=1",
    "search everywhere: no match": "/manager/search?q=zzz",
}


def _measure(
    clients: Sequence[FlaskClient],
    groups: Sequence[LicenceGroup],
    sizes: Sequence[int],
    rounds: int,
) -> Iterator[Growth]:
    for name, query in SEATS.items():
        urls = [
            f"/manager/groups/{group.name}{query(size)}"
            for group, size in zip(groups, sizes, strict=True)
        ]
        yield _compare(name, clients, urls, rounds)
    for name, url in PAGES.items():
        yield _compare(name, clients, [url, url], rounds)
    yield from _measure_desk(clients[0].application, groups, rounds)


DESK = {
    "desk: customer": "/desk/customers/{nic}",
    "desk: orders": "/desk/customers/{nic}/orders",
    "desk: time line": "/desk/customers/{nic}/time-line",
    "desk: search for a name": "/desk/search?list=1&q={nic}",
    "desk: search for a licence": "/desk/search?list=1&q=person7@{domain}",
    "desk: search for an order": "/desk/search?list=1&q={order}",
}
"""The desk's pages about a customer, by what they show."""


def _measure_desk(shop: Flask, groups: Sequence[LicenceGroup], rounds: int) -> Iterator[Growth]:
    clients = [shop.test_client() for _ in groups]
    for client in clients:
        staff.sign_in(client, "support", language="en")
    for group in groups:
        search_keys_of_accounts.write_keys(group.account)
    known = [
        {
            "nic": group.account.nic_handle,
            "domain": group.domain,
            "order": Order.get(Order.account == group.account).number,
        }
        for group in groups
    ]
    for name, url in DESK.items():
        yield _compare(name, clients, [url.format_map(values) for values in known], rounds)


def _compare(name: str, clients: Sequence[FlaskClient], urls: Sequence[str], rounds: int) -> Growth:
    asked = list(zip(clients, urls, strict=True))
    few, many = [_statements(*each) for each in asked]
    taken: list[list[float]] = [[] for _ in urls]
    for _ in range(rounds):
        for times, (client, url) in zip(taken, asked, strict=True):
            began = time.perf_counter()
            assert client.get(url).status_code == 200, url
            times.append((time.perf_counter() - began) * 1000)
    small, large = (statistics.median(times) for times in taken)
    return Growth(name, small, large, (few, many))


def _statements(client: FlaskClient, url: str) -> int:
    with queries.recorded() as statements:
        client.get(url)
    return len(statements)


if __name__ == "__main__":
    main()
