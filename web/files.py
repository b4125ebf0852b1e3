"""Files as answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from flask import Response

from shop import database
from shop.text import csv_export
from web.languages import current

LINES_AT_ONCE = 200


def pdf(content: bytes, filename: str) -> Response:
    """A PDF to open or keep, under a name that needs no quoting."""
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
    return response


def streamed(pieces: Iterator[bytes], content_type: str, filename: str) -> Response:
    """A file to keep, sent while it is being made.

    The request is over by then: ``pieces`` knows its language and its customer already.
    """
    response = Response(_each_with_database(pieces), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def table(rows: Iterable[Iterable[object]], filename: str) -> Response:
    """A CSV file for spreadsheets of the customer's language, sent while it is being made."""
    lines = csv_export.written(rows, current())
    return streamed(_in_pieces(lines), "text/csv; charset=utf-8", filename)


def _in_pieces(lines: Iterator[str]) -> Iterator[bytes]:
    while piece := "".join(islice(lines, LINES_AT_ONCE)):
        yield piece.encode()


def _each_with_database(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Each piece is made with a connection that is given back before it is sent: whoever stops
    reading half-way leaves nothing open."""
    while True:
        with database.at_hand():
            piece = next(pieces, b"")
        if not piece:
            return
        yield piece
