"""What the sandbox's controls switch in this shop: its clock, and pauses at critical moments.

The switches are rows, so that every process of the shop follows them. Nothing of this is imported
in production.
"""

from __future__ import annotations

import time
from datetime import timedelta

from records.jobs import SandboxSwitch
from shop import clock

CLOCK = "clock.moved_on_seconds"

LONGEST_PAUSE = 60.0


class Switches:
    """Makes a process follow the switches; see `shop.sandbox_link.test_points.Outside`."""

    def follow_clock(self) -> None:
        """Take over how far the sandbox's clock was moved on."""
        clock.move_on(timedelta(seconds=float(_value(CLOCK) or 0)))

    def pause_at(self, point: str) -> None:
        """Wait at a point for as long as the sandbox asked for."""
        if seconds := _value(f"pause.{point}"):
            time.sleep(min(float(seconds), LONGEST_PAUSE))


def switch(name: str, value: str) -> None:
    """Set one of the switches; an empty value removes it."""
    if value:
        _upsert(name, value)
    else:
        SandboxSwitch.delete().where(SandboxSwitch.name == name).execute()


def _upsert(name: str, value: str) -> None:
    SandboxSwitch.insert(name=name, value=value).on_conflict(
        conflict_target=[SandboxSwitch.name], update={SandboxSwitch.value: value}
    ).execute()


def _value(name: str) -> str:
    return str(
        SandboxSwitch.select(SandboxSwitch.value).where(SandboxSwitch.name == name).scalar() or ""
    )
