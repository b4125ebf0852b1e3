"""The fault driver on one short scenario; and its positive control, with a guard switched off."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import driver
from tests.faults.running_shop import RunningShop
from tests.faults.scenarios import SCENARIOS, WORKER, Scenario

pytestmark = [pytest.mark.waits]

INSTALLING = "SELECT count(*) FROM job WHERE kind = 'install_group' AND status = 'running'"

LIMIT = 60.0
"""Seconds until an installation has begun; the test needs a few."""

NO_SWEEP = """
import importlib.abc
import importlib.machinery
import sys


class WithoutSweep(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "shop.jobs.queue":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            module._overdue = lambda: module.Job.id < 0

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, WithoutSweep())
"""
"""Every process that starts with this file on its path never dispatches an overdue job again."""


def kill_the_worker_that_installs(shop: RunningShop) -> None:
    """Kill the worker in the middle of an installation."""
    shop.pause("job.install_group", 2)
    ends = time.monotonic() + LIMIT
    while not shop.query(INSTALLING)[0][0]:
        assert time.monotonic() < ends, "no installation began: this kill proves nothing"
        time.sleep(0.05)
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
