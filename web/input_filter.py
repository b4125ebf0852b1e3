"""Refuses control characters in requests before any view reads them."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, abort, request
from werkzeug.datastructures import MultiDict
from werkzeug.routing import IntegerConverter

from shop.parsing.plain_texts import is_plain

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
        if request.blueprint not in UNFILTERED and not all(map(is_plain, _texts())):
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
