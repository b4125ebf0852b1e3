"""Jobs for tests: a handler that records its calls and runs an act of the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models import Job, database
from shop.jobs import priorities, queue

KIND = "a_job_of_tests"


class Work:
    """The jobs done and given up; ``act`` is what the handler does, nothing by default."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []
        self.given_up: list[dict[str, Any]] = []
        self.act: Callable[[], None] = lambda: None

    def run(self, **payload: Any) -> None:
        """Handle a job."""
        assert not database.in_transaction(), "handlers open their own transactions"
        self.done.append(payload)
        self.act()

    def give_up(self, **payload: Any) -> None:
        """Record that a job was given up."""
        self.given_up.append(payload)


def fail() -> None:
    """Fail, as an act of a handler."""
    raise ValueError("out of paper")


def enqueue_job(key: str = "one", **payload: Any) -> None:
    """Enqueue a job for tests."""
    queue.enqueue(KIND, key, **payload)


def the_job() -> Job:
    """Return the only job for tests."""
    job: Job = Job.get(Job.kind == KIND)
    return job


def waiting() -> int:
    """Return the number of jobs that wait for a worker and are due."""
    return len(priorities.due_jobs(1000))
