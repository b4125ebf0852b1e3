"""The CPU time of a shop's processes, which other load on the machine does not distort."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
PARENT, FIRST, LAST = 1, 11, 14
"""Indices in ``/proc/<pid>/stat`` after the name: the parent, and four counts of clock ticks, of
the process itself and of its children that have ended."""


def seconds_of_tree(root: int) -> float:
    """Return the CPU seconds of a process and its descendants; 0 without ``/proc``."""
    stats = _all_processes()
    if root not in stats:
        return 0.0
    family = {root}
    while found := {pid for pid, stat in stats.items() if stat[PARENT] in family} - family:
        family |= found
    ticks = sum(sum(stats[pid][FIRST : LAST + 1]) for pid in family)
    return ticks / os.sysconf("SC_CLK_TCK")


def _all_processes() -> dict[int, list[int]]:
    stats = {}
    for path in PROC.glob("[0-9]*/stat"):
        # A process may end while it is read.
        with suppress(OSError, ValueError):
            state, *numbers = path.read_text().rpartition(")")[2].split()
            stats[int(path.parent.name)] = [ord(state), *map(int, numbers)]
    return stats
