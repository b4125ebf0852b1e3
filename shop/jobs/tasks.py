"""Kinds of jobs as objects: called, they do the work; asked for ``later``, they queue it.

::

    @jobs.handles("deliver_order", attempts=20)
    def deliver_order(order: int) -> None: ...

    deliver_order.later(order=7)  # in the caller's transaction; once, however often it is asked for
    deliver_order.using(run_at=tomorrow).later(order=8)

A module that must not import the handler's module, for it lies above, asks for a task declared in
`shop.jobs.kinds`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, ParamSpec

from shop.jobs import queue
from shop.jobs.queue import Handler, Priority

P = ParamSpec("P")

FIRST_DELAY = timedelta(seconds=2)


class Task(Generic[P]):
    """One kind of job: what it is called with, and who handles it."""

    def __init__(self, kind: str, declaration: Callable[P, None]) -> None:
        functools.update_wrapper(self, declaration)
        self.kind = kind
        self._signature = inspect.signature(declaration)
        self._run: Callable[P, None] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Do the work now, in this thread."""
        if self._run is None:
            raise KeyError(f"nobody handles jobs of kind {self.kind!r}")
        self._run(*args, **kwargs)

    def handler(
        self,
        *,
        attempts: int = 8,
        first_delay: timedelta = FIRST_DELAY,
        give_up: Callable[..., None] | None = None,
        priority: Priority = Priority.USUAL,
    ) -> Callable[[Callable[P, None]], Task[P]]:
        """Make the decorated function the one that does the work; see `handles`."""

        def attach(run: Callable[P, None]) -> Task[P]:
            if self._run is not None:
                raise ValueError(f"jobs of kind {self.kind!r} have a handler already")
            self._run = run
            queue.register(self.kind, Handler(run, attempts, first_delay, give_up, priority))
            return self

        return attach

    @property
    def has_handler(self) -> bool:
        """Whether a function was attached that does the work."""
        return self._run is not None

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The unique key of the job with this payload: its kind and its values, with colons."""
        values = self._signature.bind(*args, **kwargs).arguments.values()
        return ":".join([self.kind, *map(str, values)])

    def later(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Queue the work in the caller's transaction; asking twice with one `key` asks once."""
        self.using().later(*args, **kwargs)

    def using(
        self,
        *,
        run_at: datetime | None = None,
        key: str | None = None,
        priority: Priority | None = None,
    ) -> Request[P]:
        """Ask otherwise: not before a time of the shop, under another key or priority."""
        return Request(self, run_at, key, priority)

    def payload(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, object]:
        """What a job keeps of these arguments."""
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
    """Something that happened, told to the one function above that acts on it: at once, and in
    the caller's transaction."""

    def __init__(self, declaration: Callable[P, None]) -> None:
        self.__doc__ = declaration.__doc__
        self.name = declaration.__name__
        self._receive: Callable[P, None] | None = None

    def receiver(self, receive: Callable[P, None]) -> Callable[P, None]:
        """Make the decorated function the one that acts on it."""
        if self._receive is not None:
            raise ValueError(f"{self.name!r} has a receiver already")
        self._receive = receive
        return receive

    def send(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Say that it happened. Raises `KeyError` if nothing acts on it."""
        if self._receive is None:
            raise KeyError(f"no receiver for {self.name!r}")
        self._receive(*args, **kwargs)

    @property
    def has_handler(self) -> bool:
        """Whether a function was attached that acts on it."""
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
    """Make a task of the decorated function, the handler of jobs of ``kind``.

    It is called with the job's payload as keywords, outside any transaction. After ``attempts``
    failures ``give_up`` is called with the same keywords and ``reason``. Delays between attempts
    double from ``first_delay``, up to an hour. ``priority`` is what these jobs have unless they are
    asked for with another one.
    """

    def register(run: Callable[P, None]) -> Task[P]:
        return Task(kind, run).handler(
            attempts=attempts, first_delay=first_delay, give_up=give_up, priority=priority
        )(run)

    return register


def declare(declaration: Callable[P, None]) -> Task[P]:
    """Make a task of a function without a body: its name is the kind, its parameters the payload.

    Its handler is attached elsewhere: ``@kinds.deliver_order.handler(attempts=20)``.
    """
    task = Task(declaration.__name__, declaration)
    _declared[task.kind] = task
    return task


def signal(declaration: Callable[P, None]) -> Signal[P]:
    """Make a signal of a function without a body: its parameters are what is told."""
    made = Signal(declaration)
    _declared[made.name] = made
    return made


def without_handler() -> Iterator[str]:
    """The names of declared tasks and signals that no imported module handles."""
    return (name for name, declared in _declared.items() if not declared.has_handler)
