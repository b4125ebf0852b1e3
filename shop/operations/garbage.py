"""How often a process that serves for long looks for garbage: objects that refer to each other."""

from __future__ import annotations

import gc

OBJECTS = 20_000
"""How many more objects there are each time; Python's own 700 took 7 % of a job's time."""


def look_rarely() -> None:
    """Look rarely, and never among what there is now: the program, its templates and texts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 20, 50)
