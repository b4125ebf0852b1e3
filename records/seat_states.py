"""The statuses of a seat, their legal moves, and the customer's actions allowed in each."""

from __future__ import annotations

from enum import StrEnum


class SeatStatus(StrEnum):
    """The status of a seat."""

    UNCONFIGURED = "unconfigured"
    ACTIVATING = "activating"
    ACTIVE = "active"
    UPDATING = "updating"
    RELEASING = "releasing"
    ERROR = "error"
    ENDED = "ended"


SEAT_MOVES: dict[str, set[str]] = {
    SeatStatus.UNCONFIGURED: {SeatStatus.ACTIVATING, SeatStatus.ENDED},
    SeatStatus.ACTIVATING: {SeatStatus.ACTIVE, SeatStatus.ERROR, SeatStatus.ENDED},
    SeatStatus.ACTIVE: {SeatStatus.UPDATING, SeatStatus.RELEASING, SeatStatus.ENDED},
    SeatStatus.UPDATING: {SeatStatus.ACTIVE, SeatStatus.ERROR, SeatStatus.ENDED},
    SeatStatus.RELEASING: {SeatStatus.UNCONFIGURED, SeatStatus.ERROR, SeatStatus.ENDED},
    SeatStatus.ERROR: {
        SeatStatus.ACTIVATING,
        SeatStatus.UPDATING,
        SeatStatus.RELEASING,
        SeatStatus.ENDED,
    },
    SeatStatus.ENDED: set(),
}
"""A seat ends with its group, in any status; it keeps the names of its last holder."""

UNCONFIGURED_NAME = "configureme"
"""The name of a seat until it has a holder (guide)."""

MOVING = (SeatStatus.ACTIVATING, SeatStatus.UPDATING, SeatStatus.RELEASING)

NAMELESS = b"\xff"
"""Sorts unconfigured seats after every name: no UTF-8 text begins with this byte."""

ACTS: dict[str, tuple[str, ...]] = {
    SeatStatus.UNCONFIGURED: ("configure",),
    SeatStatus.ACTIVE: ("edit", "password", "release"),
}
"""The actions customers may take on a seat, by its status; none while the provider is working."""

ACTS_AFTER_ERROR: dict[str, tuple[str, ...]] = {
    "activate": ("retry", "edit", "release"),
    "edit": ("retry", "edit", "release"),
    "password": ("retry", "password", "release"),
    "release": ("retry",),
}
"""The actions customers may take after an error, by the action that failed."""


class SeatAct(StrEnum):
    """The action in progress on a seat, or the one that failed."""

    NONE = ""
    ACTIVATE = "activate"
    EDIT = "edit"
    PASSWORD = "password"
    RELEASE = "release"
