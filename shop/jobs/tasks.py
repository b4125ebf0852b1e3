"""Tasks: kinds of jobs as objects. A call does the work; ``later`` queues it.

::

    @jobs.handles("deliver_order", attempts=20)
    def deliver_order(order: int) -> None: ...

    deliver_order.later(order=7)  # in the caller's transaction; idempotent
    deliver_order.using(run_at=tomorrow).later(order=8)

A module that must not import the handler's module, because that is a higher layer, uses a task
declared in `shop.jobs.kinds`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, ParamSpec

from shop.jobs import queue
from shop.jobs.priorities import Priority
from shop.jobs.queue import Handler

P = ParamSpec("P")

FIRST_DELAY = timedelta(seconds=2)


class Task(Generic[P]):
    """One kind of job: its parameters and its handler."""

    def __init__(self, kind: str, declaration: Callable[P, None]) -> None:
        functools.update_wrapper(self, declaration)
        self.kind = kind
        self._signature = inspect.signature(declaration)
        self._run: Callable[P, None] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Do the work now, in this thread. Raise `KeyError` if the task has no handler."""
        if self._run is None:
            raise KeyError(f"no handler for jobs of kind {self.kind!r}")
        with queue.on_its_own():
            self._run(*args, **kwargs)

    def handler(
        self,
        *,
        attempts: int = 8,
        first_delay: timedelta = FIRST_DELAY,
        give_up: Callable[..., None] | None = None,
        priority: Priority = Priority.USUAL,
    ) -> Callable[[Callable[P, None]], Task[P]]:
        """Attach the decorated function as the handler; see `handles` for the options."""

        def attach(run: Callable[P, None]) -> Task[P]:
            if self._run is not None:
                raise ValueError(f"jobs of kind {self.kind!r} have a handler already")
            self._run = run
            queue.register_handler(
                self.kind, Handler(run, attempts, first_delay, give_up, priority)
            )
            return self

        return attach

    @property
    def has_handler(self) -> bool:
        """Whether a handler is attached."""
        return self._run is not None

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the unique key of the job with this payload: ``kind:value:value``."""
        values = self._signature.bind(*args, **kwargs).arguments.values()
        return ":".join([self.kind, *map(str, values)])

    def later(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Queue the work in the caller's transaction; idempotent per `key`."""
        self.using().later(*args, **kwargs)

    def using(
        self,
        *,
        run_at: datetime | None = None,
        key: str | None = None,
        priority: Priority | None = None,
    ) -> Request[P]:
        """Set options for one request: the earliest time (the shop's), another key or priority."""
        return Request(self, run_at, key, priority)

    def payload(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, object]:
        """Return the arguments by name, as the job stores them."""
        return dict(self._signature.bind(*args, **kwargs).arguments)


@dataclass(frozen=True)
class Request(Generic[P]):
    """A task with the options it will be queued with."""

    task: Task[P]
    run_at: datetime | None
    key: str | None
    priority: Priority | None

    def later(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Queue the work; see `Task.later`."""
        queue.enqueue(
            self.task.kind,
            self.task.key(*args, **kwargs) if self.key is None else self.key,
            run_at=self.run_at,
            priority=self.priority,
            **self.task.payload(*args, **kwargs),
        )


class Signal(Generic[P]):
    """An event with one receiver in a higher layer, called at once in the caller's transaction."""

    def __init__(self, declaration: Callable[P, None]) -> None:
        self.__doc__ = declaration.__doc__
        self.name = declaration.__name__
        self._receive: Callable[P, None] | None = None

    def receiver(self, receive: Callable[P, None]) -> Callable[P, None]:
        """Attach the decorated function as the receiver."""
        if self._receive is not None:
            raise ValueError(f"{self.name!r} has a receiver already")
        self._receive = receive
        return receive

    def send(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call the receiver. Raise `KeyError` if there is none."""
        if self._receive is None:
            raise KeyError(f"no receiver for {self.name!r}")
        self._receive(*args, **kwargs)

    @property
    def has_handler(self) -> bool:
        """Whether a receiver is attached."""
        return self._receive is not None


_declared: dict[str, Task[...] | Signal[...]] = {}


def handles(
    kind: str,
    *,
    attempts: int = 8,
    first_delay: timedelta = FIRST_DELAY,
    give_up: Callable[..., None] | None = None,
    priority: Priority = Priority.USUAL,
) -> Callable[[Callable[P, None]], Task[P]]:
    """Make the decorated function a task: the handler of jobs of ``kind``.

    It is called with the job's payload as keyword arguments, outside any transaction. After
    ``attempts`` failures ``give_up`` is called with the same arguments and ``reason``. Delays
    between attempts double from ``first_delay``, up to an hour. ``priority`` is the default.
    """

    def register(run: Callable[P, None]) -> Task[P]:
        return Task(kind, run).handler(
            attempts=attempts, first_delay=first_delay, give_up=give_up, priority=priority
        )(run)

    return register


def declare(declaration: Callable[P, None]) -> Task[P]:
    """Make a task of an empty function: its name is the kind, its parameters the payload.

    The handler is attached elsewhere: ``@kinds.deliver_order.handler(attempts=20)``.
    """
    task = Task(declaration.__name__, declaration)
    _declared[task.kind] = task
    return task


def signal(declaration: Callable[P, None]) -> Signal[P]:
    """Make a signal of an empty function: its parameters are the arguments of the receiver."""
    made = Signal(declaration)
    _declared[made.name] = made
    return made


def without_handler() -> Iterator[str]:
    """Return the names of declared tasks and signals without a handler in any imported module."""
    return (name for name, declared in _declared.items() if not declared.has_handler)
