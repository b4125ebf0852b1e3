"""Reading of numbers and JSON that callers sent: within bounds, or not at all."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import IntegerConverter

LARGEST = 2**63 - 1
MOST_PAGES = 10**9


class InvalidJson(ValueError):
    """A text is not JSON, is nested too deeply, or holds a number beyond 64 bits."""


def read_integer(text: str, low: int = 0, high: int = LARGEST) -> int | None:
    """Return the integer that ASCII digits write, without a sign; None outside the bounds."""
    if not re.fullmatch("[0-9]{1,18}", text):
        return None
    number = int(text)
    return number if low <= number <= high else None


def read_page(text: str) -> int:
    """Return the number of a page, 1 if it is invalid."""
    return read_integer(text, 1, MOST_PAGES) or 1


def read_seconds(value: object, most: float) -> float:
    """Return a duration from JSON or a form. Raise `ValueError` unless it is 0 to ``most``."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise ValueError(f"not a number of seconds from 0 to {most:g}")
    return float(value)


class Number(IntegerConverter):
    """A number in a URL: at most as long as the database's integers, in ASCII digits."""

    regex = "[0-9]{1,18}"


class BoundedJson(DefaultJSONProvider):
    """Flask's JSON; it refuses deep nesting, numbers beyond 64 bits and half characters."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of a JSON text; raise `InvalidJson` if it is invalid."""
        try:
            value = json.loads(s, parse_int=_integer, parse_float=_float, parse_constant=_constant)
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise InvalidJson(type(error).__name__) from error
        return value


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else LARGEST + 1
    if not -LARGEST <= number <= LARGEST:
        raise ValueError("a number beyond 64 bits")
    return number


def _float(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("a number beyond 64 bits")
    return number


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
