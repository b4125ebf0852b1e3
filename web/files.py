"""Files as responses: PDF, streamed files, CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from flask import Response

from shop import database
from shop.text import csv_export
from web.languages import current_language

LINES_AT_ONCE = 200


def pdf(content: bytes, filename: str) -> Response:
    """Return a PDF that the browser shows; ``filename`` must need no quoting."""
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
    return response


def streamed(pieces: Iterator[bytes], content_type: str, filename: str) -> Response:
    """Return a download that is sent while it is generated.

    The request is over by then: ``pieces`` must not need its language or customer any more.
    """
    response = Response(_each_with_database(pieces), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def table(rows: Iterable[Iterable[object]], filename: str) -> Response:
    """Return a CSV file for spreadsheets in the customer's language, streamed."""
    lines = csv_export.csv_lines(rows, current_language())
    return streamed(_in_pieces(lines), "text/csv; charset=utf-8", filename)


def _in_pieces(lines: Iterator[str]) -> Iterator[bytes]:
    while piece := "".join(islice(lines, LINES_AT_ONCE)):
        yield piece.encode()


def _each_with_database(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield each piece; its connection is released before it is sent.

    A client that stops reading therefore leaves no connection open.
    """
    while True:
        with database.connection():
            piece = next(pieces, b"")
        if not piece:
            return
        yield piece
