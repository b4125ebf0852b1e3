"""One call for all who ask at the same time, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Calls a function for the tasks of an event loop; the calls never overlap.

    Each task gets the result of a call that began after it asked. Tasks that ask while a call runs
    share the next one.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._thread = ThreadPoolExecutor(1, "single-flight")
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def call(self) -> T:
        """Return the result of a call that begins now or later. Raises what the function does."""
        if self._next is None:
            self._next = asyncio.create_task(self._call_after(self._running))
        # One client that goes away must not end the call of the others.
        return await asyncio.shield(self._next)

    async def _call_after(self, running: asyncio.Task[T] | None) -> T:
        if running is not None:
            await asyncio.wait([running])
        own, self._running, self._next = self._next, self._next, None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._function)
        finally:
            if self._running is own:
                self._running = None
