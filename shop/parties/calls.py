"""Calls to outside parties: a bound on those that wait for an answer at one time.

A bank that takes ten seconds must not take every thread of a web process with it: the calls above
the bound fail at once, as if the party had not answered, and a call that waits lets the process
compute other customers' pages.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from shop.errors import PartyUnavailable
from shop.settings import PerProcess

BANK, PROVIDER, VAT_REGISTRY = "bank", "provider", "vat_registry"


class Calls:
    """The calls of one process: at most ``at_once`` to one party, any number without a bound.

    ``waiting`` is entered while a call waits for its answer.
    """

    def __init__(
        self,
        at_once: int | None = None,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._under_way: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    @contextmanager
    def to(self, party: str) -> Iterator[None]:
        """Wait for an answer of ``party`` inside this context.

        Raise `PartyUnavailable` when the bound is reached: nothing was sent.
        """
        with self._lock:
            if self._at_once is not None and self._under_way[party] >= self._at_once:
                raise PartyUnavailable(f"{self._at_once} calls wait for the {party} already")
            self._under_way[party] += 1
        try:
            with self._waiting():
                yield
        finally:
            with self._lock:
                self._under_way[party] -= 1


calls = PerProcess(Calls)
"""The calls of this process."""
