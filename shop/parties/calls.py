"""Calls to outside parties: a bound on those that wait for an answer at one time.

A bank that takes ten seconds must not take every thread of a web process with it: the calls above
the bound fail soon, as if the party had not answered, and a call that waits lets the process
compute other customers' pages.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from shop.errors import PartyUnavailable
from shop.settings import PerProcess

PATIENCE = 1.0
"""Seconds that a call above the bound waits for its place."""

BANK, PROVIDER, VAT_REGISTRY = "bank", "provider", "vat_registry"


class Calls:
    """The calls of one process: at most ``at_once`` to one party, any number without a bound.

    As many again wait for ``patience`` seconds at most: when several customers pay in the same
    moment, a party that answers promptly soon has a place for them. ``waiting`` is entered while a
    call waits for its place and for its answer.
    """

    def __init__(
        self,
        at_once: int | None = None,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
        patience: float = PATIENCE,
    ) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._patience = patience
        self._under_way: dict[str, int] = defaultdict(int)
        self._queued: dict[str, int] = defaultdict(int)
        self._changed = threading.Condition()

    @contextmanager
    def to(self, party: str) -> Iterator[None]:
        """Wait for an answer of ``party`` inside this context.

        Raise `PartyUnavailable` when the bound is reached: nothing was sent.
        """
        with self._waiting():
            self._take_place(party)
            try:
                yield
            finally:
                self._release_place(party)

    def queued(self, party: str) -> int:
        """Return how many calls wait for a place."""
        return self._queued[party]

    def _take_place(self, party: str) -> None:
        with self._changed:
            if not (self._has_place(party) or self._waited_for_place(party)):
                raise PartyUnavailable(f"{self._at_once} calls wait for the {party} already")
            self._under_way[party] += 1

    def _has_place(self, party: str) -> bool:
        return self._at_once is None or self._under_way[party] < self._at_once

    def _waited_for_place(self, party: str) -> bool:
        if self._at_once is None or self._queued[party] >= self._at_once:
            return False
        self._queued[party] += 1
        try:
            return self._changed.wait_for(lambda: self._has_place(party), self._patience)
        finally:
            self._queued[party] -= 1

    def _release_place(self, party: str) -> None:
        with self._changed:
            self._under_way[party] -= 1
            self._changed.notify_all()


calls = PerProcess(Calls)
"""The calls of this process."""
