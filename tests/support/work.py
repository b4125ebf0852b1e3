"""Jobs of tests: a handler that notes what it was asked, and does what the test tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models import Job, database
from shop.jobs import queue

KIND = "a_job_of_tests"


class Work:
    """What was done and given up; ``act`` is what doing it means, nothing by default."""

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
        """Take note that a job was given up."""
        self.given_up.append(payload)


def fail() -> None:
    """What goes wrong, as an act."""
    raise ValueError("out of paper")


def ask(key: str = "one", **payload: Any) -> None:
    """Ask for a job of tests."""
    queue.enqueue(KIND, key, **payload)


def the_job() -> Job:
    """The job of tests as it stands; there is one."""
    job: Job = Job.get(Job.kind == KIND)
    return job


def messages() -> int:
    """How many jobs were handed to the queue and not taken from it."""
    return int(queue.huey().pending_count())


def lose_messages() -> None:
    """Empty the queue, as a crash might."""
    queue.huey().flush()
