"""Refuses control characters in requests before any view reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Flask, abort, request
from werkzeug.datastructures import MultiDict
from werkzeug.routing import IntegerConverter

CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
"""Characters that neither a text column nor an XML document can hold; no keyboard types them."""

UNFILTERED = {"webhooks", "sandbox_controls"}
"""Blueprints for machines: their body is signed, and read only after its signature was checked."""


class _Number(IntegerConverter):
    """A number in a URL: at most as long as the database's integers, in ASCII digits."""

    regex = "[0-9]{1,18}"


def init_app(app: Flask) -> None:
    """Install the filter; call it before any route is added."""
    app.url_map.converters["int"] = _Number

    @app.before_request
    def _refuse_control_characters() -> None:
        if request.blueprint not in UNFILTERED and any(map(CONTROL_CHARACTERS.search, _texts())):
            abort(400)


def _texts() -> Iterator[str]:
    yield request.path
    yield from _pairs(request.args)
    if request.content_length != 0:
        yield from _pairs(request.form)
        for file in request.files.values():
            yield file.filename or ""


def _pairs(given: MultiDict[str, str]) -> Iterator[str]:
    for name, value in given.items(multi=True):
        yield name
        yield value
