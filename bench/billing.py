"""Throughput and memory of a renewal run: 10,000 and 100,000 groups that are due on one day.

Each size has a fresh database and a process of its own, so that their memory is measured
separately. The output is groups per second, CPU seconds and peak memory of each size. The run
fails if a group costs far more in the large run than in the small one, or if memory grows with
the number of groups.

    python -m bench.billing [--sizes 10000 100000] [--postgresql postgresql://…/server]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import app as application
import models
from models import Account, LicenceGroup, Order, OrderLine, Price, Renewal, Subscription
from shop import clock, database
from shop.operations import demo
from shop.pricing import periods
from shop.settings import Settings
from shop.subscriptions import renewals

BATCH_SIZE = 500
MAX_COST_RATIO = 1.5
"""The largest accepted ratio of CPU time per group, large run to small run."""
MAX_MEMORY_RATIO = 1.25
"""The largest accepted ratio of peak memory, large run to small run."""


def main() -> None:
    """Measure each size in a process of its own, print and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--postgresql", default="", help="the URL of an empty database")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_measure(options.one, options.postgresql)))
        return
    results = [measure_in_subprocess(size, options.postgresql) for size in options.sizes]
    for size, result in zip(options.sizes, results, strict=True):
        print(
            f"{size:>8,} groups  {size / result['seconds']:>8.1f} per second  "
            f"{result['processor']:>8.1f} s of CPU  {result['memory_mib']:>7.1f} MiB"
        )
    _compare(options.sizes, results)


def measure_in_subprocess(size: int, postgresql: str) -> dict[str, float]:
    """Renew ``size`` groups in a process of its own; return its seconds, CPU and memory."""
    command = [sys.executable, "-m", "bench.billing", "--one", str(size)]
    if postgresql:
        command += ["--postgresql", postgresql]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _compare(sizes: list[int], results: list[dict[str, float]]) -> None:
    small, large = results[0], results[-1]
    ratio = (large["processor"] / sizes[-1]) / (small["processor"] / sizes[0])
    memory = large["memory_mib"] / small["memory_mib"]
    print(f"a group costs {ratio:.2f} times as much, memory is {memory:.2f} times as high")
    if ratio > MAX_COST_RATIO or memory > MAX_MEMORY_RATIO:
        raise SystemExit("the large run costs too much")


def _measure(size: int, postgresql: str) -> dict[str, float]:
    with _shop(postgresql):
        _fill(size)
        clock.move_on(timedelta(days=32))
        before, began = time.process_time(), time.perf_counter()
        report = renewals.run_renewals()
        seconds, processor = time.perf_counter() - began, time.process_time() - before
        assert (report.renewed, report.failed) == (size, 0), vars(report)
        assert Renewal.select().count() == size
        assert renewals.run_renewals().renewed == 0
    # Kibibytes on Linux.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "processor": processor, "memory_mib": memory}


@contextmanager
def _shop(url: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        database_url = url or f"sqlite:///{Path(folder) / 'bench.db'}"
        environment = {"DATABASE_URL": database_url, "SECRET_KEY": "bench", "RATE_LIMITS": "off"}
        application.create_app(Settings.from_environment(environment))
        database.migrate()
        demo.publish()
        for table in (models.LedgerEntry, models.Renewal, models.Subscription):
            assert not table.select().exists(), "the database is not empty"
        yield
        models.database.close()


def _fill(size: int) -> None:
    """Insert ``size`` delivered groups of three licences, one per customer, due together."""
    for start in range(0, size, BATCH_SIZE):
        with models.database.atomic():
            _insert_batch(range(start, min(start + BATCH_SIZE, size)))
    models.database.execute_sql("ANALYZE")


def _insert_batch(numbers: range) -> None:
    now, price = clock.now(), Price.get(Price.offer == "business")
    period = periods.first_period(now)
    accounts = [_account(number) for number in numbers]
    Account.insert_many(accounts).execute()
    ids = _ids(Account, Account.nic_handle, [each["nic_handle"] for each in accounts])
    Order.insert_many(
        {
            "number": f"{number:09d}", "account": ids[f"bench-{number}"], "status": "delivered",
            "basket": f"b{number}", "language": "fr", "customer": {}, "net_cents": 2640,
            "vat_cents": 528, "total_cents": 3168, "vat_rate": 2000, "vat_code": "domestic:FR",
            "placed_at": now, "expires_at": now,
        }
        for number in numbers
    ).execute()  # fmt: skip
    orders = _ids(Order, Order.number, [f"{number:09d}" for number in numbers])
    OrderLine.insert_many(
        {
            "order": order, "position": 1, "offer": "business", "quantity": 3,
            "offer_name": "Office 365 Business", "unit_price_cents": 880, "net_cents": 2640,
        }
        for order in orders.values()
    ).execute()  # fmt: skip
    lines = _ids(OrderLine, OrderLine.order, list(orders.values()))
    LicenceGroup.insert_many(
        {
            "account": ids[f"bench-{number}"], "line": lines[orders[f"{number:09d}"]],
            "offer": "business", "name": f"o365-{number}", "domain": f"{number}.example",
            "display_name": f"Group {number}", "status": "installed", "places_taken": 3,
            "last_number": 3, "seats_unconfigured": 3, "created_at": now, "installed_at": now,
        }
        for number in numbers
    ).execute()  # fmt: skip
    groups = _ids(LicenceGroup, LicenceGroup.name, [f"o365-{number}" for number in numbers])
    Subscription.insert_many(
        {
            "group": groups[f"o365-{number}"], "account": ids[f"bench-{number}"],
            "anchor": periods.anchor_of(now), "started_at": now, "period_start": period.start,
            "period_end": period.end, "renews_on": period.end, "price": price,
        }
        for number in numbers
    ).execute()  # fmt: skip


def _account(number: int) -> dict[str, object]:
    return {
        "nic_handle": f"bench-{number}", "email": f"{number}@example.com", "password_hash": "-",
        "first_name": "Alice", "last_name": "Martin", "street": "1 rue", "postcode": "59000",
        "city": "Lille", "country": "FR", "created_at": clock.now(),
    }  # fmt: skip


def _ids(table: type[models.Table], named: object, names: list[object]) -> dict[object, int]:
    """Map the values of a column to the ids of their rows."""
    rows = table.select(named, table.id).where(named.in_(names)).tuples()
    return dict(rows)


if __name__ == "__main__":
    main()
