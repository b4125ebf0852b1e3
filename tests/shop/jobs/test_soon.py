"""A worker is reminded of jobs that it put off for less than a second."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from shop import jobs
from shop.jobs import queue, soon
from shop.jobs.priorities import Priority
from shop.jobs.soon import HORIZON, Reminders


def test_the_next_moment_is_the_soonest() -> None:
    reminders = Reminders()
    assert reminders.next_in() == math.inf
    reminders.add(HORIZON * 0.9)
    reminders.add(HORIZON * 0.5)
    reminders.add(HORIZON)
    assert 0 < reminders.next_in() <= HORIZON * 0.5


def test_a_moment_that_is_over_is_forgotten() -> None:
    reminders = Reminders()
    reminders.add(0)
    assert reminders.next_in() == math.inf


@pytest.mark.parametrize(("delay", "is_reminded"), [(0.5, True), (60.0, False)])
def test_a_job_that_is_put_off_reminds_the_worker(
    app: object, monkeypatch: pytest.MonkeyPatch, delay: float, is_reminded: bool
) -> None:
    monkeypatch.setattr(queue, "put_off", soon.Reminders())
    kind = f"waits_{delay}"

    def wait() -> None:
        raise jobs.Later(timedelta(seconds=delay))

    monkeypatch.setitem(
        queue._handlers,
        kind,
        queue.Handler(wait, 1, timedelta(seconds=1), None, Priority.USUAL),
    )
    queue.enqueue(kind, key=kind)
    assert queue.run_next()
    assert (queue.put_off.next_in() <= delay) == is_reminded
