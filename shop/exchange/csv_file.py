"""A CSV file of mailboxes: e-mail address, first name, last name and, if known, the size."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from shop.errors import Refusal
from shop.exchange.source import InvalidFile, Mailbox
from shop.licences.seats.csv_reader import FIRST_NAMES, LAST_NAMES
from shop.parsing.numbers_and_json import read_integer
from shop.text import csv_input
from shop.text.csv_input import Row
from shop.text.names import read_name

COLUMNS = ("email", "first_name", "last_name", "size_gb")
"""The columns in order; the last one is optional."""

ADDRESSES = (
    "email", "e mail", "mail", "email address", "emailaddress", "e mail address", "adresse e mail",
    "adresse email", "adresse mail", "courriel", "primary smtp address", "primarysmtpaddress",
    "windowsemailaddress", "user principal name", "userprincipalname", "username", "user name",
    "nom d utilisateur",
)  # fmt: skip

HEADINGS = {
    "email": ADDRESSES,
    "first_name": FIRST_NAMES,
    "last_name": LAST_NAMES,
    "size_gb": ("size gb", "size", "taille go", "taille"),
}
"""The names of each column in a heading, folded, the preferred first."""

MAX_SIZE_GB = 100_000
"""A larger size is taken to be a typing error."""


class CsvFile:
    """A file with one line per mailbox, with or without a header (``email,first_name,…``).

    A heading decides by its names which column is which. A mailbox without names is shared.
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
        """Return the cells of each line below the heading, in the order of `COLUMNS`."""
        try:
            rows = csv_input.read_rows(self._content)
        except Refusal as refusal:
            raise InvalidFile([str(refusal)]) from refusal
        rows = csv_input.below_titles(rows, HEADINGS)
        rows = [row for row in rows if not row.is_remark]
        places = _heading(rows[0]) if rows else {}
        found = [(row.number, _in_order(row, places, rows[0])) for row in rows[bool(places) :]]
        found = [(number, cells) for number, cells in found if any(cells)]
        if len(found) > csv_input.MOST_LINES:
            raise InvalidFile([f"a file holds at most {csv_input.MOST_LINES} mailboxes"])
        return found


def _heading(row: Row) -> dict[str, int]:
    """Return the places of the columns in a heading; empty if the line is a mailbox."""
    if any("@" in cell for cell in row.cells):
        return {}
    try:
        places = csv_input.find_columns(row.cells, HEADINGS)
    except csv_input.Repeated as repeated:
        raise InvalidFile([f"line {row.number}: the heading names {repeated} twice"]) from repeated
    missing = [column for column in COLUMNS[:3] if column not in places]
    if places and missing:
        raise InvalidFile([f"line {row.number}: the heading lacks {', '.join(missing)}"])
    return places


def _in_order(row: Row, places: dict[str, int], heading: Row) -> list[str]:
    """Return the cells of a line in the order of `COLUMNS`, and those that no column holds.

    The size may stand in the fourth column without a name.
    """
    if not places:
        return row.cells
    size = places.get("size_gb", 3 if len(heading.cells) == 3 else -1)
    wanted = [*(places[column] for column in COLUMNS[:3]), size]
    if len(row.cells) <= max(wanted[:3]):
        return row.cells[:1]
    cells = [row.cells[place] if 0 <= place < len(row.cells) else "" for place in wanted]
    return cells + row.cells[max(len(heading.cells), size + 1) :]


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
