"""The fault driver on one short scenario; and its positive control, with a guard switched off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import driver
from tests.faults.running_shop import RunningShop
from tests.faults.scenarios import SCENARIOS, WORKER, Scenario
from tests.support import patience

pytestmark = [pytest.mark.waits]

INSTALLING = "SELECT count(*) FROM job WHERE kind = 'install_group' AND status = 'running'"

NO_SWEEP = """
import importlib.abc
import importlib.machinery
import sys


class WithoutSweep(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "shop.jobs.leases":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            module.sweep = lambda: 0

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, WithoutSweep())
"""
"""No process that starts with this file on its path queues again what a dead worker held."""


def kill_the_worker_that_installs(shop: RunningShop) -> None:
    """Kill the worker in the middle of an installation."""
    shop.pause("job.install_group", 2)
    patience.wait_until(lambda: bool(shop.query(INSTALLING)[0][0]), shop.work_done)
    shop.kill(WORKER)
    shop.pause("job.install_group", 0)


IN_AN_INSTALLATION = Scenario(
    "worker killed in an installation",
    kill_the_worker_that_installs,
    times=1,
    every=0,
    adding=False,
    loses_acceptance=True,
)


def test_nothing_is_lost_when_the_worker_is_killed_in_an_installation(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = new_database("faults")
    result = driver.run(IN_AN_INSTALLATION, tmp_path, url, customers=1, JOB_LEASE="2")
    assert result.is_sound, result


@pytest.mark.slow
def test_without_the_sweep_the_audit_finds_what_was_lost(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    folder = tmp_path / "guards"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(NO_SWEEP)
    url = new_database("faults")
    result = driver.run(
        IN_AN_INSTALLATION, tmp_path, url, customers=1, give_up=10, PYTHONPATH=str(folder)
    )
    assert any("is paid, and neither delivered nor refunded" in each for each in result.lost)
    assert any("is held by a worker that is gone" in each for each in result.lost)


def test_the_table_covers_what_may_break() -> None:
    names = [each.name for each in SCENARIOS]
    assert len(names) == len(set(names)) >= 24
    assert all(each.sqlite or each.postgresql for each in SCENARIOS)
