"""Named critical moments, at which tests act, and the sandbox's clock.

What the sandbox switches from outside is in `shop.sandbox_link.switches`, which production never
loads: a point costs one dictionary look-up and one call there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from shop.settings import PerProcess

_hooks: dict[str, Callable[[], None]] = {}


class Outside(Protocol):
    """What may move this process's clock, and pause it at a point."""

    def follow_clock(self) -> None:
        """Run what comes now by the clock of the outside."""

    def pause_at(self, point: str) -> None:
        """Wait at a point, if that was asked for."""


class Production:
    """Nothing from outside reaches the shop."""

    def follow_clock(self) -> None:
        """Leave the clock alone."""

    def pause_at(self, point: str) -> None:
        """Go on."""


outside = PerProcess[Outside](Production)
"""What reaches this process from outside."""


def follow_clock() -> None:
    """Run what comes now (a request, a job) by the sandbox's clock."""
    outside().follow_clock()


def point(name: str) -> None:
    """A critical moment: pause here if a test or the sandbox asked for it."""
    if name in _hooks:
        _hooks[name]()
    else:
        outside().pause_at(name)


def hook(name: str, action: Callable[[], None] | None) -> None:
    """Do ``action`` at a point from now on (tests: the rival act, or a barrier); None ends it."""
    if action is None:
        _hooks.pop(name, None)
    else:
        _hooks[name] = action


def forget_hooks() -> None:
    """No test's action is done at any point from now on."""
    _hooks.clear()
