"""Run a scenario: customers buy while faults are injected, until the audit finds nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults.buyer import Buyer
from tests.faults.running_shop import RunningShop, running
from tests.faults.scenarios import Scenario
from tests.support import patience


@dataclass(frozen=True)
class Result:
    """What a scenario showed; the lists are empty where nothing was lost and nothing doubled.

    ``recovery`` counts the seconds from the last fault until the audit found nothing. Where
    ``is_cut``, the time was over before, and it shows nothing.
    """

    scenario: str
    faults: int
    customers: int
    lost: list[str]
    doubled: list[str]
    recovery: float
    is_cut: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return not self.lost and not self.doubled


def run(
    scenario: Scenario,
    folder: Path,
    database_url: str,
    *,
    customers: int = 3,
    give_up: float = patience.STUCK,
    ends: float = math.inf,
    **changes: str,
) -> Result:
    """Serve a shop on an empty database, and let customers buy while the scenario's faults come.

    Customers and audit give up when the shop has done nothing for ``give_up`` seconds, and at
    ``ends`` (of the monotonic clock) at the latest.
    """
    with running(folder, database_url, **changes) as shop:
        shop.add_workers(scenario.workers - 1)
        return observe(shop, scenario, customers, give_up, ends)


def observe(
    shop: RunningShop,
    scenario: Scenario,
    customers: int,
    give_up: float = patience.STUCK,
    ends: float = math.inf,
) -> Result:
    """Let customers buy at a running shop while the scenario's faults come, then audit it."""
    accounts = [shop.new_account() for _ in range(customers)]
    with ThreadPoolExecutor(customers) as pool:
        buying = [
            pool.submit(
                Buyer(shop.url, each, _end_of_patience(shop, give_up, ends)).buy,
                adding=scenario.adding,
            )
            for each in accounts
        ]
        for _ in range(scenario.times):
            if time.monotonic() > ends:
                break
            scenario.act(shop)
            time.sleep(scenario.every)
        scenario.mend(shop)
        last = time.monotonic()
        failed = [str(each) for each in (future.exception() for future in buying) if each]
    settled = settle(shop, _end_of_patience(shop, give_up, ends))
    recovery = time.monotonic() - last
    lost = [f"a customer could not buy: {each}" for each in failed] + settled
    emails = shop.doubled_emails(may_repeat=scenario.loses_acceptance)
    doubled = [*shop.differences_at_bank(), *emails]
    is_cut = bool(lost) and time.monotonic() > ends
    return Result(scenario.name, scenario.times, customers, lost, doubled, recovery, is_cut)


def _end_of_patience(shop: RunningShop, give_up: float, ends: float) -> Callable[[], bool]:
    watch = patience.Watch(shop.work_done, give_up)
    return lambda: time.monotonic() > ends or watch.is_stuck()


def settle(shop: RunningShop, gives_up: Callable[[], bool]) -> list[str]:
    """Return what the audit still finds when no more work is done."""
    while faults := shop.audit():
        if gives_up():
            return faults
        time.sleep(1)
    return []
