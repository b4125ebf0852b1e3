"""The door: what no customer's browser sends is refused before anything reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
"""What neither a database's text nor an XML document can hold, nor a keyboard type."""

MACHINES = "outside"
"""The blueprint of machines: what they say is signed, and not ours to parse here."""


class _Number(IntegerConverter):
    """A number in an address: as long as a database's, in the digits our own addresses have."""

    regex = "[0-9]{1,18}"


def init_app(app: Flask) -> None:
    """Watch the door; comes before any route is added."""
    app.url_map.converters["int"] = _Number

    @app.before_request
    def _refuse_unprintable() -> None:
        if request.blueprint != MACHINES and any(map(UNPRINTABLE.search, _texts())):
            abort(400)


def _texts() -> Iterator[str]:
    yield request.path
    for given in (request.args, request.form):
        for name, value in given.items(multi=True):
            yield name
            yield value
    for file in request.files.values():
        yield file.filename or ""
