"""Test points: named places in the code where tests act, and the sandbox's clock.

The implementation for the sandbox is `shop.sandbox_link.switches`, which production never loads:
there a point costs one dictionary look-up and one call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from shop.settings import PerProcess

_hooks: dict[str, Callable[[], None]] = {}


class Controls(Protocol):
    """What may move this process's clock on, and pause it at a test point."""

    @property
    def clock_switch(self) -> str | None:
        """The name of the row that says how far the clock was moved on; None without one."""

    def follow_clock(self) -> None:
        """Set the clock for the request or job that begins."""

    def set_clock(self, moved_on: str | None) -> None:
        """Do the same by the value of the row, if there is one."""

    def pause_at(self, point: str) -> None:
        """Pause at a test point, if the sandbox asked for it."""


class Production:
    """The implementation for production: the sandbox controls nothing."""

    clock_switch = None

    def follow_clock(self) -> None:
        """Keep real time."""

    def set_clock(self, moved_on: str | None) -> None:
        """Keep real time."""

    def pause_at(self, point: str) -> None:
        """Return at once."""


controls = PerProcess[Controls](Production)
"""What controls the clock and the test points of this process."""


def follow_clock() -> None:
    """Set the clock for the request or job that begins to the sandbox's."""
    controls().follow_clock()


def clock_switch() -> str | None:
    """Return the name of the row for `set_clock`, for a statement that reads it with others."""
    return controls().clock_switch


def set_clock(moved_on: str | None) -> None:
    """Do what `follow_clock` does by the value of the row `clock_switch`, None without one."""
    controls().set_clock(moved_on)


def point(name: str) -> None:
    """Mark a test point: pause here if a test or the sandbox asked for it."""
    if name in _hooks:
        _hooks[name]()
    else:
        controls().pause_at(name)


def hook(name: str, action: Callable[[], None] | None) -> None:
    """Run ``action`` at a test point until further notice; None removes it.

    Tests use it for a concurrent operation or a barrier.
    """
    if action is None:
        _hooks.pop(name, None)
    else:
        _hooks[name] = action


def forget_hooks() -> None:
    """Remove the actions of all test points."""
    _hooks.clear()
