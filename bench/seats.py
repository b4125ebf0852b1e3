"""The cost of a page of seats in a group of 100 and in one of 100,000, measured in one run.

Both groups are in one fresh database; pages are requested alternately, so that neither group
profits from a warmer machine. The output is the medians, their ratio, and the number of SQL
statements of each.

    python -m bench.seats [--postgresql postgresql://…/an_empty_database] [--rounds 40]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

import app as application
import models
from models import Account, LicenceGroup, Order, OrderLine, Seat, SeatKey, SeatStatus
from shop import clock, database
from shop.customers import passwords
from shop.jobs import queue
from shop.licences.seats import search_keys
from shop.operations import demo
from shop.settings import Settings
from tests.support import queries

SMALL, LARGE = 100, 100_000
MAX_RATIO = 3.0
"""The largest accepted ratio of response times, large group to small group."""

FIRST = ("Anna", "Bruno", "Chloé", "David", "Émilie", "Farid", "Gaël", "Hélène", "Inès", "Jean")
LAST = ("Martin", "Bernard", "Petit", "Robert", "Durand", "Leroy", "Moreau", "Simon", "Laurent",
        "Lefèvre", "Roux", "Fournier", "Girard", "Bonnet", "Dupont", "Lambert")  # fmt: skip


def main() -> None:
    """Measure and print; exit with an error if the large group costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", default="", help="the URL of an empty database")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    with _shop(options.postgresql) as shop:
        small, large = _groups()
        client = _signed_in(shop)
        failed = [name for name, ratio, same in _measure(client, small, large, options.rounds)
                  if ratio > MAX_RATIO or not same]  # fmt: skip
    if failed:
        raise SystemExit(f"too slow in the large group: {', '.join(failed)}")


@contextmanager
def _shop(url: str) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory() as folder:
        database_url = url or f"sqlite:///{Path(folder) / 'bench.db'}"
        environment = {"DATABASE_URL": database_url, "SECRET_KEY": "bench", "RATE_LIMITS": "off"}
        shop = application.create_app(Settings.from_environment(environment))
        shop.testing = True
        database.migrate()
        queue.create_queue_tables()
        demo.publish()
        yield shop
        models.database.close()


def _groups() -> tuple[LicenceGroup, LicenceGroup]:
    account, _ = demo.load()
    made = _group(account, "small", SMALL), _group(account, "large", LARGE)
    models.database.execute_sql("ANALYZE")
    return made


def _group(account: Account, name: str, size: int) -> LicenceGroup:
    """Create a group of ``size`` seats, every fiftieth of them unconfigured."""
    now = clock.now()
    order = Order.create(
        number=f"{size:09d}", account=account, status="delivered", basket=name, language="fr",
        customer={}, net_cents=size, vat_cents=0, total_cents=size, vat_rate=0, vat_code="",
        placed_at=now, expires_at=now,
    )  # fmt: skip
    line = OrderLine.create(
        order=order, position=1, offer="pro_plus", offer_name="Office 365 Pro Plus",
        quantity=size, unit_price_cents=1, net_cents=size,
    )  # fmt: skip
    group = LicenceGroup.create(
        account=account, line=line, offer="pro_plus", name=f"o365-{name}",
        domain=f"{name}.example", display_name=name, status="installed", places_taken=size,
        last_number=size, created_at=now, installed_at=now,
    )  # fmt: skip
    for start in range(1, size + 1, 1000):
        with models.database.atomic():
            _fill(group, range(start, min(start + 1000, size + 1)))
    unconfigured = size // 50
    group.seats_unconfigured, group.seats_active = unconfigured, size - unconfigured
    group.save()
    return group


def _fill(group: LicenceGroup, numbers: range) -> None:
    """Insert the seats with these numbers and their search keys."""
    Seat.insert_many([_seat(group, number) for number in numbers]).execute()
    rows = []
    for seat in Seat.select().where(Seat.group == group, Seat.number.in_(list(numbers))):
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


def _signed_in(shop: Flask) -> FlaskClient:
    client = shop.test_client()
    account = Account.select().get()
    password = "Bench-2026-Bench"
    passwords.change_password(account, password)
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"nic_handle": account.nic_handle, "password": password, "csrf_token": token}
    assert client.post("/login", data=form).status_code == 303
    return client


PAGES: dict[str, Callable[[int], str]] = {
    "first page": lambda size: "",
    "page 1,000": lambda size: f"?page={min(1000, size // 20)}",
    "middle page": lambda size: f"?page={size // 40}",
    "last page": lambda size: f"?page={size // 20}",
    "sorted by last name, middle": lambda size: f"?sort=-last&page={size // 40}",
    "search": lambda size: "?q=person",
    "search for a name": lambda size: "?q=lefevre",
    "search without a match": lambda size: "?q=zzz",
    "filter": lambda size: "?status=active",
    "filter, middle page": lambda size: f"?status=active&page={size // 40}",
    "search and filter": lambda size: "?q=person&status=active",
}
"""The query string of each measured page, by the size of the group."""


def _measure(
    client: FlaskClient, small: LicenceGroup, large: LicenceGroup, rounds: int
) -> Iterator[tuple[str, float, bool]]:
    print(f"{'page':30} {'100':>9} {'100,000':>9} {'ratio':>6}  queries")
    for name, query in PAGES.items():
        urls = [
            f"/manager/groups/{group.name}{query(size)}"
            for group, size in ((small, SMALL), (large, LARGE))
        ]
        few, many = _medians(client, urls, rounds)
        counts = [_statements(client, url) for url in urls]
        ratio = many / few
        print(f"{name:30} {few:7.1f}ms {many:7.1f}ms {ratio:6.2f}  {counts[0]} / {counts[1]}")
        yield name, ratio, counts[0] == counts[1]


def _medians(client: FlaskClient, urls: list[str], rounds: int) -> list[float]:
    taken: list[list[float]] = [[] for _ in urls]
    for _ in range(rounds):
        for times, url in zip(taken, urls, strict=True):
            began = time.perf_counter()
            assert client.get(url).status_code == 200, url
            times.append((time.perf_counter() - began) * 1000)
    return [statistics.median(times) for times in taken]


def _statements(client: FlaskClient, url: str) -> int:
    with queries.recorded() as statements:
        client.get(url)
    return len(statements)


if __name__ == "__main__":
    main()
