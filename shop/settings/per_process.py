"""What a process has one of: its settings, and what is made from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """What a process has one of: its settings, or a party made from them.

    Calling it gives the one of this process, made when it is first asked for. `set_up` in
    `shop.operations.composition` says how; setting up again with other settings makes another.
    """

    def __init__(self, make: Callable[[], T] | None = None) -> None:
        self._make = make
        self._made: T | None = None
        self._stand_in: T | None = None
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """The one of this process."""
        if self._stand_in is not None:
            return self._stand_in
        made = self._made
        return self._make_once() if made is None else made

    def _make_once(self) -> T:
        with self._lock:
            if self._made is None:
                if self._make is None:
                    raise RuntimeError("set_up() comes first")
                self._made = self._make()
            return self._made

    def made_by(self, make: Callable[[], T]) -> None:
        """Have it made so from now on; the one made before is forgotten."""
        with self._lock:
            self._make, self._made = make, None

    @contextmanager
    def using(self, stand_in: T) -> Iterator[T]:
        """Put another one in its place for a while, whatever is set up meanwhile (for tests)."""
        before, self._stand_in = self._stand_in, stand_in
        try:
            yield stand_in
        finally:
            self._stand_in = before
