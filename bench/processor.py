"""The CPU time of a shop's processes, which other load on the machine does not distort."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
PARENT, FIRST, LAST = 1, 11, 14
"""Indices in ``/proc/<pid>/stat`` after the name: the parent, and four counts of clock ticks, of
the process itself and of its children that have ended."""

RESIDENT = 1
"""Index of the resident pages in ``/proc/<pid>/statm``."""

SERVICES = {"asgi": "web", "worker": "worker", "sandbox": "sandbox"}
"""The services of a shop, by a word of the command that starts each."""


@dataclass(frozen=True)
class _Process:
    parent: int
    seconds: float


def seconds_of_tree(root: int) -> float:
    """Return the CPU seconds of a process and its descendants; 0 without ``/proc``."""
    return sum(seconds_by_service(root).values(), 0.0)


def seconds_by_service(root: int) -> Mapping[str, float]:
    """Return the CPU seconds of a shop's processes by service; ``supervisor`` is what starts them.

    A process counts for the service of the nearest command above it that names one.
    """
    processes = _all_processes()
    seconds: dict[str, float] = defaultdict(float)
    for pid, service in _services(root, processes).items():
        seconds[service] += processes[pid].seconds
    return seconds


def memory_by_service(root: int) -> Mapping[str, float]:
    """Return the resident memory of a shop's processes by service, in MiB."""
    sizes: dict[str, float] = defaultdict(float)
    for pid, service in _services(root, _all_processes()).items():
        with suppress(OSError):
            pages = int((PROC / str(pid) / "statm").read_text().split()[RESIDENT])
            sizes[service] += pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return sizes


def _services(root: int, processes: Mapping[int, _Process]) -> dict[int, str]:
    """Return the service of each process of a shop, by its number."""
    found: dict[int, str] = {}
    family = {root: "supervisor"} if root in processes else {}
    while family:
        found |= family
        family = {
            pid: _service(pid) or family[process.parent]
            for pid, process in processes.items()
            if process.parent in family
        }
    return found


def _service(pid: int) -> str:
    with suppress(OSError):
        words = (PROC / str(pid) / "cmdline").read_text().split("\0")
        return next((SERVICES[word] for word in words if word in SERVICES), "")
    return ""


def _all_processes() -> dict[int, _Process]:
    found = {}
    for path in PROC.glob("[0-9]*/stat"):
        # A process may end while it is read.
        with suppress(OSError, ValueError):
            _, *rest = path.read_text().rpartition(")")[2].split()
            numbers = [0, *map(int, rest)]
            ticks = sum(numbers[FIRST : LAST + 1])
            found[int(path.parent.name)] = _Process(
                numbers[PARENT], ticks / os.sysconf("SC_CLK_TCK")
            )
    return found
