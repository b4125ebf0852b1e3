"""The switches that the sandbox sets in this shop: its clock, and pauses at test points.

The switches are rows, so that every process of the shop reads them. Production never imports
this module.
"""

from __future__ import annotations

import time
from datetime import timedelta

from records.base import database
from records.jobs import SandboxSwitch
from shop import clock

CLOCK = "clock.moved_on_seconds"

LONGEST_PAUSE = 60.0


class Switches:
    """Applies the switches to a process; implements `shop.sandbox_link.test_points.Controls`."""

    clock_switch = CLOCK

    def follow_clock(self) -> None:
        """Move this process's clock on as far as the sandbox's."""
        self.set_clock(_value(CLOCK))

    def set_clock(self, moved_on: str | None) -> None:
        """Move this process's clock on by the value of its switch."""
        clock.move_on(timedelta(seconds=float(moved_on or 0)))

    def pause_at(self, point: str) -> None:
        """Sleep at a test point for as long as its switch says."""
        if seconds := _value(f"pause.{point}"):
            time.sleep(min(float(seconds), LONGEST_PAUSE))


def switch(name: str, value: str) -> None:
    """Set a switch; an empty value removes it."""
    if value:
        _upsert(name, value)
    else:
        SandboxSwitch.delete().where(SandboxSwitch.name == name).execute()


def _upsert(name: str, value: str) -> None:
    SandboxSwitch.insert(name=name, value=value).on_conflict(
        conflict_target=[SandboxSwitch.name], update={SandboxSwitch.value: value}
    ).execute()


VALUE = "SELECT value FROM sandbox_switch WHERE name = ?"
"""A constant: this is read for every request, also for those that need nothing else."""


def _value(name: str) -> str:
    row = database.execute_sql(VALUE.replace("?", database.param), (name,)).fetchone()
    return str(row[0]) if row else ""
