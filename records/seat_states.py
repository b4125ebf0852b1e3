"""Where a seat stands, which moves are legal, and what a customer may do with it when."""

from __future__ import annotations

from enum import StrEnum


class SeatStatus(StrEnum):
    """Where a seat stands."""

    UNCONFIGURED = "unconfigured"
    ACTIVATING = "activating"
    ACTIVE = "active"
    UPDATING = "updating"
    RELEASING = "releasing"
    ERROR = "error"


SEAT_MOVES: dict[str, set[str]] = {
    SeatStatus.UNCONFIGURED: {SeatStatus.ACTIVATING},
    SeatStatus.ACTIVATING: {SeatStatus.ACTIVE, SeatStatus.ERROR},
    SeatStatus.ACTIVE: {SeatStatus.UPDATING, SeatStatus.RELEASING},
    SeatStatus.UPDATING: {SeatStatus.ACTIVE, SeatStatus.ERROR},
    SeatStatus.RELEASING: {SeatStatus.UNCONFIGURED, SeatStatus.ERROR},
    SeatStatus.ERROR: {SeatStatus.ACTIVATING, SeatStatus.UPDATING, SeatStatus.RELEASING},
}

UNCONFIGURED_NAME = "configureme"
"""The name a seat goes by until it is somebody's (guide)."""

MOVING = (SeatStatus.ACTIVATING, SeatStatus.UPDATING, SeatStatus.RELEASING)

NAMELESS = b"\xff"
"""What sorts unconfigured seats behind everybody who has a name: no UTF-8 text begins so."""

ACTS: dict[str, tuple[str, ...]] = {
    SeatStatus.UNCONFIGURED: ("configure",),
    SeatStatus.ACTIVE: ("edit", "password", "release"),
}
"""What customers may do with a seat, by its status; nothing while the provider is at work."""

ACTS_AFTER_ERROR: dict[str, tuple[str, ...]] = {
    "activate": ("retry", "edit", "release"),
    "edit": ("retry", "edit", "release"),
    "password": ("retry", "password", "release"),
    "release": ("retry",),
}
"""The same after an error, by what went wrong."""


class SeatAct(StrEnum):
    """What is being done to a seat, or was when it went wrong."""

    NONE = ""
    ACTIVATE = "activate"
    EDIT = "edit"
    PASSWORD = "password"
    RELEASE = "release"
