"""Reading CSV files of people, in the variants that spreadsheet programs write."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from shop.errors import N_, Refusal
from shop.text.csv_export import unescape_formula
from shop.text.folding import fold

MOST_LINES = 10_000
LONGEST_CELL = 255

COLUMNS = ("first_name", "last_name", "login")

HEADINGS = {
    "first_name": {"prenom", "prenoms", "first name", "firstname", "given name"},
    "last_name": {"nom", "nom de famille", "last name", "lastname", "surname", "family name"},
    "login": {"login", "identifiant", "username", "user name"},
}
"""The accepted names of each column in a heading, folded by `folding.fold`."""


DELIMITER_LINE = re.compile(r"\s*\"?sep=([;,\t])\"?[ \t;,]*\r?\n", re.IGNORECASE)
"""A first line that declares the delimiter for spreadsheet programs (``sep=;``)."""


@dataclass(frozen=True)
class Line:
    """One line of a file with its number; ``is_whole`` if it has exactly three cells."""

    number: int
    first_name: str
    last_name: str
    login: str
    is_whole: bool


EXTENSIONS = (".csv", ".txt")
"""The extensions of files of people: what spreadsheet programs and editors give them."""

BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
"""Bytes that no text file holds, and every archive, workbook, picture or program does."""


def check_name(filename: str) -> None:
    """Raise `Refusal` at ``file`` unless a file is named as a CSV file is."""
    if not filename.casefold().endswith(EXTENSIONS):
        raise _not_csv()


def _not_csv() -> Refusal:
    return Refusal(N_("This is not a CSV file."), "file")


def read_people(content: bytes) -> list[Line]:
    """Return the lines of a file of people.

    The file is UTF-8 or Windows-1252, delimited by commas, semicolons or tabs, with a French or
    English heading or without one (then: first name, last name, login).

    Raises `Refusal` at ``file`` if it is not a CSV file, is empty, too long, or its heading
    lacks a column.
    """
    rows = read_cells(content)
    if not rows:
        raise Refusal(N_("This file is empty."), "file")
    order = _column_order(rows[0][1])
    if order is None and _is_heading(rows[0][1]):
        raise Refusal(N_("The heading names first name, last name and login, each once."), "file")
    rows = [row for row in rows if not _is_heading(row[1])]
    if not rows:
        raise Refusal(N_("This file holds a heading and nobody below it."), "file")
    if len(rows) > MOST_LINES:
        raise Refusal(
            N_("A file holds at most %(most)d people: split this one."), "file", most=MOST_LINES
        )
    return [_line(number, row, order or (0, 1, 2)) for number, row in rows]


def read_cells(content: bytes) -> list[tuple[int, list[str]]]:
    """Return the lines of a file that are not blank, each with its number and its cells.

    Reads at most a heading, `MOST_LINES` lines and one more. Raises `Refusal` at ``file`` if it
    is not a CSV file.
    """
    return _rows(_decoded(content))


def _decoded(content: bytes) -> str:
    if BINARY.search(content):
        raise _not_csv()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the lines that are not blank, with their numbers as an editor shows them."""
    declared = DELIMITER_LINE.match(text)
    delimiter = declared[1] if declared else _delimiter(text)
    before = text[: declared.end()].count("\n") if declared else 0
    rest = text[declared.end() :] if declared else text
    reader = csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(
                    (before + reader.line_num, [unescape_formula(cell.strip()) for cell in cells])
                )
            if len(rows) > MOST_LINES + 1:
                break
    except csv.Error as error:
        raise Refusal(N_("This is not a CSV file."), "file") from error
    return rows


def _delimiter(text: str) -> str:
    """Guess the delimiter: the most frequent candidate in the first line that is not blank."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(";,\t", key=first.count)


def _is_heading(cells: list[str]) -> bool:
    """Whether a line holds only column names; headings may repeat where files were joined."""
    known = set().union(*HEADINGS.values())
    return all(fold(cell) in known for cell in cells if cell)


def _column_order(cells: list[str]) -> tuple[int, int, int] | None:
    """Return the positions of `COLUMNS` in a heading; None if ``cells`` is not a complete one."""
    folded = [fold(cell) for cell in cells]
    found = [next((i for i, cell in enumerate(folded) if cell in HEADINGS[name]), -1)
             for name in COLUMNS]  # fmt: skip
    if -1 in found or len(set(found)) < len(COLUMNS):
        return None
    return found[0], found[1], found[2]


def _line(number: int, cells: list[str], order: tuple[int, int, int]) -> Line:
    padded = [*cells, "", "", ""]
    wanted = [padded[place] if place < len(padded) else "" for place in order]
    is_whole = len(cells) > max(order) and not any(cells[max(*order, 2) + 1 :])
    first_name, last_name, login = (cell[: LONGEST_CELL + 1] for cell in wanted)
    return Line(number, first_name, last_name, login, is_whole)
