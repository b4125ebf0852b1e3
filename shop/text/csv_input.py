"""Reading the lines of CSV files, in the variants that spreadsheets and scripts write."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shop.errors import N_, Refusal
from shop.text.csv_export import unescape_formula
from shop.text.decoding import decoded, not_csv
from shop.text.folding import fold
from shop.text.names import DIRECTION_MARKS

MOST_LINES = 10_000
MOST_READ = 50_000
"""The most lines that are read to find `MOST_LINES` that count: an export may hold empty ones."""

DELIMITERS = ";,\t|"
DELIMITER_LINE = re.compile(r"\s*\"?sep=([;,\t|])\"?[ \t;,|]*\n", re.IGNORECASE)
"""A first line that declares the delimiter for spreadsheet programs (``sep=;``)."""

VERSION = re.compile(r"version\s?:\s?v?\d", re.IGNORECASE)
"""The first line of Microsoft's templates (``version:v1.0``)."""

EXAMPLE = re.compile(r"(?:example|exemple)\s?:\s", re.IGNORECASE)
"""The line of Microsoft's templates that shows what to write."""

PROPERTY = re.compile(r"\[(\w+)\]")
"""The property of a column in Microsoft's templates: ``First name [givenName] Required``."""

DUTY = re.compile(
    r"[ :–-]*[\[(]?\b(?:required|optional|obligatoire|requise?|facultati(?:f|ve))\b[\]) *]*$", re.I
)
"""Whether a column must be filled in, as Google's templates have it: ``First Name [Required]``."""

AROUND = " \t\n\xa0\u200b" + "".join(DIRECTION_MARKS)
"""What is left out around the text of a cell."""

TITLES = 5
"""The most lines of text above a heading."""


@dataclass(frozen=True)
class Row:
    """A line that is not blank: the number of its first line in an editor, and its cells."""

    number: int
    cells: list[str]

    @property
    def is_template(self) -> bool:
        """Whether it is the version or the example of a template."""
        first = next(cell for cell in self.cells if cell)
        return bool(VERSION.match(first) or EXAMPLE.match(first))

    @property
    def is_remark(self) -> bool:
        """Whether the line begins as a comment, a version or an example, and not as data."""
        first = next(cell for cell in self.cells if cell)
        return first.startswith("#") or self.is_template

    @property
    def is_single(self) -> bool:
        """Whether the line has one cell alone that is not blank, as a title has."""
        return sum(map(bool, self.cells)) == 1


def read_rows(content: bytes) -> list[Row]:
    """Return the lines of a file that are not blank, `MOST_READ` at most.

    Raises `Refusal` at ``file`` if it is not a CSV file or longer than that; a quotation
    mark that is not closed is named at the line where it opens.
    """
    text = decoded(content)
    declared = DELIMITER_LINE.match(text)
    before = text[: declared.end()].count("\n") if declared else 0
    rest = text[declared.end() :] if declared else text
    first = _first_line(rest)
    delimiter = declared[1] if declared else _delimiter(first)
    if _is_quoted_whole(first, delimiter):
        rest = "\n".join(_unquoted(line) for line in rest.split("\n"))
    quote = "'" if re.fullmatch(rf"('[^']*'{re.escape(delimiter)}?)+", first) else '"'
    return list(_Lines(rest, delimiter, quote, before).rows())


def _first_line(text: str) -> str:
    """Return the first line that is neither blank nor a remark."""
    lines = (line.strip(" ") for line in text.split("\n"))
    told = (line for line in lines if line.strip(AROUND + DELIMITERS + '"'))
    return next((line for line in told if not re.match(r'"?(?:#|version ?:)', line)), "")


def _delimiter(first: str) -> str:
    """Guess the delimiter: the most frequent one outside the quotation marks of a line."""
    bare = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=bare.count if any(it in bare for it in DELIMITERS) else first.count)


def _is_quoted_whole(first: str, delimiter: str) -> bool:
    """Whether quotation marks enclose whole lines, as when a spreadsheet saved them as one cell."""
    return bool(re.fullmatch(r'"(?:[^"]|"")*"', first)) and delimiter in first


def _unquoted(line: str) -> str:
    bare = line.strip()
    return bare[1:-1].replace('""', '"') if re.fullmatch(r'"(?:[^"]|"")*"', bare) else line


