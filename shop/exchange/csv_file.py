"""A CSV file of mailboxes: e-mail address, first name, last name and, if known, the size."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from shop.errors import Refusal
from shop.exchange.source import InvalidFile, Mailbox
from shop.licences.seats import csv_reader
from shop.reading import read_integer
from shop.text.folding import fold
from shop.text.names import read_name

COLUMNS = ("email", "first_name", "last_name", "size_gb")
"""The columns in order; the last one is optional."""

HEADER = "email"
MAX_SIZE_GB = 100_000
"""A larger size is taken to be a typing error."""


class CsvFile:
    """A file with one line per mailbox, with or without a header (``email,first_name,…``).

    UTF-8 or Windows-1252; commas, semicolons or tabs. A mailbox without names is shared.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content

    def mailboxes(self) -> list[Mailbox]:
        """Return all mailboxes. Raise `InvalidFile` with the number and error of each bad line."""
        found: dict[str, Mailbox] = {}
        problems = []
        for number, cells in self._rows():
            try:
                mailbox = _read(cells)
                if mailbox.key in found:
                    raise _InvalidLine(f"{mailbox.address} stands in the file already")
                found[mailbox.key] = mailbox
            except _InvalidLine as bad:
                problems.append(f"line {number}: {bad}")
        if problems:
            raise InvalidFile(problems)
        if not found:
            raise InvalidFile(["the file holds no mailbox"])
        return list(found.values())

    def _rows(self) -> list[tuple[int, list[str]]]:
        try:
            rows = csv_reader.read_cells(self._content)
        except Refusal as refusal:
            raise InvalidFile([str(refusal)]) from refusal
        if rows and fold(rows[0][1][0]) == HEADER:
            rows = rows[1:]
        if len(rows) > csv_reader.MOST_LINES:
            raise InvalidFile([f"a file holds at most {csv_reader.MOST_LINES} mailboxes"])
        return rows


class _InvalidLine(Exception):
    """A line is not valid; the message says why."""


def _read(cells: list[str]) -> Mailbox:
    if len(cells) < 3 or any(cells[len(COLUMNS) :]):
        raise _InvalidLine("expected email, first_name, last_name and, if known, size_gb")
    address, first_name, last_name, size = [*cells, ""][:4]
    return Mailbox(
        _address(address),
        _name(first_name, "first_name"),
        _name(last_name, "last_name"),
        _size(size),
    )


def _address(typed: str) -> str:
    try:
        checked = validate_email(typed, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise _InvalidLine(f"{typed!r} is no email address: {error}") from error
    if len(checked.normalized) > 254:
        raise _InvalidLine(f"{typed!r} is too long")
    return str(checked.normalized)


def _name(typed: str, column: str) -> str:
    if not typed:
        return ""
    try:
        return read_name(typed, column)
    except Refusal as refusal:
        raise _InvalidLine(f"{column}: {refusal}") from refusal


def _size(typed: str) -> int | None:
    if not typed:
        return None
    if (size := read_integer(typed, 1, MAX_SIZE_GB)) is None:
        raise _InvalidLine(
            f"size_gb: {typed!r} is not a whole number of gigabytes from 1 to {MAX_SIZE_GB}"
        )
    return size
