"""Conversion of the texts of environment variables to values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_network
from typing import Any


class InvalidSetting(ValueError):
    """A variable's text cannot be read; the message names the variable."""


_ACCOUNT = re.compile(r"[1-7][0-9]{2,11}")

Reader = Callable[[str, str], Any]
"""A function that converts a variable's name and text to a value, or raises `InvalidSetting`."""


@dataclass(frozen=True)
class Variable:
    """The source of a setting: the environment variable, its reader, and its derived default.

    ``derive`` computes the default from the settings read before it, unless it is a constant.
    """

    name: str
    read: Reader
    derive: Callable[[dict[str, Any]], Any] | None = None


def text(_name: str, raw: str) -> str:
    """Return a text unchanged."""
    return raw


def url(_name: str, raw: str) -> str:
    """Return a URL without its trailing slash."""
    return raw.rstrip("/")


def domain(_name: str, raw: str) -> str:
    """Return a domain in lower case, without leading and trailing dots."""
    return raw.lower().strip(".")


def keys(_name: str, raw: str) -> tuple[str, ...]:
    """Return several texts that are separated by spaces or commas."""
    return tuple(raw.replace(",", " ").split())


def day(name: str, raw: str) -> str:
    """Return a day, written as 2027-01-31."""
    try:
        return date.fromisoformat(raw).isoformat()
    except ValueError as error:
        raise InvalidSetting(f"{name} is a day like 2027-01-31, not {raw!r}") from error


def networks(name: str, raw: str) -> tuple[str, ...]:
    """Return IP networks, or addresses, that are separated by spaces or commas."""
    try:
        return tuple(str(ip_network(each, strict=False)) for each in keys(name, raw))
    except ValueError as error:
        raise InvalidSetting(f"{name} lists IP networks: {error}") from None


def switch(_name: str, raw: str) -> bool:
    """Return whether a switch is on: any text but ``off``."""
    return raw != "off"


def option(name: str, raw: str) -> bool:
    """Return whether an option is taken: ``on`` or ``off``."""
    if raw not in {"on", "off"}:
        raise InvalidSetting(f"{name} is 'on' or 'off', not {raw!r}")
    return raw == "on"


def environment(name: str, raw: str) -> bool:
    """Return whether the environment is production rather than development."""
    if raw not in {"development", "production"}:
        raise InvalidSetting(f"{name} is 'development' or 'production', not {raw!r}")
    return raw == "production"


def chart(defaults: tuple[tuple[str, str], ...]) -> Reader:
    """Return a reader of numbers of accounts by role: ``sales=706000 bank=512100``."""

    def read(name: str, raw: str) -> tuple[tuple[str, str], ...]:
        found = dict(defaults)
        for pair in keys(name, raw):
            role, _, account = pair.partition("=")
            if role not in found:
                raise InvalidSetting(f"{name} knows {', '.join(found)}, not {role!r}")
            if not _ACCOUNT.fullmatch(account):
                raise InvalidSetting(f"{name}: an account is a number like 706000, not {account!r}")
            found[role] = account
        return tuple(found.items())

    return read


def number(low: float, high: float) -> Reader:
    """Return a reader of numbers within bounds."""

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
    """Return a reader of integers within bounds."""
    read = number(low, high)
    return lambda name, raw: int(read(name, raw))
