"""How the texts of environment variables become values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class InvalidSetting(ValueError):
    """A variable's text cannot be read; the message names the variable."""


Reader = Callable[[str, str], Any]
"""Makes a value of a variable's name and text. Raises `InvalidSetting`."""


@dataclass(frozen=True)
class Variable:
    """Where a setting comes from: the environment variable, how it is read, what it is without.

    ``derive`` makes the default of the settings read before it, where it is no constant.
    """

    name: str
    read: Reader
    derive: Callable[[dict[str, Any]], Any] | None = None


def text(_name: str, raw: str) -> str:
    """Take a text as it is."""
    return raw


def url(_name: str, raw: str) -> str:
    """Take an address without its last slash."""
    return raw.rstrip("/")


def domain(_name: str, raw: str) -> str:
    """Take a domain in lower case, without outer dots."""
    return raw.lower().strip(".")


def keys(_name: str, raw: str) -> tuple[str, ...]:
    """Take several texts, separated by spaces or commas."""
    return tuple(raw.replace(",", " ").split())


def switch(_name: str, raw: str) -> bool:
    """Whether something is on: anything but ``off``."""
    return raw != "off"


def environment(name: str, raw: str) -> bool:
    """Whether the environment is production; development otherwise."""
    if raw not in {"development", "production"}:
        raise InvalidSetting(f"{name} is 'development' or 'production', not {raw!r}")
    return raw == "production"


def number(low: float, high: float) -> Reader:
    """Make a reader of numbers within bounds."""

    def read(name: str, raw: str) -> float:
        try:
            value = float(raw)
        except ValueError:
            raise InvalidSetting(f"{name} is not a number: {raw!r}") from None
        if not low <= value <= high:
            raise InvalidSetting(f"{name} must lie between {low:g} and {high:g}: {raw}")
        return value

    return read


def count(low: int, high: int) -> Reader:
    """Make a reader of whole numbers within bounds."""
    read = number(low, high)
    return lambda name, raw: int(read(name, raw))
