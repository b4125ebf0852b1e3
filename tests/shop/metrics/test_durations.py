"""Histograms of requests and jobs over all processes, and the length of the queue in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import peewee
import pytest
import time_machine
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

import models
from models import DurationCount, Job
from shop import clock as shop_clock
from shop.jobs import queue
from shop.jobs.priorities import Priority
from shop.metrics import durations
from shop.operations import monitoring
from tests.support import cast, purchases, racing
from tests.support.client import CheckingClient
from tests.support.work import KIND, Work


@pytest.fixture(autouse=True)
def _nothing_counted(app: Flask) -> Iterator[None]:
    durations._pending.clear()
    yield
    durations._pending.clear()


def samples(client: CheckingClient, name: str) -> dict[frozenset[str], float]:
    """Return the samples of a metric by their labels' values."""
    text = client.get("/metrics").text
    return {
        frozenset({sample.name, *sample.labels.values()}): sample.value
        for family in text_string_to_metric_families(text)
        if family.name == name
        for sample in family.samples
    }


def test_requests_and_jobs_are_in_the_metrics(
    client: CheckingClient, drain: Callable[[], int]
) -> None:
    client.get("/fr/order")
    client.get("/en/order")
    client.get("/nowhere")
    purchases.place(cast.register(cast.ALICE))
    assert drain()
    requests = samples(client, "shop_request_seconds")
    page = frozenset({"GET", "/<language:lang>/order", "200"})
    assert requests[page | {"shop_request_seconds_count"}] == 2
    assert requests[page | {"shop_request_seconds_bucket", "+Inf"}] == 2
    assert 0 < requests[page | {"shop_request_seconds_sum"}] < 60
    assert requests[frozenset({"shop_request_seconds_count", "GET", "none", "404"})] == 1
    jobs = samples(client, "shop_job_seconds")
    assert jobs[frozenset({"shop_job_seconds_count", "send_letter", "done"})] >= 1


def test_buckets_are_cumulative_over_all_processes(client: CheckingClient) -> None:
    for seconds in (0.01, 0.02, 0.3, 0.3, 500):
        durations.observe(durations.JOBS, "a done", seconds)
    durations.flush()
    # Another process counts for itself, and adds to the same rows.
    for seconds in (0.3, 3):
        durations.observe(durations.JOBS, "a done", seconds)
    durations.flush()
    (histogram,) = durations.histograms()[durations.JOBS]
    assert dict(histogram.buckets) | {} == {
        "0.01": 1, "0.025": 2, "0.05": 2, "0.1": 2, "0.25": 2, "0.5": 5, "1": 5, "2.5": 5,
        "5": 6, "10": 6, "30": 6, "120": 6, "+Inf": 7,
    }  # fmt: skip
    assert histogram.seconds == pytest.approx(503.93)


def test_processes_that_flush_at_once_lose_nothing(app: Flask) -> None:
    durations.observe(durations.JOBS, "a done", 0.1)
    durations.flush()
    racing.race(lambda: durations._add([(durations.JOBS, "a done", "0.1", 1, 0.1)]), 8)
    assert DurationCount.get(DurationCount.label == "a done").count == 9


def test_counts_outlive_an_outage(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise peewee.OperationalError("away")

    durations.observe(durations.JOBS, "a done", 0.1)
    with monkeypatch.context() as patched:
        patched.setattr(models.database.obj, "execute_sql", fail)
        with pytest.raises(peewee.OperationalError):
            durations.flush()
    durations.observe(durations.JOBS, "a done", 0.1)
    durations.flush()
    assert DurationCount.get().count == 2


def test_the_queue_is_said_in_time_and_raises_an_alarm(
    client: CheckingClient, clock: time_machine.Traveller, work: Work
) -> None:
    Job.delete().execute()
    assert set(monitoring.queue_seconds().values()) == {0}
    for key, priority in (("a", Priority.LETTER), ("b", Priority.AWAITED), ("c", Priority.BULK)):
        queue.enqueue(KIND, key, priority=priority, number=1)
    later = shop_clock.now() + timedelta(days=1)
    queue.enqueue(KIND, "d", priority=Priority.PAID, run_at=later, number=1)
    clock.shift(timedelta(seconds=90))
    assert monitoring.queue_seconds() == pytest.approx(
        {"awaited": 90, "paid": 0, "usual": 0, "letter": 90, "bulk": 90}, abs=5
    )
    assert samples(client, "shop_queue_seconds")[frozenset({"shop_queue_seconds", "awaited"})] > 85
    assert monitoring.alarms()["long_queues"] == 1
    clock.shift(timedelta(minutes=15))
    assert monitoring.alarms()["long_queues"] == 2
    clock.shift(timedelta(hours=5))
    assert monitoring.alarms()["long_queues"] == 3
