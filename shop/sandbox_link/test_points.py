"""Where the sandbox reaches into the shop: a clock moved on, and pauses at critical moments.

In production neither is ever switched on, and a point costs one dictionary look-up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from records.jobs import SandboxSwitch
from shop import clock

CLOCK = "clock.moved_on_seconds"

_in_sandbox = False
_hooks: dict[str, Callable[[], None]] = {}


def listen_to_sandbox(listening: bool) -> None:
    """Whether this process follows the sandbox's clock and pauses."""
    global _in_sandbox
    _in_sandbox = listening


def follow_clock() -> None:
    """Run what comes now (a request, a job) by the sandbox's clock."""
    if _in_sandbox:
        seconds = _switch(CLOCK)
        clock.move_on(timedelta(seconds=float(seconds or 0)))


def point(name: str) -> None:
    """A critical moment: pause here if a test or the sandbox asked for it."""
    if name in _hooks:
        _hooks[name]()
    elif _in_sandbox and (seconds := _switch(f"pause.{name}")):
        time.sleep(min(float(seconds), 60))


def hook(name: str, action: Callable[[], None] | None) -> None:
    """Do ``action`` at a point from now on (tests: the rival act, or a barrier); None ends it."""
    if action is None:
        _hooks.pop(name, None)
    else:
        _hooks[name] = action


def forget_hooks() -> None:
    """No test's action is done at any point from now on."""
    _hooks.clear()


def switch(name: str, value: str) -> None:
    """Set one of the sandbox's switches; an empty value removes it."""
    if value:
        _upsert(name, value)
    else:
        SandboxSwitch.delete().where(SandboxSwitch.name == name).execute()


def _upsert(name: str, value: str) -> None:
    SandboxSwitch.insert(name=name, value=value).on_conflict(
        conflict_target=[SandboxSwitch.name], update={SandboxSwitch.value: value}
    ).execute()


def _switch(name: str) -> str:
    return str(
        SandboxSwitch.select(SandboxSwitch.value).where(SandboxSwitch.name == name).scalar() or ""
    )
