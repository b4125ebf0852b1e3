"""Singletons of a process: its settings, and the objects made from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A singleton of the process: its settings, or an adapter made from them.

    A call returns the instance, made lazily by the factory that `set_up` in
    `shop.operations.composition` sets; setting up again with other settings makes another one.
    """

    def __init__(self, make: Callable[[], T] | None = None) -> None:
        self._make = make
        self._made: T | None = None
        self._override: T | None = None
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """Return the instance of this process."""
        if self._override is not None:
            return self._override
        made = self._made
        return self._make_once() if made is None else made

    def _make_once(self) -> T:
        with self._lock:
            if self._made is None:
                if self._make is None:
                    raise RuntimeError("set_up() comes first")
                self._made = self._make()
            return self._made

    def set_factory(self, make: Callable[[], T]) -> None:
        """Set the factory; the instance made before is dropped."""
        with self._lock:
            self._make, self._made = make, None

    @contextmanager
    def using(self, stand_in: T) -> Iterator[T]:
        """Replace the instance within the context, whatever factory is set there (for tests)."""
        before, self._override = self._override, stand_in
        try:
            yield stand_in
        finally:
            self._override = before
