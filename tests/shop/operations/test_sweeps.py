"""What workers look for again and again is found by indexes, however much there is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models import Account
from shop import clock
from shop.jobs import leases, priorities
from shop.licences import counts
from shop.licences.seats import idle
from shop.operations import monitoring, worker
from shop.payments import payouts
from shop.personal_data import retention
from shop.subscriptions import price_changes, renewal_notices, renewals, vat_checks
from tests.support import queries
from tests.support.belongings import Belongings

SWEEPS: dict[str, Callable[[], object]] = {
    "expired rows": worker.delete_expired,
    "parts of counts": lambda: (counts.add_up(), priorities.oldest_due()),
    "runs": renewals.queue_runs,
    "renewals": renewals.run_renewals,
    "notices": lambda: renewal_notices.announce_all(clock.today()),
    "VAT numbers": vat_checks.check_vat_numbers,
    "prices": price_changes.announce_all,
    "payouts": payouts.fetch_payouts,
    "sign-ins": lambda: idle.next_to_ask(0, 0, 100),
    "dead workers": leases.sweep,
    "waiting jobs": priorities.oldest_due,
    "figures": monitoring.by_status,
    "alarms": monitoring.alarms,
    **{rule.name: lambda rule=rule: list(rule.due()) for rule in retention.RULES},
}

FEW = ("offer", "price", "contract", "missing_glyph")
"""Tables with few rows, in however large a shop."""

OF_FEW = ("licence_group_with_people", "account_with_vat_number", "payout_line_open",
          "vat_check_misfit", "missing_glyph")  # fmt: skip
"""Indexes of few rows of a table."""


@pytest.mark.parametrize("name", SWEEPS)
def test_no_sweep_reads_a_large_table(alices: Belongings, name: str) -> None:
    scanned = [line for line in queries.scanned_by(SWEEPS[name]) if "counted" not in line]
    left = [line for line in scanned if not any(index in line for index in OF_FEW)]
    if name == "prices":
        assert len(left) <= 1, "the offers are few"
    else:
        assert left == []


def test_control_a_search_by_a_column_without_an_index_reads_it(alices: Belongings) -> None:
    read = lambda: list(Account.select().where(Account.city == "Lille"))  # noqa: E731
    assert queries.scanned_by(read) != []
