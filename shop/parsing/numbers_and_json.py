"""Reading of numbers and JSON that others sent: within bounds, or not at all."""

from __future__ import annotations

import json
import math
import re
from typing import Any

LARGEST = 2**63 - 1
"""The largest integer that a column of either database holds."""

_DIGITS = re.compile("[0-9]{1,18}", re.ASCII)
"""Up to 18 digits always fit into 64 bits."""


class InvalidJson(ValueError):
    """A text is not JSON, is nested too deeply, or holds a number beyond 64 bits."""


def read_integer(text: str, low: int = 0, high: int = LARGEST) -> int | None:
    """Return the integer that ASCII digits write, without a sign; None outside the bounds."""
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if low <= number <= high else None


def read_json(content: str | bytes) -> Any:
    """Return the value of a JSON text. Raise `InvalidJson` whatever is wrong with it."""
    try:
        value = json.loads(
            content, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
        json.dumps(value, ensure_ascii=False).encode()  # refuses half surrogate pairs
    except (ValueError, RecursionError) as error:
        raise InvalidJson(type(error).__name__) from error
    return value


def read_seconds(value: object, most: float) -> float:
    """Return a duration from JSON, from 0 to ``most`` seconds. Raise `ValueError` otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise ValueError(f"not a number of seconds from 0 to {most:g}")
    return float(value)


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else LARGEST + 1
    if not -LARGEST <= number <= LARGEST:
        raise ValueError("a number beyond 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number beyond 64 bits")
    return number


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
