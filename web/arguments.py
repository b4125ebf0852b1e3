"""Numbers in the arguments and forms of requests, and the JSON of their bodies."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.json.provider import DefaultJSONProvider
from werkzeug.datastructures import MultiDict

from shop.parsing.numbers_and_json import read_integer, read_json

MOST_PAGES = 10**9
"""The highest page number that is read: an offset in a list stays within 64 bits."""


class BoundedJson(DefaultJSONProvider):
    """Flask's JSON, read within bounds (`shop.parsing`): an invalid body is answered with 400."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of a JSON text; raise `ValueError` if it is invalid."""
        return read_json(s)


def number_of(values: MultiDict[str, str], name: str, default: int = 0) -> int:
    """Return the number ``name``; ``default`` if it is missing, invalid or beyond 64 bits."""
    found = read_integer(values.get(name, ""))
    return default if found is None else found


def list_key(name: str = "before") -> int | None:
    """Return the id after which a list goes on; None from its beginning."""
    return read_integer(request.args.get(name, ""), 0, 2**31 - 1)


def page_number(values: MultiDict[str, str] | None = None) -> int:
    """Return the number of the page asked for, by default in the URL; 1 if it is invalid."""
    given = request.args if values is None else values
    return read_integer(given.get("page", ""), 1, MOST_PAGES) or 1
