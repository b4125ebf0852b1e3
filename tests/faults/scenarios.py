"""What breaks while customers buy: the table of the fault driver."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.running_shop import RunningShop

Act = Callable[[RunningShop], None]

WEB, WORKER, SANDBOX = "asgi", "worker", "sandbox"
"""A word in the commands of each kind of process; the sandbox is bank and provider."""

MONTH = 31 * 86400


@dataclass(frozen=True)
class Scenario:
    """A fault, injected ``times`` times with ``every`` seconds between.

    ``mend`` ends a fault that lasts. ``loses_acceptance`` marks faults that can come between the
    mail server's acceptance of an e-mail and its record: there one further attempt is right, if
    the first is on record. Where ``adding``, customers order a further licence for their group.
    """

    name: str
    act: Act
    times: int = 4
    every: float = 2.0
    mend: Act = field(default=lambda shop: None)
    sqlite: bool = True
    postgresql: bool = True
    workers: int = 1
    loses_acceptance: bool = False
    adding: bool = True

    def runs_on(self, *, sqlite: bool) -> bool:
        """Whether the fault exists on this database."""
        return self.sqlite if sqlite else self.postgresql


def killing(word: str) -> Act:
    """Kill a process of a kind."""
    return lambda shop: shop.kill(word)


def switching(**values: object) -> Act:
    """Set switches of the sandbox."""
    return lambda shop: shop.switch(**values)


def off(*names: str) -> Act:
    """Set switches of the sandbox off."""
    return lambda shop: shop.switch(**dict.fromkeys(names, ""))


def mailing(**values: object) -> Act:
    """Change the mail server."""

    def change(shop: RunningShop) -> None:
        for name, value in values.items():
            setattr(shop.mailbox, name, value)

    return change


def kill_anything(shop: RunningShop) -> None:
    """Kill a process of any kind."""
    shop.kill(random.choice((WEB, WORKER, SANDBOX)))


def fill_disk(shop: RunningShop) -> None:
    """Let the disk be full for two seconds."""
    shop.limit_files(4096)
    time.sleep(2)
    shop.limit_files(-1)


NAMES = ("bank_failing_calls", "bank_lost_answers", "bank_response_delay")

SCENARIOS = (
    Scenario("nothing breaks", lambda shop: None, times=1),
    Scenario("eight workers", lambda shop: None, times=1, workers=8),
    Scenario("web killed", killing(WEB)),
    Scenario("worker killed", killing(WORKER), loses_acceptance=True),
    Scenario("one of two workers killed", killing(WORKER), workers=2, loses_acceptance=True),
    Scenario("bank and provider killed", killing(SANDBOX)),
    Scenario("anything killed", kill_anything, times=6, workers=2, loses_acceptance=True),
    Scenario("power cut", RunningShop.power_cut, times=2, every=4, loses_acceptance=True),
    Scenario("database locked", lambda shop: shop.lock_database(6), times=2, loses_acceptance=True),
    Scenario("connections cut", RunningShop.cut_connections, sqlite=False, loses_acceptance=True),
    Scenario(
        "database stopped", lambda shop: shop.stop_database(4), times=2, every=4, sqlite=False,
        loses_acceptance=True,
    ),
    Scenario("disk full", fill_disk, times=2, postgresql=False, loses_acceptance=True),
    Scenario(
        "bank slow", switching(bank_response_delay=3), times=1, every=8,
        mend=off("bank_response_delay"),
    ),
    Scenario("bank failing", switching(bank_failing_calls=3)),
    Scenario("bank losing answers", switching(bank_lost_answers=3)),
    Scenario(
        "bank decides late", switching(bank_outcome_delay=3), times=1, every=8,
        mend=off("bank_outcome_delay"),
    ),
    Scenario(
        "notifications doubled", switching(notifications_doubled=True), times=1, every=8,
        mend=off("notifications_doubled"),
    ),
    Scenario(
        "notifications withheld", switching(notifications_withheld=True), times=1, every=8,
        mend=off("notifications_withheld"),
    ),
    Scenario(
        "provider slow", switching(provider_response_delay=2), times=1, every=8,
        mend=off("provider_response_delay"),
    ),
    Scenario("provider failing", switching(provider_failing_calls=4)),
    Scenario("provider losing answers", switching(provider_lost_answers=4)),
    Scenario(
        "mail server refusing", mailing(refusal="451 Try later"), times=1, every=6,
        mend=mailing(refusal=""),
    ),
    Scenario(
        "mail server unreachable", lambda shop: shop.mailbox.close(), times=1, every=6,
        mend=lambda shop: shop.mailbox.open(), loses_acceptance=True,
    ),
    Scenario("mail server hanging", mailing(delay=4.0), times=1, every=6, mend=mailing(delay=0.0)),
    Scenario("mail server losing answers", mailing(lost_answers=2), loses_acceptance=True),
    Scenario(
        "months pass", lambda shop: shop.advance_clock(MONTH), times=4, every=3,
    ),
)  # fmt: skip
"""The table: scenario by scenario, each on both databases where the fault exists there."""