class _Lines:
    """The lines of a text, read by `csv`, which counts those of a quoted cell."""

    def __init__(self, text: str, delimiter: str, quote: str, before: int) -> None:
        self._lines = text.split("\n")
        self._delimiter, self._quote, self._before = delimiter, quote, before
        self._reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=delimiter,
            quotechar=quote,
            skipinitialspace=True,
            strict=True,
        )

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not blank; stop where the file is too long anyway."""
        found = 0
        while True:
            begins = self._reader.line_num
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                raise self._stray(begins) from error
            if cells is None:
                return
            if self._reader.line_num > begins + 1 and self._swallows(cells):
                raise self._stray(begins)
            told = [unescape_formula(cell.strip(AROUND)) for cell in cells]
            if any(told):
                found += 1
                if found > MOST_READ:
                    raise Refusal(
                        N_("A file holds at most %(most)d lines: split this one."), "file",
                        most=MOST_READ,
                    )  # fmt: skip
                yield Row(self._before + begins + 1, told)

    def _swallows(self, cells: list[str]) -> bool:
        """Whether a cell of several lines holds a whole line of the file: its quote is stray."""
        several = max(self._lines[0].count(self._delimiter), 2)
        return any(
            part.count(self._delimiter) >= several
            for cell in cells
            if "\n" in cell
            for part in cell.split("\n")
        )

    def _stray(self, begins: int) -> Refusal:
        """Return the refusal that names the line and cell whose quotation mark is stray."""
        number = begins
        text = "\n".join(self._lines[begins : begins + 100])
        quote, delimiter = self._quote, re.escape(self._delimiter)
        cell = re.compile(
            rf" *(?:{re.escape(quote)}((?:[^{quote}]|{quote}{quote})*){quote}(?=[{delimiter}\n]|\Z)"
            rf"|(?!{quote})[^{delimiter}\n]*)(?=[{delimiter}\n]|\Z)"
        )
        place, column = 0, 1
        while (found := cell.match(text, place)) and found.end() < len(text):
            if "\n" in found[0] and self._swallows([found[0]]):
                break
            number += found[0].count("\n")
            if text[found.end()] == "\n":
                number, column = number + 1, 0
            place, column = found.end() + 1, column + 1
        return stray_quote(self._before + number + 1, column) if number >= begins else not_csv()


def stray_quote(line: int, column: int) -> Refusal:
    """Return the refusal of a quotation mark without its counterpart."""
    return Refusal(
        N_(
            "Line %(line)d, column %(column)d: a quotation mark opens or closes here without"
            " its counterpart."
        ),
        "file",
        line=line,
        column=column,
    )


# --- Headings ----------------------------------------------------------------------------------

Synonyms = Mapping[str, tuple[str, ...]]
"""The names of each column in a heading, folded, the preferred first."""


def column_names(cells: list[str]) -> list[str]:
    """Return the names in a heading, folded; a property in brackets counts before the text."""
    named = [DUTY.sub("", cell) or cell for cell in cells]
    return [fold(found[1] if (found := PROPERTY.search(cell)) else cell) for cell in named]


def find_columns(cells: list[str], synonyms: Synonyms) -> dict[str, int]:
    """Return the place of each column that a heading names; empty if it names none.

    Raises `Repeated` if a name that decides stands twice.
    """
    names = column_names(cells)
    found = {}
    for column, known in synonyms.items():
        name = next((name for name in known if name in names), None)
        if name is None:
            continue
        if names.count(name) > 1:
            raise Repeated(column)
        found[column] = names.index(name)
    return found


class Repeated(Exception):
    """A heading names a column twice."""


def below_titles(rows: list[Row], synonyms: Synonyms) -> list[Row]:
    """Return the rows from the heading on, if but titles and remarks stand above it."""
    for place, row in enumerate(rows[:TITLES]):
        if set(synonyms) & set(_known(row, synonyms)) and not row.is_single:
            return rows[place:]
        if not (row.is_single or row.is_remark):
            break
    return rows


def _known(row: Row, synonyms: Synonyms) -> list[str]:
    names = column_names(row.cells)
    return [column for column, known in synonyms.items() if any(it in names for it in known)]
